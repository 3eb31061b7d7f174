// The shuffled layout of a source that only goes from front to back: pass 1 throws samples on piles, pass 2 hands them
// to the writer pile by pile. A pile that turns out too large for the memory is parted into piles of its own first.

import fs from "node:fs";
import { basename } from "node:path";
import { bytesPerSample, type Source } from "../source/source.js";
import { createFolder } from "../store/file.js";
import type { Fields } from "../tensor/field.js";
import type { Sample } from "../tensor/sample.js";
import { requireStorable } from "./field-checks.js";
import { otherCount, type Steps } from "./fill.js";
import {
  type PilePart,
  Piles,
  pileParts,
  pilePath,
  pileRecordBytes,
  readPile,
  shuffleKeys,
  sortBytes,
  sortedPile,
} from "./piles.js";
import { type PackState, packingFolder, removeScratch, writeState } from "./state.js";

/** Paths take about so much in a record, for sizing only. */
const typicalPathBytes = 48;
/** Piles where the number of samples is not known. */
const unknownBits = 6;
const maxBits = 11;
const defaultCheckpointBytes = 2 ** 31;
const partBytes = 2 ** 18;

export interface TwoPassJob {
  folder: string;
  source: Source;
  seed: number;
  /** Memory for the piles, see `arenaBytesOf`. */
  arena: Uint8Array;
  state: PackState;
  steps: Steps;
  /** Bytes of samples between two checkpoints of pass 1: what a kill can cost. Default 2 GiB. */
  checkpointBytes?: number;
}

/** How the memory is shared out: a quarter for the piles, a quarter for the writer's blocks, the rest for single samples and the heap. */
const pileShare = 1 / 4;
export const writerShare = 1 / 4;

/** Bytes of the arena: memory of both passes, for the buffers of piles while they are written, then one sorted pile. */
export function arenaBytesOf(memoryBytes: number): number {
  return Math.floor(memoryBytes * pileShare);
}

/** Bits of the hash that name a pile, so that a pile should fit in memory. */
function pileBits(sampleBytes: number, sampleCount: number | undefined, arenaBytes: number): number {
  const most = Math.min(maxBits, Math.floor(Math.log2(arenaBytes / 65_536)));
  if (sampleCount === undefined) return Math.max(0, Math.min(unknownBits, most));
  const each = pileRecordBytes(sampleBytes) + typicalPathBytes + sortBytes;
  // A quarter of slack: piles differ in size by chance.
  const wanted = Math.ceil(Math.log2(Math.max(1, (sampleCount * each * 1.25) / arenaBytes)));
  return Math.max(0, Math.min(wanted, most));
}

/** Bytes of scratch on disk for `sampleCount` samples: all piles, and the largest of them, about. */
export function scratchBytes(
  sampleBytes: number,
  sampleCount: number,
  arenaBytes: number,
): { piles: number; largest: number } {
  const piles = sampleCount * (pileRecordBytes(sampleBytes) + typicalPathBytes);
  return { piles, largest: Math.ceil(piles / 2 ** pileBits(sampleBytes, sampleCount, arenaBytes)) };
}

