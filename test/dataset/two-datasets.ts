// Two datasets with the same fields, and mixes of their views whose samples are checked: sample i of each holds i, in the
// second one 10,000 more.

import assert from "node:assert/strict";
import type { MixedBatch, View } from "spillway";
import { packLabelled } from "../fixtures/labelled.js";
import { upTo, using } from "../fixtures/packed.js";

export const memory = "40 MiB";
export const classNames = ["a", "b", "c"];
const sizes = [500, 120];
export const labels = sizes.map((size) => upTo(size).map((i) => (i * i) % 3));
const bases = [0, 10_000];
export const paths = await Promise.all(
  sizes.map((_, k) => packLabelled({ classNames, labels: labels[k]!, base: bases[k]!, shardSize: "4 KiB" })),
);

/** Runs some work with all of both datasets as views. */
export async function withViews<T>(work: (views: View[]) => Promise<T>, given = memory): Promise<T> {
  return using(paths[0]!, given, (a) => using(paths[1]!, given, (b) => work([a.view(), b.view()])));
}

/** Ids of each view, batch by batch; throws where a batch is not what its quotas and ids say. */
export async function takenFrom(
  batches: AsyncIterable<MixedBatch> & { quotas: readonly number[] },
  most = Number.POSITIVE_INFINITY,
): Promise<number[][][]> {
  const taken: number[][][] = [];
  for await (const batch of batches) {
    const ids = batches.quotas.map((_, view) => [...batch.ids].filter((_, k) => batch.origins[k] === view));
    assert.deepEqual(
      ids.map(({ length }) => length),
      batches.quotas,
    );
    checkMixed(batch);
    taken.push(ids);
    if (taken.length === most) break;
  }
  return taken;
}

/** Throws where a sample is not that of its view and id. */
export function checkMixed(batch: MixedBatch): void {
  const [data, label] = [batch.fields.data!.data, batch.fields.label!.data];
  assert.deepEqual(batch.fields.data!.shape, [batch.size, 2]);
  batch.ids.forEach((id, k) => {
    const view = batch.origins[k]!;
    assert.deepEqual([data[2 * k], data[2 * k + 1], label[k]], [bases[view]! + id, -id, labels[view]![id]]);
  });
}
