// Flags of examples/gestures.ts, and whether the disk has room for what they ask.

import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { SpillwayError } from "spillway";
import { freeTemporaryBytes } from "./example-run.js";
import { bytes, print } from "./terminal.js";

export interface GestureOptions {
  /** Size of the recordings' numbers. */
  sizeBytes: number;
  /** Memory for Spillway. */
  memoryBytes: number;
  epochs: number;
  /** Leave the folder where it is. */
  keep: boolean;
}

const mib = 2 ** 20;
const mostMemoryBytes = 40 * mib;
/** A loop to train and one to validate, with a reader thread each. */
const leastMemoryBytes = 24 * mib;

/** Undefined where help was asked for, and given. */
export function readOptions(): GestureOptions | undefined {
  const { values } = parseArgs({
    options: {
      size: { type: "string", default: "400MiB" },
      memory: { type: "string" },
      epochs: { type: "string", default: "3" },
      keep: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    print(
      "Make simulated recordings of body sensors, pack them, and train a classifier from them in little memory.",
      "",
      "  npm start -- --size 2GB",
      "",
      "  --size <bytes>    size of the recordings (default 400MiB)",
      "  --memory <bytes>  memory for Spillway (default: a tenth of the size, at most 40MiB)",
      "  --epochs <n>      how often each network sees each recording (default 3)",
      "  --keep            leave the recordings and the packed dataset where they are",
    );
    return undefined;
  }
  const sizeBytes = parseSize(values.size, "--size");
  const tenth = Math.min(mostMemoryBytes, Math.floor(sizeBytes / 10));
  const memoryBytes = values.memory ? parseSize(values.memory, "--memory") : tenth;
  if (!values.memory && memoryBytes < leastMemoryBytes) {
    throw new SpillwayError(
      "usage",
      `a tenth of ${bytes(sizeBytes)} is ${bytes(memoryBytes)}, too little to train from`,
      {
        remedy: `Use --size ${(leastMemoryBytes * 10) / mib}MiB or more, or give --memory ${leastMemoryBytes / mib}MiB.`,
      },
    );
  }
  const epochs = Number(values.epochs);
  if (!(Number.isInteger(epochs) && epochs >= 1)) {
    throw new SpillwayError("usage", `--epochs ${values.epochs} is not a whole number from 1`, {
      remedy: "Use --epochs 3.",
    });
  }
  return { sizeBytes, memoryBytes, epochs, keep: values.keep };
}

/** Bytes of an amount such as 400MiB. @throws SpillwayError `usage` */
export function parseSize(text: string, flag: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(M|G)(i?B)?$/i.exec(text.trim());
  const base = match?.[3]?.toLowerCase() === "b" ? 1000 : 1024;
  const size = match ? Math.floor(Number(match[1]) * base ** (match[2]!.toUpperCase() === "M" ? 2 : 3)) : 0;
  if (size >= mib) return size;
  throw new SpillwayError("usage", `${flag} ${text} is not an amount of at least 1 MiB`, {
    remedy: `Write it as ${flag} 400MiB or ${flag} 2GB.`,
  });
}

/** @throws SpillwayError `space` where the recordings and their packed copy would not fit */
export function requireSpace(sizeBytes: number): void {
  // A file of 16.1 KiB takes 20 KiB of disk; the packed copy is as large as the numbers.
  const needed = Math.ceil(sizeBytes * 2.3) + 64 * mib;
  const free = freeTemporaryBytes();
  if (free >= needed) return;
  const fitting = Math.floor((free - 64 * mib) / 2.3 / mib);
  throw new SpillwayError(
    "space",
    `${tmpdir()} has ${bytes(free)} free, the recordings and their packed copy need ${bytes(needed)}`,
    {
      remedy: `${fitting > 0 ? `Use --size ${fitting}MiB, or name` : "Name"} another disk: TMPDIR=/path npm start.`,
      where: { path: tmpdir() },
    },
  );
}
