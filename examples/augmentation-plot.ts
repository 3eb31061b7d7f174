// Draws docs/augmentation-waves.svg and docs/augmentation-images.svg: every transform, what goes in beside three variants
// of it, as epochs 0 to 2 of seed 0 give them. No randomness but theirs, so the files are the same everywhere.
//
//   node scripts/task.mjs example augmentation-plot [FOLDER]      default: docs

import fs from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Augmentation,
  channelDropout,
  colourJitter,
  crop,
  cutmix,
  erase,
  flip,
  frequencyMask,
  jitter,
  magnitudeWarp,
  mixup,
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
import { encodePng } from "#spillway/cli/png";
import { bindKernels, kernelModule, sharedMemory } from "#spillway/kernels/kernels";

const steps = 128;
const side = 48;
const wave: TensorField = tensor("float32", [steps, 2]);
const image: TensorField = tensor("uint8", [side, side, 3]);

const waves: [string, Augmentation][] = [
  ["jitter, sigma 0.1", jitter({ sigma: 0.1 })],
  ["scaling, sigma 0.3", scaling({ sigma: 0.3 })],
  ["shift, 24 steps", shift({ steps: 24 })],
  ["crop, 0.5 to 0.8", crop({ keep: [0.5, 0.8] })],
  ["timeWarp, 0.5", timeWarp({ sigma: 0.5 })],
  ["magnitudeWarp, 0.4", magnitudeWarp({ sigma: 0.4 })],
  ["permutation, 4 parts", permutation()],
  ["channelDropout, 0.4", channelDropout({ rate: 0.4 })],
  ["timeMask, share 0.3", timeMask({ share: 0.3 })],
  ["frequencyMask, 0.4", frequencyMask({ share: 0.4, count: 2 })],
  ["noise, pink, 3..10 dB", noise({ colour: "pink", snr: [3, 10] })],
  ["mixup, alpha 1", mixup({ alpha: 1 })],
  ["cutmix, alpha 1", cutmix()],
];
const images: [string, Augmentation][] = [
  ["flip", flip()],
  ["randomResizedCrop", randomResizedCrop()],
  ["rotation, 30 degrees", rotation({ degrees: 30, fill: 128 })],
  ["colourJitter, all", colourJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.6, hue: 0.15 })],
  ["erase", erase({ fill: 128 })],
  ["mixup, alpha 1", mixup({ alpha: 1 })],
  ["cutmix, alpha 1", cutmix()],
];

const { sineOfTurns, exponential } = bindKernels(kernelModule(), sharedMemory(1));

/** A made-up gesture of two channels; `which` 1 is another one. */
function makeWave(which: number): Float32Array {
  return Float32Array.from({ length: 2 * steps }, (_, k) => {
    const t = Math.floor(k / 2) / steps;
    const bump = exponential(-((t - 0.42) * (t - 0.42)) / 0.03);
    if (which === 1) return k % 2 ? 0.8 * sineOfTurns(2 * t) : 1.2 * sineOfTurns(7 * t) * (1 - t);
    const tremor =
      bump * (0.2 * sineOfTurns(17 * t) + 0.12 * sineOfTurns(29 * t) + 0.08 * sineOfTurns(45 * t));
    return k % 2
      ? 0.9 * bump * sineOfTurns(5 * t + 0.2) - tremor - 0.3
      : 1.4 * bump * sineOfTurns(3 * t) + tremor + 0.3;
  });
}

/** A made-up picture: a house under the sun, or (1) discs. */
function makeImage(which: number): Float32Array {
  const colourAt = (x: number, y: number): readonly number[] => {
    const disc = (cx: number, cy: number, r: number) => (x - cx) ** 2 + (y - cy) ** 2 < r * r;
    if (which === 1) {
      if (disc(16, 18, 11)) return [226, 88, 70];
      return disc(31, 30, 12) ? [70, 120, 214] : [244, 238, 220];
    }
    if (disc(37, 10, 6)) return [250, 196, 48];
    if (y > 38) return [92, 152, 76];
    if (y > 22 && x > 10 && x < 32) return x > 18 && x < 24 && y > 29 ? [96, 62, 40] : [206, 174, 136];
    if (y > 12 && Math.abs(x - 21) < (y - 11) * 1.2 && y <= 22) return [176, 62, 52];
    return [150 + y, 196 + y / 2, 236];
  };
  const values = new Float32Array(side * side * 3);
  for (let pixel = 0; pixel < side * side; pixel += 1)
    values.set(colourAt(pixel % side, Math.floor(pixel / side)), pixel * 3);
  return values;
}

interface Row {
  name: string;
  /** The sample, then three variants of it. */
  cells: Float32Array[];
}

