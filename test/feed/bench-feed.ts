// Feeds for tests: with what only tests may say of them, and what is looked at afterwards.

import assert from "node:assert/strict";
import { type Dataset, open } from "spillway";
import { Feed } from "#spillway/feed/feed";
import type { FeedRequest } from "#spillway/feed/feed-request";
import { Engine, type EngineParts } from "#spillway/load/engine";
import { createTable } from "#spillway/load/table";

/** Works with feeds of an engine of its own, 64 MiB unless said otherwise; everything is given back at the end. */
export async function withFeed(
  path: string,
  request: Partial<FeedRequest>,
  work: (feed: Feed, engine: Engine) => Promise<void>,
  memoryBytes = 64 * 2 ** 20,
  parts: EngineParts = {},
): Promise<void> {
  const dataset = await open(path, { memory: "16 MiB" });
  const engine = new Engine(createTable(path, dataset.manifest), memoryBytes, parts);
  try {
    const feed = new Feed(engine, {
      selection: { count: dataset.size, fingerprint: "0123456789abcdef", rows: { kind: "range", start: 0 } },
      seed: 1,
      commit: 1,
      deliver: "float32",
      readers: 2,
      position: 0,
      largestBatch: 0,
      debug: false,
      ...request,
    });
    await work(feed, engine);
    await feed.close();
  } finally {
    await engine.close();
    await dataset.close();
  }
}

/** Throws unless only labels, sums and idle threads are held. */
export async function requireAllGivenBack(dataset: Dataset): Promise<void> {
  const { loops, threads, heldBytes, residentBytes } = await dataset.stats();
  assert.equal(loops, 0);
  assert.equal(heldBytes, residentBytes + threads * 8 * 2 ** 20, "everything was given back");
}

/** Takes a trainer's batches one by one. */
export function iterate<Item>(batches: AsyncIterable<Item>): AsyncIterator<Item> {
  return batches[Symbol.asyncIterator]();
}
