// Several networks trained at once from one reading: a thread for each, a trainer of one feed for each.

import { Worker } from "node:worker_threads";
import type { Feed, FeedStats, View } from "spillway";
import type { BatchReport, EpochReport } from "spillway/tfjs";
import type { NetworkPlan } from "./gesture-networks.js";
import type { Said, Start } from "./gesture-trainer.js";

/** How a network gets on. */
export interface Progress {
  plan: NetworkPlan;
  weights: number;
  last: BatchReport | undefined;
  epochs: EpochReport[];
}

export interface TogetherOptions {
  seed: number;
  epochs: number;
  signal: AbortSignal;
  /** Called when the threads are ready, right before the first batch. */
  onReady?: (networks: readonly Progress[]) => void;
  /** Called now and then while they train. */
  onProgress?: () => void;
  /** What the feed that they train from does, now and then while it does. */
  onFeed?: (stats: FeedStats) => void;
  onEpoch?: (network: Progress, report: EpochReport) => void;
}

/** Trains all of the networks to the end; they draw from one feed, and are tested from another. */
export async function trainTogether(
  plans: readonly NetworkPlan[],
  [train, validation]: readonly [View, View],
  options: TogetherOptions,
): Promise<Progress[]> {
  const { seed, epochs, signal } = options;
  const feed = train.feed({ seed });
  const test = validation.feed({ shuffle: false });
  const networks = plans.map((plan): Progress => ({ plan, weights: 0, last: undefined, epochs: [] }));
  const workers = plans.map(
    (plan) => new Worker(new URL("./gesture-trainer.js", import.meta.url), { workerData: plan }),
  );
  const stop = () => workers.forEach((worker) => void worker.terminate());
  signal.addEventListener("abort", stop, { once: true });
  const isReady = workers.map((worker) => nextOf(worker, "ready"));
  const ended = workers.map((worker, k) => follow(worker, networks[k]!, feed, options));
  try {
    await Promise.race([Promise.all(isReady), ...ended]);
    signal.throwIfAborted();
    options.onReady?.(networks);
    // All join before any begins: so each sees the first epoch from its start.
    const trainers = plans.map(({ batchSize, augment, name }) =>
      feed.trainer({ batchSize, augment, epochs, name }),
    );
    const testers = plans.map(({ name }) => test.trainer({ batchSize: 64, epochs, name }));
    for (const [k, trainer] of trainers.entries()) {
      const [own, tested] = await Promise.all([trainer.handOver(), testers[k]!.handOver()]);
      const start: Start = { train: own, validation: tested };
      workers[k]!.postMessage(start, [own.port, tested.port]);
    }
    await Promise.all(ended);
    signal.throwIfAborted();
    return networks;
  } finally {
    signal.removeEventListener("abort", stop);
    await Promise.all(workers.map((worker) => worker.terminate()));
    await feed.close();
    await test.close();
  }
}

/** Waits for a word of a thread. */
function nextOf(worker: Worker, type: Said["type"]): Promise<void> {
  return new Promise((resolve) => {
    const listen = (said: Said) => {
      if (said.type !== type) return;
      worker.off("message", listen);
      resolve();
    };
    worker.on("message", listen);
  });
}

/** Takes in what a thread says, until it ends. */
function follow(worker: Worker, network: Progress, feed: Feed, options: TogetherOptions): Promise<void> {
  worker.on("message", (said: Said) => {
    const stats = feed.stats();
    if (stats.readers) options.onFeed?.(stats);
    if (said.type === "ready") network.weights = said.weights;
    if (said.type === "batch") network.last = said.report;
    if (said.type === "epoch") {
      network.epochs.push(said.report);
      options.onEpoch?.(network, said.report);
    }
    options.onProgress?.();
  });
  return new Promise((resolve, reject) => {
    worker.on("error", reject);
    worker.on("exit", () => resolve());
  });
}
