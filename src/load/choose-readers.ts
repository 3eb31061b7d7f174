// How many reader threads a loop has where nobody says: as many as keep the disk busy where samples come from the disk,
// and a few where they come out of memory. Pure.

import { bestDepth, type DeviceProfile } from "../store/device.js";
import { threadBytes } from "./memory-pool.js";
import { defaultReaders } from "./plan.js";

/** Part of the memory that readers may take to keep the disk busy: more of them pays better than more samples pinned. */
const diskShare = 1 / 2;
const mostReaders = 32;

/** Readers for a disk that was not measured: 4 were slower on all disks at hand, 32 faster on a busy one only. */
const usualReaders = 16;

export interface ReadersInput {
  memoryBytes: number;
  cores: number;
  /** Whether samples are read past the page cache. */
  isDirect: boolean;
  /** Bytes of a typical read. */
  recordBytes: number;
  /** What the device can do, if it was measured. */
  profile: Pick<DeviceProfile, "points"> | undefined;
}

export function chooseReaders(input: ReadersInput): number {
  const { memoryBytes, cores, isDirect, recordBytes, profile } = input;
  const few = defaultReaders(memoryBytes, cores);
  if (!isDirect) return few;
  const wanted = (profile && bestDepth(profile, "threads", recordBytes)?.depth) ?? usualReaders;
  const affordable = Math.floor((memoryBytes * diskShare) / threadBytes);
  // A thread is cheap next to a read that waits for the disk: what fits in any case is taken.
  return Math.max(few, Math.min(wanted, affordable, mostReaders));
}
