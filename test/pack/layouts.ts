// Datasets packed and verified, and the order in which the shuffled layout puts their samples.

import assert from "node:assert/strict";
import { type PackOptions, pack } from "spillway";
import { shuffleKeys } from "#spillway/pack/piles";
import { verifyDataset } from "#spillway/pack/verify";
import { newPath } from "../fixtures/new-path.js";
import { upTo } from "../fixtures/packed.js";

/** Packs into a new folder and checks that `verify` finds nothing. */
export async function packNew(samples: Parameters<typeof pack>[0], options: PackOptions): Promise<string> {
  const path = newPath();
  await pack(samples, path, options);
  assert.deepEqual((await verifyDataset(path)).problems, []);
  return path;
}

/** The order of the shuffled layout in two passes, from its definition. */
export function shuffled(count: number, seed: number): number[] {
  const keyOf = shuffleKeys(seed);
  const keys = upTo(count).map((index) => [...keyOf(index), index] as const);
  return keys.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]).map(([, , index]) => index);
}

/** Samples as a list. */
export async function collected<T>(samples: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const sample of samples) all.push(sample);
  return all;
}