/** Pass 1, from where its last checkpoint stood; gives the state that pass 2 starts from. */
export async function throwOnPiles(job: TwoPassJob): Promise<PackState> {
  const { folder, source, seed, arena, state, steps, checkpointBytes = defaultCheckpointBytes } = job;
  if (state.pass === 2) return state;
  createFolder(packingFolder(folder));
  const keyOf = shuffleKeys(seed);
  const bits = state.piles?.bits ?? pileBits(bytesPerSample(source), source.sampleCount, arena.length);
  const parts = pileParts(source.fields);
  const piles = new Piles({ folder: packingFolder(folder), prefix: "", parts, skip: 0, bits, arena });
  // A stream of unknown length cannot be asked to skip: what it gives is thrown again from its start.
  const canSkip = source.sampleCount !== undefined && state.piles !== undefined;
  if (!canSkip) removeScratch(folder, () => true);
  let index = canSkip ? state.samples : 0;
  piles.restore(canSkip ? state.piles!.bytes : [], canSkip ? state.piles!.samples : []);
  let sinceCheckpoint = 0;
  const checkpoint = (pass: 1 | 2): PackState => {
    requireStorable(source.fields, "source");
    piles.flush(true);
    const now: PackState = {
      ...state,
      pass,
      samples: index,
      fields: source.fields as PackState["fields"],
      piles: { bits, bytes: piles.bytes, samples: piles.samples },
    };
    writeState(folder, now);
    sinceCheckpoint = 0;
    return now;
  };
  for await (const sample of source.samples(index)) {
    if (index === source.sampleCount) throw otherCount(index, "more");
    piles.add(index, keyOf(index), sample);
    index += 1;
    sinceCheckpoint += sample.bytes.reduce((sum, part) => sum + part.length, 0);
    if (sinceCheckpoint >= checkpointBytes) checkpoint(1);
    if (index % 64 === 0) {
      steps.check();
      steps.advance(index);
    }
  }
  steps.advance(index);
  if (source.sampleCount !== undefined && index < source.sampleCount)
    throw otherCount(source.sampleCount, index);
  return checkpoint(2);
}

/**
 * The samples of pass 2 from row `skip` on, in their final order.
 *
 * @param onPileDone called with a pile's number and the row at which it ends, when all its samples were handed out
 */
export async function* takeFromPiles(
  job: TwoPassJob,
  skip: number,
  onPileDone: (end: number, remove: () => void) => void,
): AsyncGenerator<Sample> {
  const { folder, source, state } = job;
  const { bits, bytes, samples } = state.piles!;
  const parts = pileParts((state.fields ?? source.fields) as Fields);
  // Parts of a pile that a kill left: they are made again.
  removeScratch(folder, (name) => name.includes("-"));
  let row = 0;
  for (let pile = 0; pile < 2 ** bits; pile += 1) {
    const path = pilePath(packingFolder(folder), "", pile);
    const end = row + samples[pile]!;
    if (end > skip) {
      let before = Math.max(0, skip - row);
      const size = { bytes: bytes[pile]!, samples: samples[pile]! };
      for (const sample of handOut(path, size, bits, parts, job)) {
        if (before > 0) before -= 1;
        else yield sample;
      }
    }
    row = end;
    onPileDone(end, () => fs.rmSync(path, { force: true }));
  }
}

/** A pile's samples in the order of their hashes; `used` bits of the hash are the same for all of them. */
function* handOut(
  path: string,
  pile: { bytes: number; samples: number },
  used: number,
  parts: readonly PilePart[],
  job: TwoPassJob,
): Generator<Sample> {
  if (pile.samples === 0) return;
  const { arena } = job;
  if (pile.bytes + pile.samples * sortBytes <= arena.length || pile.samples === 1 || used >= 32) {
    yield* sortedPile(path, pile, parts, arena.length >= pile.bytes ? arena : new Uint8Array(pile.bytes));
    return;
  }
  const wanted = Math.ceil(Math.log2(((pile.bytes + pile.samples * sortBytes) * 1.25) / arena.length));
  const bits = Math.min(32 - used, Math.max(1, Math.min(wanted, 8)));
  // No pile is in the arena meanwhile: it serves as the buffers of the smaller ones.
  const smaller = new Piles({
    folder: packingFolder(job.folder),
    prefix: `${basename(path, ".pile")}-`,
    parts,
    skip: used,
    bits,
    arena,
  });
  smaller.restore([], []);
  for (const record of readPile(path, pile.bytes, parts, partBytes)) smaller.addRecord(record);
  smaller.flush(false);
  for (let k = 0; k < smaller.count; k += 1) {
    const entry = { bytes: smaller.bytes[k]!, samples: smaller.samples[k]! };
    yield* handOut(smaller.path(k), entry, used + bits, parts, job);
    fs.rmSync(smaller.path(k), { force: true });
  }
}
