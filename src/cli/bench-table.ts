// What bench has found, in lines for people: the device's table, then the loop's figures one to a line.

import type { ImageSpeed } from "../dataset/image-speed.js";
import type { ReadingStats } from "../load/reading.js";
import { formatBytes } from "../store/byte-size.js";
import { type DeviceProfile, randomBytesPerSecond } from "../store/device.js";
import type { LoopBench } from "./bench-loop.js";
import { formatCount, formatSeconds, formatShare, formatTable, wrap } from "./output.js";

export interface BenchReport {
  path: string;
  /** Of the view. */
  samples: number;
  batchSize: number;
  device: DeviceProfile | undefined;
  deviceNotes: readonly string[];
  /** The first epoch, and the next one where that was whole: what was read then may be in memory now. */
  loop: LoopBench;
  again: LoopBench | undefined;
  reading: ReadingStats;
  /** Samples per second of two models. */
  two: { feed: number; loops: number };
  images: readonly (ImageSpeed & { sentence: string })[];
  peakRssBytes: number;
}

/** Depths that are shown. */
const maxDepth = 32;

/** @param columns of the terminal; lines are not broken where there is none */
export function describeBench(report: BenchReport, columns = Number.POSITIVE_INFINITY): string[] {
  const width = Math.max(20, columns - nameColumns);
  const { device, deviceNotes, loop, again, reading, two, images, samples, batchSize } = report;
  const { stats } = loop;
  const count = (value: number) => formatCount(Number(value.toPrecision(3)));
  const read = reading.hits + reading.misses;
  const cut = loop.isWhole ? "" : ` (reckoned: ${formatShare(loop.samples, samples)} of it was read)`;
  const lines: [string, string][] = [
    ["speed", `${count(loop.samplesPerSecond)} samples/s, ${formatBytes(loop.bytesPerSecond)}/s`],
    ["limit", describeLimit(report)],
    ["epoch", `${formatSeconds(loop.epochSeconds)}${cut}`],
    ...(again ? [nextEpoch(again)] : []),
    ["first batch", `after ${count(loop.firstBatchMs)} ms`],
    ["reading", `${reading.way ?? "none"}: ${reading.reason}`],
    ["pinned", `${formatBytes(reading.pinnedBytes)}, ${formatCount(reading.pinnedRows)} rows`],
    ["hits", `${formatShare(reading.hits, read)} of ${formatCount(read)} samples read`],
    ["bottleneck", stats.bottleneck],
    ...stats.augmentation.map(({ name, field, nanosecondsPerSample }): [string, string] => [
      name,
      `${count(nanosecondsPerSample / 1000)} us per sample (${field})`,
    ]),
    ...Object.entries(loop.classMix).map(([name, ratio]): [string, string] => [
      "shuffle",
      `${name}: classes vary from batch to batch ${ratio.toFixed(2)} times as much as in a true shuffle`,
    ]),
    [
      "two models",
      `${count(two.feed)} samples/s in all from one feed, ${count(two.loops)} from a loop for each`,
    ],
    ...images.map(({ field, sentence }): [string, string] => [field, sentence]),
    ["peak memory", `${formatBytes(report.peakRssBytes)} (whole process)`],
  ];
  return [
    `${report.path}: ${formatCount(samples)} samples, batches of ${formatCount(batchSize)}`,
    ...(device ? describeDevice(device) : []),
    ...deviceNotes,
    ...formatTable(
      lines.flatMap(([name, text]) => wrap(text, width).map((part, k) => [k === 0 ? name : "", part])),
      ["left", "left"],
    ),
  ];
}

function nextEpoch({ epochSeconds, samplesPerSecond, isWhole }: LoopBench): [string, string] {
  const rate = `${formatCount(Number(samplesPerSecond.toPrecision(3)))} samples/s`;
  return ["next epoch", `${formatSeconds(epochSeconds)}${isWhole ? "" : " (reckoned)"}, ${rate}`];
}

/** Columns in front of a figure: the indent, the longest name of ours, and the gap. */
const nameColumns = 2 + "first batch".length + 2;

/**
 * What the disk gives at this size of sample where shards are read directly, else what memory gives: that is what an epoch
 * comes near to which does not come from the disk, as the first one may.
 */
function describeLimit({ device, loop, again, reading }: BenchReport): string {
  const { bytesPerSample } = loop;
  const diskLimit = device && randomBytesPerSecond(device, "threads", bytesPerSample);
  if (reading.way === "direct" && diskLimit) {
    const { readers, elapsedMs } = loop.stats;
    const asked = (1000 * (readers?.diskBytes ?? 0)) / Math.max(1, elapsedMs);
    const blocks = reading.blockReads > 0 ? `; ${formatCount(reading.blockReads)} reads were larger` : "";
    return `${formatShare(asked, diskLimit)} of the ${formatBytes(diskLimit)}/s that the disk gives in random reads of ${formatBytes(bytesPerSample)}${blocks}`;
  }
  const { memoryBytesPerSecond: limit, bytesPerSecond } = again ?? loop;
  const which = again ? ", in the next epoch" : "";
  return `${formatShare(bytesPerSecond, limit)} of the ${formatBytes(limit)}/s at which one core copies memory${which}`;
}

function describeDevice({ points, isDirect }: DeviceProfile): string[] {
  const shown = points.filter(({ way, depth }) => way === "threads" && depth <= maxDepth);
  const depths = [...new Set(shown.map(({ depth }) => depth))].sort((a, b) => a - b);
  const kinds = [...new Map(shown.map((point) => [`${point.pattern} ${point.blockBytes}`, point])).values()];
  const rows = kinds.map(({ pattern, blockBytes }) => [
    `${pattern} ${formatBytes(blockBytes)}`,
    ...depths.map((depth) => {
      const point = shown.find(
        (each) => each.pattern === pattern && each.blockBytes === blockBytes && each.depth === depth,
      );
      return point ? ((point.readsPerSecond * blockBytes) / 2 ** 20).toFixed(0) : "";
    }),
  ]);
  const head = [`${isDirect ? "disk" : "page cache"}, MiB/s`, ...depths.map((depth) => `depth ${depth}`)];
  return formatTable(
    [head, ...rows],
    head.map((_, k) => (k === 0 ? "left" : "right")),
  );
}
