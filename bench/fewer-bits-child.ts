// One variant of fewer-bits.ts in a process of its own: an epoch of the loader, or trainings with several seeds. Prints
// one line of JSON.

import { open } from "spillway";
import { evaluate, fit, useWasm } from "spillway/tfjs";
import { dropCaches, peakBytes } from "./report.js";

/** What is to be done, as JSON on the command line. */
export interface FewerBitsTask {
  path: string;
  memory: string;
  readers: number;
  /** Whether the page cache is dropped between the epoch that is not timed and the one that is. */
  isCold: boolean;
  /** Trainings instead of an epoch. */
  training?: { seeds: number; epochs: number };
}

export interface FewerBitsResult {
  samplesPerSecond: number;
  /** Of all float32 numbers of an epoch: exclusive or of their bits, and their sum. */
  checksum: { xor: number; sum: number };
  accuracies: number[];
  secondsPerEpoch: number;
  peakBytes: number;
}

const task: FewerBitsTask = JSON.parse(process.argv[2]!);
const result = task.training ? await train(task, task.training) : await epoch(task);
console.log(JSON.stringify({ ...result, peakBytes: peakBytes() }));

async function epoch({ path, memory, readers, isCold }: FewerBitsTask): Promise<Partial<FewerBitsResult>> {
  const dataset = await open(path, { memory });
  const run = async (isCounted: boolean) => {
    let [xor, sum] = [0, 0];
    const start = performance.now();
    for await (const { fields } of dataset.view().batches({ batchSize: 256, seed: 7, readers })) {
      const { data } = fields.data!;
      // All of it is touched; the checksum proper is of an epoch that is not timed.
      const bits = new Int32Array(data.buffer, data.byteOffset, data.length);
      for (let k = 0; k < bits.length; k += isCounted ? 1 : 16) xor ^= bits[k]!;
      if (isCounted) for (const value of data) sum += Number(value);
    }
    return { xor, sum, seconds: (performance.now() - start) / 1000 };
  };
  // Node and its modules are loaded by now: what is cold afterwards is the data.
  await run(false);
  if (isCold) dropCaches();
  const { seconds } = await run(false);
  const { xor, sum } = await run(true);
  const samplesPerSecond = dataset.size / seconds;
  await dataset.close();
  return { samplesPerSecond, checksum: { xor, sum: Math.round(sum) } };
}

async function train(
  { path, memory }: FewerBitsTask,
  { seeds, epochs }: NonNullable<FewerBitsTask["training"]>,
): Promise<Partial<FewerBitsResult>> {
  const tf = await useWasm();
  const dataset = await open(path, { memory });
  const accuracies: number[] = [];
  let seconds = 0;
  for (let seed = 0; seed < seeds; seed += 1) {
    const initial = (layer: number) => tf.initializers.glorotUniform({ seed: 100 * seed + layer });
    const model = tf.sequential({
      layers: [
        tf.layers.flatten({ inputShape: [256, 8] }),
        tf.layers.dense({ units: 32, activation: "relu", kernelInitializer: initial(1) }),
        tf.layers.dense({ units: 5, activation: "softmax", kernelInitializer: initial(2) }),
      ],
    });
    model.compile({
      optimizer: tf.train.adam(0.001),
      loss: "sparseCategoricalCrossentropy",
      metrics: ["accuracy"],
    });
    const options = { x: "data", y: "label", batchSize: 64, normalize: "standard" as const };
    const reports = await fit(model, dataset.view({ split: "train" }), { ...options, seed, epochs });
    seconds += reports.reduce((sum, report) => sum + report.seconds, 0);
    accuracies.push((await evaluate(model, dataset.view({ split: "val" }), options)).accuracy!);
    model.dispose();
  }
  await dataset.close();
  return { accuracies, secondsPerEpoch: seconds / seeds / epochs };
}
