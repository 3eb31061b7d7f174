// What is checked before anything is written: options, room for a new dataset, memory, and space on the disk.

import fs from "node:fs";
import { join } from "node:path";
import { SpillwayError, systemCode } from "../errors.js";
import { manifestName } from "../format/manifest.js";
import { planSums, rowsPerShard } from "../format/shard.js";
import { bytesPerSample, type Source } from "../source/source.js";
import { formatBytes, parseBytes } from "../store/byte-size.js";
import { freeBytes, ioError } from "../store/file.js";
import { freeMemory } from "../store/free-memory.js";
import { type Fields, sampleBytes } from "../tensor/field.js";
import { leastWriterBytes, maxShards, tooManyShards } from "./dataset-writer.js";
import type { PackOptions } from "./options.js";
import { hasState, packingName } from "./state.js";
import { scratchBytes, writerShare } from "./two-pass.js";

export const defaultJobs = 16;
const maxJobs = 1024;
const mebibyte = 2 ** 20;
const defaultMemoryBytes = 256 * mebibyte;
/** Bytes of a catalog row, for the space check only. */
const catalogRowBytes = 96;
/** Bytes of an index row, likewise. */
const indexRowBytes = 128;
/** Space that stays free besides what is needed. */
const spareBytes = 16 * mebibyte;

export function checkOptions({ jobs, layout }: PackOptions): void {
  if (jobs !== undefined && !(Number.isInteger(jobs) && jobs >= 1 && jobs <= maxJobs)) {
    throw new SpillwayError("usage", `jobs ${jobs} is not a whole number from 1 to ${maxJobs}`, {
      remedy: `Leave it out, or use ${defaultJobs}.`,
    });
  }
  if (layout !== undefined && layout !== "shuffled" && layout !== "source") {
    throw new SpillwayError("usage", `layout "${String(layout)}" is not known`, {
      remedy: 'Use "shuffled" or "source".',
    });
  }
}

/**
 * A place for a new dataset: nothing there, an empty folder, or an unfinished pack. What a kill may have left is let
 * pass where the lock is not held yet: it has to be looked at again under the lock, which tidies up.
 *
 * @param isAppend whether a dataset has to be there instead, which is to grow
 * @throws SpillwayError `exists`, `missing`, or `io` for a folder that cannot be read
 */
export function requireRoom(path: string, isLocked: boolean, isAppend: boolean): void {
  if (isAppend) {
    if (fs.existsSync(join(path, manifestName)) || hasState(path)) return;
    throw new SpillwayError("missing", `${path} is no dataset that could be appended to`, {
      remedy: "Check the path, or leave out --append to make a new one.",
      where: { path },
    });
  }
  let files: string[];
  try {
    files = fs.readdirSync(path);
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") return;
    if (systemCode(cause) !== "ENOTDIR" || !fs.existsSync(path)) throw ioError(cause, path, "cannot be read");
    throw new SpillwayError("exists", `${path} is a file`, {
      remedy: "Give the dataset a folder of its own.",
      where: { path },
    });
  }
  if (hasState(path)) return;
  // Killed while it began, or at its very end: a lock, or scratch without a state.
  const others = files.filter((file) => !file.startsWith(".lock") && file !== packingName);
  if (others.length === 0 || (!isLocked && files.includes(manifestName) && others.length < files.length))
    return;
  const what = files.includes(manifestName) ? "a dataset" : `${others.length} files that are no dataset`;
  throw new SpillwayError("exists", `${path} holds ${what} already`, {
    remedy: "Choose another folder, remove this one first, or add to it with --append.",
    where: { path },
  });
}

/** @throws SpillwayError `usage` if the shards would be too many */
export function requireFewShards(source: Source, fields: Fields, shardBytes: number): void {
  const { sampleCount, meanBytes } = source;
  const rows =
    meanBytes === undefined
      ? rowsPerShard(fields, shardBytes)
      : Math.max(1, Math.floor(shardBytes / meanBytes));
  if (sampleCount === undefined || sampleCount <= maxShards * rows) return;
  const each = meanBytes ?? sampleBytes(fields);
  const least = Math.ceil((Math.ceil(sampleCount / maxShards) * each) / mebibyte);
  throw tooManyShards(shardBytes, `Use a shard size of at least "${least} MiB".`);
}

/** Memory for packing: what was given, if it is enough, or the default. */
export function chooseMemory(fields: Fields, memory: string | number | undefined): number {
  const given = memory === undefined ? Math.min(defaultMemoryBytes, freeMemory() / 4) : parseBytes(memory);
  const least = Math.max(1, Math.ceil(leastWriterBytes(fields) / writerShare / mebibyte)) * mebibyte;
  if (given >= least) return given;
  if (memory === undefined) return least;
  throw new SpillwayError(
    "memory",
    `memory of ${formatBytes(given)} is too small to pack samples of ${formatBytes(sampleBytes(fields))}`,
    { remedy: `Give it memory: "${least / mebibyte} MiB".`, where: { neededBytes: least } },
  );
}

/** What the space check goes by. */
export interface SpaceNeed {
  source: Source;
  /** Fields as they are stored. */
  fields: Fields;
  path: string;
  shardBytes: number;
  /** Whether samples stay in their files. */
  isIndex: boolean;
  /** Bytes of the arena, where packing takes two passes and scratch. */
  arenaBytes?: number;
}

/** @throws SpillwayError `space` if the disk has too little room, scratch included */
export function checkSpace(
  { source, fields, path, shardBytes, isIndex, arenaBytes }: SpaceNeed,
  note: (text: string) => void,
): void {
  const free = freeBytes(path);
  const { sampleCount } = source;
  if (sampleCount === undefined) {
    const more = arenaBytes === undefined ? "" : ", and scratch takes as much again";
    note(`${formatBytes(free)} are free on the disk; how much is needed is not known beforehand${more}.`);
    return;
  }
  const data = isIndex
    ? sampleCount * (indexRowBytes + catalogRowBytes)
    : sampleCount * ((source.meanBytes ?? sampleBytes(fields)) + catalogRowBytes) +
      planSums(fields, sampleCount).bytes;
  let needed = data;
  let parts = "";
  if (arenaBytes !== undefined) {
    const { piles, largest } = scratchBytes(bytesPerSample(source), sampleCount, arenaBytes);
    // Piles go as shards come: what is there twice is a shard and the pile at work, which may be parted once more.
    needed = Math.min(
      data + piles + largest,
      Math.max(data, piles) + Math.min(shardBytes, data) + 2 * largest,
    );
    parts = `, ${formatBytes(piles)} of it scratch that goes again`;
  }
  note(`Needs ${formatBytes(needed)} of disk${parts}; ${formatBytes(free)} are free.`);
  if (needed + spareBytes <= free) return;
  throw new SpillwayError(
    "space",
    `packing needs ${formatBytes(needed)} at ${path}${parts}, and ${formatBytes(free)} are free`,
    {
      remedy: `Free ${formatBytes(needed + spareBytes - free)}, or choose a folder on another disk.`,
      where: { path, neededBytes: needed },
    },
  );
}
