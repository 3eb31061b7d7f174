// Claim: a recorder of 12 bits whose values are 64-bit floats takes a quarter of the bytes in int16, trains to the very
// same accuracies, and its epochs are faster. The same table for float16 and uint8; and a set with spikes, where uint8
// costs accuracy and `auto` does not take it, not even with --lossy. Simulated recordings; each variant is a process of
// its own.
//
//   node scripts/task.mjs bench fewer-bits [--samples 12000] [--rounds 3] [--seeds 3] [--epochs 4]
//
// Epochs are of the loader alone; "training" is an epoch of a small network. Cold drops the page cache before the epoch,
// which needs root; without it only warm epochs are measured.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { classes, type Fields, open, pack, type TensorField, tensor } from "spillway";
import { channelCount, createGestures, gestureNames, stepCount } from "../examples/simulated-gestures.js";
import type { FewerBitsResult, FewerBitsTask } from "./fewer-bits-child.js";
import { benchFolder } from "./numbered.js";
import { dropCaches, median, numberFlag, writeResult } from "./report.js";

const samples = numberFlag("samples", 12_000);
const rounds = numberFlag("rounds", 3);
const training = { seeds: numberFlag("seeds", 3), epochs: numberFlag("epochs", 4) };
const folder = benchFolder();
const canBeCold = dropCaches();
const fields: Fields = {
  data: tensor("float64", [stepCount, channelCount]),
  label: classes([...gestureNames]),
};
/** Height of a spike, in times of what is recorded otherwise. */
const spike = 300;
const spikeEvery = 19_997;

const sets = [];
for (const hasSpikes of [false, true]) sets.push(await compare(hasSpikes));
writeResult("fewer-bits", { samples, training, sets });

function* recordings(hasSpikes: boolean) {
  const simulate = createGestures(5, 12);
  for (let i = 0; i < samples; i += 1) {
    const data = new Float64Array(stepCount * channelCount);
    simulate(i, data);
    // One value in 20,000 is an artefact.
    const first = (spikeEvery - ((i * data.length) % spikeEvery)) % spikeEvery;
    if (hasSpikes && first < data.length) data[first] = data[first]! * spike;
    yield { data, label: i % gestureNames.length };
  }
}

async function compare(hasSpikes: boolean) {
  const name = hasSpikes ? "the same with spikes" : "a recorder of 12 bits";
  const original = join(folder, hasSpikes ? "spikes" : "recorded");
  await pack(recordings(hasSpikes), original, { fields, memory: "256 MiB" });
  const dataset = await open(original, { memory: "256 MiB" });
  await dataset.split({ train: 0.8, val: 0.2 }, { stratify: "label", seed: 1 });
  await dataset.measureStatistics();
  await dataset.close();
  console.log(
    `\n${name}, ${samples.toLocaleString("en")} samples of ${stepCount} x ${channelCount}, float64:\n`,
  );
  console.log(
    "  stored as             bytes     of now   epoch cold   epoch warm   training   validation accuracy by seed",
  );
  const variants = [];
  const wanted = ["keep", "auto", "auto --lossy", "float16", "uint8"] as const;
  for (const want of wanted) variants.push(await variant(original, want));
  const [keep, auto] = variants;
  if (!hasSpikes && JSON.stringify(keep!.checksum) !== JSON.stringify(auto!.checksum))
    throw new Error("auto gave other numbers");
  return { name, variants };
}

async function variant(original: string, want: "keep" | "auto" | "auto --lossy" | "float16" | "uint8") {
  const path = want === "keep" ? original : `${original}-${want.replace(" --", "-")}`;
  const notes: string[] = [];
  if (want !== "keep")
    await pack(original, path, {
      dtype: want === "auto --lossy" ? "auto" : want,
      ...(want === "auto --lossy" && { lossy: true }),
      memory: "256 MiB",
      onNote: (note) => notes.push(note),
    });
  const dataset = await open(path, { memory: "64 MiB" });
  const { manifest, fields: stored } = dataset;
  await dataset.close();
  const { dtype, encoding } = stored.data as TensorField;
  const bytes = manifest.shards.reduce((sum, shard) => sum + shard.bytes, 0);
  const base: FewerBitsTask = { path, memory: "192 MiB", readers: 2, isCold: false };
  const rates: Record<"cold" | "warm", number[]> = { cold: [], warm: [] };
  let checksum: FewerBitsResult["checksum"] | undefined;
  for (let round = 0; round < rounds; round += 1) {
    if (canBeCold && dropCaches())
      rates.cold.push(child({ ...base, readers: 16, isCold: true }).samplesPerSecond);
    const result = child(base);
    rates.warm.push(result.samplesPerSecond);
    checksum = result.checksum;
  }
  const { accuracies, secondsPerEpoch } = child({ ...base, memory: "128 MiB", training });
  const share = bytes / (samples * (stepCount * channelCount * 8 + 1));
  const rate = (values: number[]) =>
    values.length === 0 ? "-" : `${Math.round(median(values)).toLocaleString("en")}/s`;
  const label = `${want} (${dtype}${encoding ? `, ${encoding.claim}` : ""})`;
  const shown = accuracies.map((accuracy) => (100 * accuracy).toFixed(2)).join("  ");
  console.log(
    `  ${label.padEnd(24)}${(bytes / 2 ** 20).toFixed(0).padStart(5)} MiB${(100 * share).toFixed(1).padStart(7)} %${rate(rates.cold).padStart(13)}${rate(rates.warm).padStart(13)}${`${secondsPerEpoch.toFixed(1)} s`.padStart(11)}   ${shown}`,
  );
  return {
    want,
    dtype,
    claim: encoding?.claim,
    reason: encoding?.reason,
    bytes,
    rates,
    checksum,
    accuracies,
    secondsPerEpoch,
    notes,
  };
}

function child(task: FewerBitsTask): FewerBitsResult {
  const script = join(import.meta.dirname, "fewer-bits-child.js");
  const done = spawnSync(process.execPath, [script, JSON.stringify(task)], { encoding: "utf8" });
  if (done.status !== 0) throw new Error(done.stderr);
  return JSON.parse(done.stdout.trim().split("\n").at(-1)!) as FewerBitsResult;
}
