// A search for hyper-parameters: four networks that differ in learning rate and filters, trained at once from one reading
// of the data, each in a thread of its own. Recordings are simulated.
//
//   node scripts/task.mjs example search [--size 100MiB] [--epochs 3]

import { join } from "node:path";
import { parseArgs } from "node:util";
import { classes, open, pack, tensor } from "spillway";
import { createTemporaryFolder, runExample } from "./example-run.js";
import { type NetworkPlan, networks } from "./gesture-networks.js";
import { parseSize } from "./gestures-options.js";
import { type Progress, trainTogether } from "./networks-in-threads.js";
import { channelCount, createGestures, gestureNames, stepCount } from "./simulated-gestures.js";
import { bold, bytes, count, dim, duration, percent, print } from "./terminal.js";

const seed = 7;
const memory = "96 MiB";

/** What is tried: two learning rates, two widths. */
function candidates(): NetworkPlan[] {
  const [base] = networks;
  return [0.001, 0.004].flatMap((learningRate) =>
    [8, 16].map(
      (width): NetworkPlan => ({
        ...base!,
        name: `rate ${learningRate}, ${width} filters`,
        about: "",
        filters: [width, width * 2],
        learningRate,
      }),
    ),
  );
}

await runExample(async (signal) => {
  const { values } = parseArgs({
    options: { size: { type: "string", default: "100MiB" }, epochs: { type: "string", default: "3" } },
  });
  const epochs = Number(values.epochs);
  const sampleBytes = stepCount * channelCount * 4;
  const size = Math.floor(parseSize(values.size, "--size") / sampleBytes);
  const folder = createTemporaryFolder("spillway-search");
  print(
    "",
    bold("  Spillway: four networks, one reading"),
    "",
    `  ${count(size)} simulated recordings, ${bytes(size * sampleBytes)}; ${memory} of memory for all four.`,
    "",
  );
  const path = join(folder.path, "gestures");
  await pack(recordings(size), path, {
    fields: { data: tensor("float32", [stepCount, channelCount]), label: classes(gestureNames) },
    signal,
  });
  const dataset = await open(path, { memory });
  try {
    await dataset.split({ train: 0.8, val: 0.2 }, { seed });
    const views = [dataset.view({ split: "train" }), dataset.view({ split: "val" })] as const;
    const startMs = performance.now();
    let readSamples = 0;
    const tried = await trainTogether(candidates(), views, {
      seed,
      epochs,
      signal,
      onReady: () => print(dim("  network                  epoch      loss   validation accuracy")),
      onFeed: ({ readers }) => {
        readSamples = readers?.samples ?? readSamples;
      },
      onEpoch({ plan }, { epoch, loss, validation }) {
        const cells = [`${epoch + 1} of ${epochs}`, loss.toFixed(3), percent(validation?.accuracy)];
        print(
          `  ${plan.name.padEnd(22)} ${cells.map((cell, at) => cell.padStart([8, 10, 22][at]!)).join("")}`,
        );
      },
    });
    const best = [...tried].sort((a, b) => accuracyOf(b) - accuracyOf(a))[0]!;
    const shown = tried.flatMap(({ epochs: done }) => done).reduce((sum, { samples }) => sum + samples, 0);
    print(
      "",
      `  Best: ${bold(best.plan.name)}, ${percent(accuracyOf(best))} of the recordings that it was not trained on.`,
      `  ${count(shown)} samples were shown to four networks in ${duration((performance.now() - startMs) / 1000)}; ${count(readSamples)} were read.`,
      "",
    );
  } finally {
    await dataset.close();
  }
});

function accuracyOf({ epochs }: Progress): number {
  return epochs.at(-1)?.validation?.accuracy ?? 0;
}

function* recordings(size: number) {
  const simulate = createGestures(seed);
  const values = new Float64Array(stepCount * channelCount);
  for (let index = 0; index < size; index += 1) {
    simulate(index, values);
    yield { data: Float32Array.from(values), label: gestureNames[index % gestureNames.length]! };
  }
}
