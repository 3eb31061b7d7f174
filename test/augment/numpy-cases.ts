// What NumPy checks of augmentation (python/tests/check_augmentation.py): samples before and after each transform, with
// the parameters that were drawn, found by drawing them here once more; and many draws, for their distribution.

import fs from "node:fs";
import { join } from "node:path";
import type { Augmentation, TensorField } from "spillway";
import * as spillway from "spillway";
import { Draw, purposes } from "#spillway/augment/draw";
import { bindTransform, transformRoom } from "#spillway/augment/wave-spectrum";
import { bindKernels, kernelModule, sharedMemory } from "#spillway/kernels/kernels";
import { bytesOf } from "#spillway/tensor/dtype";
import { bench, caseName, colour, everyCase, grey, series, valuesOf, wave, waveFirst } from "./samples.js";

const seed = 7;
const memory = sharedMemory(2 ** 20);
const kernels = bindKernels(kernelModule(), memory);

function base64(values: Float32Array | Float64Array): string {
  return Buffer.from(bytesOf(values)).toString("base64");
}

/** The stream of a sample's only transform, past the number that decides on its probability. */
function streamOf(id: number, epoch: number): Draw {
  const draw = new Draw(kernels, purposes.sample, seed);
  draw.begin(epoch, id);
  draw.open(0);
  draw.fraction();
  return draw;
}

const times = <T>(count: number, make: (k: number) => T): T[] =>
  Array.from({ length: count }, (_, k) => make(k));

/** Height and width drawn by area and ratio, until they fit. */
function drawnSize(
  draw: Draw,
  [height, width]: readonly number[],
  options: Record<string, readonly number[]>,
) {
  const [scale, ratio] = [options.scale!, options.ratio!];
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const area = draw.between(scale[0]!, scale[1]!) * height! * width!;
    const shape = Math.exp(draw.between(Math.log(ratio[0]!), Math.log(ratio[1]!)));
    const size = { height: Math.sqrt(area / shape), width: Math.sqrt(area * shape) };
    if (size.height <= height! && size.width <= width!) return size;
  }
  throw new RangeError("ten rectangles did not fit: choose other cases");
}

/** The parameters of each transform, in the order in which it draws them. */
const drawn: Record<
  string,
  (draw: Draw, size: { steps: number; channels: number; image: number[] }, options: never) => unknown
> = {
  scaling: (draw, { channels }, { sigma, per }: { sigma: number; per: string }) =>
    times(per === "sample" ? 1 : channels, () => 1 + sigma * draw.normal()),
  shift: (draw, _, { steps }: { steps: number }) => draw.below(2 * steps + 1) - steps,
  crop(draw, { steps }, { keep }: { keep: [number, number] }) {
    const kept = Math.min(steps, Math.max(2, Math.round(draw.between(...keep) * steps)));
    return [draw.below(steps - kept + 1), kept];
  },
  timeWarp: (draw, _, { sigma, knots }: { sigma: number; knots: number }) =>
    times(knots, () => Math.max(0.1, 1 + sigma * draw.normal())),
  magnitudeWarp: (draw, { channels }, { sigma, knots }: { sigma: number; knots: number }) =>
    times(knots, () => times(channels, () => 1 + sigma * draw.normal())),
  permutation(draw, _, { segments }: { segments: number }) {
    const order = times(segments, () => 0);
    for (let k = 0; k < segments; k += 1) {
      const other = draw.below(k + 1);
      order[k] = order[other]!;
      order[other] = k;
    }
    return order;
  },
  channelDropout: (draw, { channels }) => [draw.below(channels), times(channels, () => draw.fraction())],
  timeMask: (draw, { steps }, { share, count }: { share: number; count: number }) =>
    times(count, () => {
      const length = draw.below(Math.floor(share * steps) + 1);
      return [draw.below(steps - length + 1), length];
    }),
  frequencyMask(draw, { steps }, { share, count }: { share: number; count: number }) {
    const frequencies = Math.floor(steps / 2);
    return times(count, () => {
      const length = draw.below(Math.floor(share * frequencies) + 1);
      return [1 + draw.below(frequencies - length + 1), length];
    });
  },
  flip: () => null,
  randomResizedCrop(draw, { image }, options) {
    const { height, width } = drawnSize(draw, image, options);
    const top = draw.between(0, image[0]! - height);
    return [top, draw.between(0, image[1]! - width), height, width];
  },
  rotation: (draw, _, { degrees }: { degrees: number }) => draw.between(-degrees, degrees),
  erase(draw, { image }, options) {
    const size = drawnSize(draw, image, options);
    const [rows, columns] = [Math.round(size.height), Math.round(size.width)];
    const top = draw.below(image[0]! - rows + 1);
    return [top, draw.below(image[1]! - columns + 1), rows, columns];
  },
  colourJitter: (draw, _, options: Record<string, number>) => [
    ...["brightness", "contrast", "saturation"].map((name) => 1 + options[name]! * (2 * draw.fraction() - 1)),
    options.hue! * (2 * draw.fraction() - 1),
  ],
};