async function makeRows(
  list: readonly [string, Augmentation][],
  field: TensorField,
  [own, other]: readonly [Float32Array, Float32Array],
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, augmentation] of list) {
    const plan = planAugmentation([augmentation], [{ name: "data", field }]);
    const [address, partner, scratch] = [0, own.byteLength, 2 * own.byteLength];
    const memory = sharedMemory(scratch + plan.scratchBytes);
    const augmenter = await Augmenter.create(plan, { module: kernelModule(), memory, scratch, seed: 0 });
    const values = new Float32Array(memory.buffer, address, own.length);
    const cells = [0, 1, 2].map((epoch) => {
      values.set(own);
      new Float32Array(memory.buffer, partner, other.length).set(other);
      augmenter.apply(epoch, 0, [address]);
      augmenter.mix(epoch, 0, [address], [partner]);
      return values.slice();
    });
    rows.push({ name, cells: [own, ...cells] });
  }
  return rows;
}

const style = `
  svg { --ground: #ffffff; --text: #1c2024; --soft: #5f6872; --cell: #f4f6f8; --a: #0b62d6; --b: #b35309;
        font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
  @media (prefers-color-scheme: dark) {
    svg { --ground: #14171b; --text: #eceff2; --soft: #a3adb8; --cell: #1e2329; --a: #6cb0ff; --b: #ffa657; }
  }
  .ground { fill: var(--ground); } .cell { fill: var(--cell); }
  .name { font-size: 14px; font-weight: 600; fill: var(--text); }
  .soft { font-size: 13px; fill: var(--soft); }
  .line { fill: none; stroke-width: 1.4; stroke-linejoin: round; }
  .a { stroke: var(--a); } .b { stroke: var(--b); }
  image { image-rendering: pixelated; }`;

interface Layout {
  title: string;
  cellWidth: number;
  cellHeight: number;
  draw: (values: Float32Array) => string;
}

/** The text of an SVG file: a row for each transform. */
function drawRows(rows: readonly Row[], { title, cellWidth, cellHeight, draw }: Layout): string {
  const [nameWidth, top, gap] = [200, 58, 12];
  const width = nameWidth + 4 * (cellWidth + gap) + gap;
  const height = top + rows.length * (cellHeight + gap) + gap;
  const left = (k: number) => nameWidth + k * (cellWidth + gap);
  const heads = ["original", "epoch 0", "epoch 1", "epoch 2"].map(
    (head, k) =>
      `<text class="soft" x="${left(k) + cellWidth / 2}" y="44" text-anchor="middle">${head}</text>`,
  );
  const body = rows.map(({ name, cells }, r) => {
    const y = top + r * (cellHeight + gap);
    const drawn = cells.map(
      (values, k) =>
        `<g transform="translate(${left(k)} ${y})"><rect class="cell" width="${cellWidth}" height="${cellHeight}" rx="4"/>${draw(values)}</g>`,
    );
    return [`<text class="name" x="16" y="${y + cellHeight / 2 + 5}">${name}</text>`, ...drawn].join("\n");
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${title}">`,
    `<style>${style}\n</style>`,
    `<rect class="ground" width="${width}" height="${height}" rx="8"/>`,
    ...heads,
    ...body,
    "</svg>\n",
  ].join("\n");
}

function drawWave(values: Float32Array): string {
  const [width, height, range] = [168, 52, 2.4];
  const y = (value: number) => height / 2 - (Math.max(-range, Math.min(range, value)) / range) * (height / 2);
  return [0, 1]
    .map((channel) => {
      const points = Array.from(
        { length: steps },
        (_, t) => `${((t / (steps - 1)) * width).toFixed(1)},${y(values[2 * t + channel]!).toFixed(1)}`,
      );
      return `<polyline class="line ${channel === 0 ? "a" : "b"}" points="${points.join(" ")}"/>`;
    })
    .join("");
}

function drawImage(values: Float32Array): string {
  const png = encodePng({
    width: side,
    height: side,
    channels: 3,
    data: Uint8Array.from(values, Math.round),
  });
  const text = Buffer.from(png).toString("base64");
  return `<image width="96" height="96" href="data:image/png;base64,${text}"/>`;
}

/** Both pictures, by the names of their files. */
export async function drawAugmentations(): Promise<Record<string, string>> {
  const waveRows = await makeRows(waves, wave, [makeWave(0), makeWave(1)]);
  const imageRows = await makeRows(images, image, [makeImage(0), makeImage(1)]);
  return {
    "augmentation-waves.svg": drawRows(waveRows, {
      title: "A waveform of two channels, and three variants of it by each transform",
      cellWidth: 168,
      cellHeight: 52,
      draw: drawWave,
    }),
    "augmentation-images.svg": drawRows(imageRows, {
      title: "An image, and three variants of it by each transform",
      cellWidth: 96,
      cellHeight: 96,
      draw: drawImage,
    }),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2] ?? resolve(import.meta.dirname, "../../docs");
  for (const [name, text] of Object.entries(await drawAugmentations()))
    fs.writeFileSync(join(folder, name), text);
}
