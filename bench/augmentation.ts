// Claim: augmentation on the way out costs little: jitter aims at 2 ns per value of one thread, and all but the mirroring of
// tiny images, which is a copy, take less than the same in plain NumPy, sample by sample, in the same run.
//
//   node scripts/task.mjs bench augmentation [--rounds 5] [--ms 100]     (PYTHON names one with numpy; without, no rival)
//
// Each sample is copied in, as a reader does, and transformed with numbers of its own; warm, one thread. The draws differ,
// so what is checked is that the mean and the deviation of 2,000 samples that come out are those of NumPy's.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import {
  type Augmentation,
  channelDropout,
  colourJitter,
  crop,
  erase,
  flip,
  frequencyMask,
  jitter,
  magnitudeWarp,
  noise,
  permutation,
  randomResizedCrop,
  rotation,
  scaling,
  shift,
  type TensorField,
  tensor,
  timeMask,
  timeWarp,
} from "spillway";
import { Augmenter } from "#spillway/augment/augmenter";
import { planAugmentation } from "#spillway/augment/plan";
import { kernelModule, sharedMemory } from "#spillway/kernels/kernels";
import { median, numberFlag, peakBytes, writeResult } from "./report.js";

const rounds = numberFlag("rounds", 5);
const leastMs = numberFlag("ms", 100);
const checkedSamples = 2000;

interface Case {
  name: string;
  augmentation: Augmentation;
  field: TensorField;
}

const wave = tensor("float32", [256, 8]);
const images = [tensor("uint8", [28, 28, 1]), tensor("uint8", [64, 64, 3])];
const waves: [string, Augmentation][] = [
  ["jitter", jitter()],
  ["scaling", scaling()],
  ["shift", shift({ steps: 16 })],
  ["crop", crop()],
  ["timeWarp", timeWarp()],
  ["magnitudeWarp", magnitudeWarp()],
  ["permutation", permutation()],
  ["channelDropout", channelDropout()],
  ["timeMask", timeMask()],
  ["frequencyMask", frequencyMask()],
  ["noise white", noise()],
  ["noise pink", noise({ colour: "pink" })],
];
const pictures: [string, Augmentation][] = [
  ["flip", flip({ probability: 1 })],
  ["randomResizedCrop", randomResizedCrop()],
  ["rotation", rotation()],
  ["colourJitter", colourJitter()],
  ["erase", erase()],
];
const cases: Case[] = [
  ...waves.map(([name, augmentation]) => ({ name, augmentation, field: wave })),
  ...images.flatMap((field) => pictures.map(([name, augmentation]) => ({ name, augmentation, field }))),
];

/** The sample: values 0 to 255 of a multiplicative hash, or 1 / 64 of that less 2. */
function sampleOf({ shape }: TensorField): Float32Array {
  const count = shape.reduce((product, size) => product * size, 1);
  return Float32Array.from({ length: count }, (_, k) => {
    const value = (Math.imul(k + 1, 0x9e3779b1) >>> 8) % 256;
    return shape.length === 3 ? value : value / 64 - 2;
  });
}

async function prepare({ augmentation, field }: Case) {
  const plan = planAugmentation([augmentation], [{ name: "data", field }]);
  const values = sampleOf(field);
  const scratch = Math.ceil(values.byteLength / 4096) * 4096 + 4096;
  const memory = sharedMemory(scratch + plan.scratchBytes);
  const augmenter = await Augmenter.create(plan, { module: kernelModule(), memory, scratch, seed: 7 });
  const target = new Float32Array(memory.buffer, 0, values.length);
  let id = 0;
  const run = () => {
    target.set(values);
    augmenter.apply(0, id, [0]);
    id += 1;
  };
  const check = () => {
    let [mean, std] = [0, 0];
    for (let k = 0; k < checkedSamples; k += 1) {
      run();
      let [sum, squares] = [0, 0];
      for (const value of target) {
        sum += value;
        squares += value * value;
      }
      const own = sum / target.length;
      mean += own / checkedSamples;
      std += Math.sqrt(Math.max(0, squares / target.length - own * own)) / checkedSamples;
    }
    return { mean, std };
  };
  return { run, check, count: values.length };
}

/** NumPy in a process of its own; undefined where there is none. */
function startNumpy() {
  const script = join(import.meta.dirname, "../../bench/augmentation_numpy.py");
  const child = spawn(process.env.PYTHON ?? "python3", [script], { stdio: ["pipe", "pipe", "ignore"] });
  child.on("error", () => {});
  child.stdin.on("error", () => {});
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    async ask(job: object): Promise<{ seconds: number; mean: number; std: number } | undefined> {
      child.stdin.write(`${JSON.stringify(job)}\n`);
      const { value, done } = await lines.next();
      return done ? undefined : JSON.parse(value);
    },
    end: () => child.stdin.end(),
  };
}

const numpy = startNumpy();
const results = [];
for (const one of cases) {
  const { run, check, count } = await prepare(one);
  for (let k = 0; k < 2000; k += 1) run();
  const { shape } = one.field;
  const raw = { own: [] as number[], numpy: [] as number[] };
  let theirs: { mean: number; std: number } | undefined;
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now();
    let samples = 0;
    for (; performance.now() - start < leastMs; samples += 32) for (let k = 0; k < 32; k += 1) run();
    raw.own.push(((performance.now() - start) * 1e6) / samples);
    const answer = await numpy.ask({ name: one.name, shape, count: 500 });
    if (!answer) continue;
    raw.numpy.push((answer.seconds * 1e9) / 500);
    theirs ??= answer;
  }
  const own = check();
  const isAlike =
    theirs &&
    Math.abs(own.std / theirs.std - 1) < 0.02 &&
    Math.abs(own.mean - theirs.mean) < 0.02 * theirs.std;
  if (theirs && !isAlike)
    throw new Error(`${one.name} gives ${JSON.stringify(own)}, NumPy ${JSON.stringify(theirs)}`);
  const nanoseconds = median(raw.own);
  const timesFaster =
    raw.numpy.length > 0 ? median(raw.numpy.map((time, k) => time / raw.own[k]!)) : undefined;
  console.log(
    `${one.name.padEnd(18)} [${shape.join(", ")}]`.padEnd(32) +
      `${Math.round(1e9 / nanoseconds)
        .toLocaleString("en")
        .padStart(10)} samples/s ` +
      `${(nanoseconds / count).toFixed(2).padStart(6)} ns per value` +
      (timesFaster === undefined ? "" : `   NumPy takes ${timesFaster.toFixed(1)} times as long`),
  );
  results.push({
    name: one.name,
    shape,
    nanosecondsPerValue: nanoseconds / count,
    timesFaster,
    own,
    theirs,
    raw,
  });
}
numpy.end();
if (results.every(({ theirs }) => theirs === undefined))
  console.log("No NumPy: set PYTHON to a python3 that has it.");
writeResult("augmentation", { results, peakBytes: peakBytes() });