async function exactCase(one: readonly [Augmentation, TensorField], id: number) {
  const [augmentation, field] = one;
  const { name } = augmentation;
  const { shape, channelAxis } = field;
  const { apply, plan } = await bench([augmentation], field, { seed });
  const before = valuesOf(field, id);
  const after = apply(before, id, 2);
  const isWave = field === wave || field === waveFirst || field === series;
  const axis = channelAxis ?? (shape.length === 2 && isWave ? 1 : shape.length === 3 ? 2 : null);
  const others = shape.filter((_, k) => k !== axis);
  const size = { steps: others[0]!, channels: axis === null ? 1 : shape[axis]!, image: others };
  const step = plan.steps[0]!;
  const options = step.kind === "sample" ? step.options : {};
  const params = drawn[name]!(streamOf(id, 2), size, options as never);
  return {
    what: caseName(one),
    name,
    shape,
    axis,
    options,
    params,
    before: base64(before),
    after: base64(after),
  };
}

async function mixCase(augmentation: Augmentation, field: TensorField, id: number) {
  const { mix } = await bench([augmentation], field, { seed });
  const [before, other] = [valuesOf(field, id), valuesOf(field, id + 1)];
  const { values, weight } = mix(before, other, id, 2);
  return {
    what: caseName([augmentation, field]),
    name: augmentation.name,
    shape: field.shape,
    params: weight,
    before: base64(before),
    other: base64(other),
    after: base64(values),
  };
}

/** Noise by itself: what a transform adds to a sample. */
async function noiseCase(colourName: "white" | "pink" | "brown", snr: number) {
  const steps = 1024;
  const field = spillway.tensor("float32", [steps, 2]);
  const { apply } = await bench([spillway.noise({ colour: colourName, snr: [snr, snr] })], field, { seed });
  const samples = 200;
  const signal = Float32Array.from({ length: 2 * steps }, (_, k) => Math.sin(k / 9) + (k % 2) * 5);
  const added = new Float32Array(samples * 2 * steps);
  for (let id = 0; id < samples; id += 1) {
    apply(signal, id).forEach((value, k) => {
      added[id * 2 * steps + k] = value - signal[k]!;
    });
  }
  return { colour: colourName, snr, samples, steps, signal: base64(signal), added: base64(added) };
}

/** A million values of jitter, over a thousand samples of two epochs. */
async function jitterCase(sigma: number) {
  const field = spillway.tensor("float32", [500]);
  const { apply } = await bench([spillway.jitter({ sigma })], field, { seed });
  const values = new Float32Array(1_000_000);
  for (let k = 0; k < 2000; k += 1)
    values.set(apply(new Float32Array(500), k % 1000, Math.floor(k / 1000)), k * 500);
  return { sigma, values: base64(values) };
}

/** Draws of one kind, one for each sample. */
function scalars(count: number, next: (draw: Draw) => number): string {
  return base64(Float64Array.from({ length: count }, (_, id) => next(streamOf(id, 0))));
}

function fourierCase(steps: number) {
  const { tables } = transformRoom(steps);
  const work = 1024 + tables;
  const transform = bindTransform(kernels, steps, 1024);
  const series64 = new Float64Array(memory.buffer, work, 2 * steps);
  series64.set(Float64Array.from({ length: 2 * steps }, (_, k) => ((k * k * 7919) % 1009) / 500 - 1));
  const before = series64.slice();
  transform(work);
  return { steps, before: base64(before), after: base64(series64.slice()) };
}

/** Writes all cases to a file. */
export async function writeCases(folder: string): Promise<string> {
  const exact = [];
  for (const one of everyCase) {
    if (one[0].name in drawn) for (const id of [0, 1, 2, 3]) exact.push(await exactCase(one, id));
  }
  const mixed = [];
  for (const field of [wave, waveFirst, series, grey, colour]) {
    for (const augmentation of [spillway.mixup({ alpha: 1 }), spillway.cutmix()])
      for (const id of [0, 1, 2]) mixed.push(await mixCase(augmentation, field, id));
  }
  const noise = [];
  for (const name of ["white", "pink", "brown"] as const)
    for (const snr of [0, 17.5]) noise.push(await noiseCase(name, snr));
  const cases = {
    exact,
    mixed,
    noise,
    jitter: [await jitterCase(1), await jitterCase(0.03)],
    normals: scalars(200_000, (draw) => draw.normal()),
    fractions: scalars(200_000, (draw) => draw.fraction()),
    beta: [0.05, 0.2, 0.5, 1, 2, 8].map((alpha) => ({
      alpha,
      values: scalars(100_000, (draw) => draw.beta(alpha)),
    })),
    fourier: [2, 3, 7, 8, 12, 64, 100, 250, 256, 257, 1000, 1021].map(fourierCase),
  };
  const file = join(folder, "augmentation.json");
  fs.writeFileSync(file, JSON.stringify(cases));
  return file;
}
