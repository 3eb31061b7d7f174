// Memory beside the data's size, drawn to one scale. Two amounts are shown and never mixed up: what Spillway holds out of
// the memory that it was given, and what the whole process (Node.js, TensorFlow.js, the model, ...) takes.

import type { Dataset } from "spillway";
import { bar, bytes, cyan, dim, green, yellow } from "./terminal.js";

const lookEveryMs = 50;

/** Largest amounts so far, in bytes. */
export interface MemoryPeaks {
  readonly dataBytes: number;
  /** Memory given to `open`. */
  readonly givenBytes: number;
  /** Most that Spillway held of it. */
  readonly heldBytes: number;
  /** The whole process, before there was any data. */
  readonly bareBytes: number;
  /** Most that the whole process had resident since it started, as the operating system counts it. */
  readonly processBytes: number;
}

/** Keeps the peaks of an open dataset from now on, until the process ends. */
export function watchMemory(dataset: Dataset, dataBytes: number, bareBytes: number): MemoryPeaks {
  let [givenBytes, heldBytes] = [0, 0];
  const look = async () => {
    const stats = await dataset.stats();
    givenBytes = stats.memoryBytes;
    heldBytes = stats.peakBytes;
  };
  setInterval(() => look().catch(() => {}), lookEveryMs).unref();
  return {
    dataBytes,
    bareBytes,
    get givenBytes() {
      return givenBytes;
    },
    get heldBytes() {
      return heldBytes;
    },
    get processBytes() {
      return process.resourceUsage().maxRSS * 1024;
    },
  };
}

/** Three lines with a bar each. */
export function memoryBars(peaks: MemoryPeaks): string[] {
  const { dataBytes, givenBytes, heldBytes, bareBytes, processBytes } = peaks;
  const scale = Math.max(dataBytes, processBytes);
  const line = (label: string, value: number, paint: (text: string) => string, note: string) =>
    `  ${label.padEnd(23)} ${bar(value / scale, 20, paint)} ${bytes(value).padStart(8)}  ${dim(note)}`.trimEnd();
  return [
    line("data on disk", dataBytes, yellow, ""),
    line("Spillway, at most", heldBytes, green, `of ${bytes(givenBytes)} given`),
    line("whole process, at most", processBytes, cyan, `${bytes(bareBytes)} before any data`),
  ];
}
