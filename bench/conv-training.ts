// Claim: convolutional networks train on the wasm backend of TensorFlow.js, 50 steps/s and more of a small 1-D network,
// while as shipped they do not train there at all. Three networks, batches of 64, Adam: series of 256 steps and 8
// channels in 3 classes, with pooling and with strides (6,451 weights each), and pictures of 28 x 28 in 10 classes. The
// rival is the "cpu" backend, plain JavaScript, with the same first weights and the same batch.
//
//   node scripts/task.mjs bench conv-training [--rounds 7] [--steps 60] [--cpu-steps 2]
//
// The loss after the first steps shows that both do the same work. Tasks take turns in a round. Steps per second of
// processor time are shown too: the backend has one thread, and what else the machine does hardly changes them.

import type { LayersModel, layers, Tensor } from "@tensorflow/tfjs";
import { useWasm } from "spillway/tfjs";
import { machine, median, numberFlag, peakBytes, writeResult } from "./report.js";

const rounds = numberFlag("rounds", 7);
const stepCount = numberFlag("steps", 60);
/** The first steps, after which losses are compared: all that the "cpu" backend trains. */
const comparedSteps = numberFlag("cpu-steps", 2);
const batchSize = 64;

const tf = await useWasm();
const L = tf.layers;

interface Task {
  name: string;
  inputShape: number[];
  classes: number;
  /** Steps per second to reach. */
  target?: number;
  hidden: () => layers.Layer[];
}

/** Series: three convolutions, each followed by halving the length, or doing it themselves by strides. */
function series(halve: "pooling" | "strides"): layers.Layer[] {
  const filters = [
    [16, 5],
    [32, 5],
    [32, 3],
  ] as const;
  const convolutions = filters.map(([count, kernelSize], at) => {
    const strides = halve === "strides" ? 2 : 1;
    const kernelInitializer = tf.initializers.glorotUniform({ seed: at });
    return L.conv1d({
      filters: count,
      kernelSize,
      strides,
      padding: "same",
      activation: "relu",
      kernelInitializer,
    });
  });
  const pools: layers.Layer[] =
    halve === "pooling" ? [L.maxPooling1d({ poolSize: 2 }), L.maxPooling1d({ poolSize: 2 })] : [];
  return [
    ...convolutions.flatMap((layer, at): layers.Layer[] => [layer, ...pools.slice(at, at + 1)]),
    L.globalAveragePooling1d({}),
  ];
}

function pictures(): layers.Layer[] {
  const stage = (filters: number, seed: number) => [
    L.conv2d({
      filters,
      kernelSize: 3,
      padding: "same",
      activation: "relu",
      kernelInitializer: tf.initializers.glorotUniform({ seed }),
    }),
    L.maxPooling2d({ poolSize: 2 }),
  ];
  const kernelInitializer = tf.initializers.glorotUniform({ seed: 3 });
  return [
    ...stage(16, 1),
    ...stage(32, 2),
    L.flatten(),
    L.dense({ units: 64, activation: "relu", kernelInitializer }),
  ];
}

const tasks: Task[] = [
  { name: "1-D, pooling", inputShape: [256, 8], classes: 3, target: 50, hidden: () => series("pooling") },
  { name: "1-D, strides", inputShape: [256, 8], classes: 3, target: 50, hidden: () => series("strides") },
  { name: "2-D, 28 x 28", inputShape: [28, 28, 1], classes: 10, hidden: pictures },
];

/** A model and a batch, on the backend in use: they are the same for a task on each. */
class Training {
  readonly model: LayersModel;
  readonly #x: Tensor;
  readonly #y: Tensor;

  constructor({ inputShape, classes, hidden }: Task) {
    this.model = tf.sequential({
      layers: [
        L.activation({ activation: "linear", inputShape }),
        ...hidden(),
        L.dense({
          units: classes,
          activation: "softmax",
          kernelInitializer: tf.initializers.glorotUniform({ seed: 9 }),
        }),
      ],
    });
    this.model.compile({ optimizer: tf.train.adam(0.001), loss: "sparseCategoricalCrossentropy" });
    this.#x = tf.randomNormal([batchSize, ...inputShape], 0, 1, "float32", 7);
    this.#y = tf.tensor(
      Array.from({ length: batchSize }, (_, at) => at % classes),
      [batchSize],
      "float32",
    );
  }

  /** Trains some steps: the last loss, steps per second, and per second of processor time. */
  async run(steps: number): Promise<{ loss: number; rate: number; cpuRate: number }> {
    const [start, before] = [performance.now(), process.cpuUsage()];
    let loss = Number.NaN;
    for (let step = 0; step < steps; step += 1)
      loss = Number(await this.model.trainOnBatch(this.#x, this.#y));
    const rate = (steps * 1000) / (performance.now() - start);
    const { user, system } = process.cpuUsage(before);
    return { loss, rate, cpuRate: (steps * 1e6) / (user + system) };
  }
}

async function use(backend: "wasm" | "cpu"): Promise<void> {
  if (!(await tf.setBackend(backend))) throw new Error(`the backend ${backend} does not start`);
}

console.log(`${machine().processor}, ${machine().cores} cores\n`);
await use("cpu");
const rivals: { loss: number; rate: number }[] = [];
for (const task of tasks) rivals.push(await new Training(task).run(comparedSteps));
await use("wasm");
const trainings = tasks.map((task) => new Training(task));
const losses: number[] = [];
for (const training of trainings) losses.push((await training.run(comparedSteps)).loss);
for (const training of trainings) await training.run(10);
const raw = tasks.map(() => ({ rate: [] as number[], cpuRate: [] as number[] }));
for (let round = 0; round < rounds; round += 1) {
  for (const [at, training] of trainings.entries()) {
    const { rate, cpuRate } = await training.run(stepCount);
    raw[at]!.rate.push(rate);
    raw[at]!.cpuRate.push(cpuRate);
  }
}
const results = tasks.map(({ name, inputShape, classes, target }, at) => {
  const [wasm, perCpuSecond] = [median(raw[at]!.rate), median(raw[at]!.cpuRate)];
  const { rate: cpu, loss } = rivals[at]!;
  const weights = trainings[at]!.model.countParams();
  const goal = target === undefined ? "" : ` (target ${target}${wasm >= target ? "" : ", missed"})`;
  console.log(
    `${name.padEnd(14)} ${weights} weights   wasm ${wasm.toFixed(1)} steps/s${goal}, ${perCpuSecond.toFixed(1)} per ` +
      `processor second   cpu ${cpu.toFixed(2)} steps/s   loss after ${comparedSteps} steps ${losses[at]!.toFixed(5)} and ${loss.toFixed(5)}`,
  );
  const stepsPerSecond = { wasm, wasmPerCpuSecond: perCpuSecond, cpu };
  const lossesThen = { wasm: losses[at], cpu: loss };
  return { name, inputShape, classes, weights, target, stepsPerSecond, losses: lossesThen, raw: raw[at] };
});
writeResult("conv-training", { batchSize, comparedSteps, results, peakBytes: peakBytes() });
