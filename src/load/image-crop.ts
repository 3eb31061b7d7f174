// Which part of an image is delivered, and how it gets its size: pure arithmetic over widths, heights and numbers drawn by
// hashing (seed, epoch, sample), so that every thread and every run cuts the same.
//
//   centre   cover: scaled to cover the size, cut to the middle · contain: scaled to fit in, black around · fill: stretched
//   random   a part of the image of random area and proportions, scaled to the size (Szegedy et al. 2015, "Going deeper
//            with convolutions", section 6); perhaps mirrored

import { SpillwayError } from "../errors.js";
import { murmur3, words } from "../order/keys.js";

/** How encoded images are brought to their size. */
export interface ImageOptions {
  /** "cover" (default), "contain" or "fill"; for images that are not cut at random. */
  fit?: "cover" | "contain" | "fill";
  /** "centre" (default), or "random": another part of each image in each epoch. */
  crop?: "centre" | "random";
  /** With a random crop: least and greatest part of the image's area, default [0.08, 1]. */
  scale?: readonly [number, number];
  /** With a random crop: least and greatest width over height, default [3/4, 4/3]. */
  ratio?: readonly [number, number];
  /** How many of the images are mirrored, left to right, by chance: 0.5 of them where it is true; default none. */
  flip?: boolean | number;
}

/** The same, checked, with the seed of all that is drawn. */
export interface ImagePlan {
  fit: "cover" | "contain" | "fill";
  /** Undefined where images are not cut at random. */
  random: { scale: readonly [number, number]; ratio: readonly [number, number] } | undefined;
  flip: number;
  seed: number;
}

export interface Size {
  width: number;
  height: number;
}

/** A part of an image, in pixels. */
export interface Part extends Size {
  left: number;
  top: number;
}

/** Parts that are tried before the middle of the image is taken. */
const attempts = 10;
/** Numbers that a sample draws: 2 for each attempt's form, 2 for the place, and one for its mirroring. */
const drawOf = { place: 2 * attempts, flip: 2 * attempts + 2 } as const;

/** @throws SpillwayError `usage` for what makes no sense */
export function planImages(options: ImageOptions, seed: number): ImagePlan {
  const { fit = "cover", crop = "centre", scale, ratio, flip = false } = options;
  if (!["cover", "contain", "fill"].includes(fit)) throw wrong("fit", fit, '"cover", "contain" or "fill"');
  if (crop !== "centre" && crop !== "random") throw wrong("crop", crop, '"centre" or "random"');
  if (crop === "random" && options.fit !== undefined)
    throw wrong("fit", fit, "nothing beside a random crop, which is stretched to its size");
  for (const [name, range, most] of [
    ["scale", scale, 1],
    ["ratio", ratio, 100],
  ] as const) {
    if (range === undefined) continue;
    if (crop !== "random") throw wrong(name, range, 'nothing without crop: "random"');
    const isRange = Array.isArray(range) && range.length === 2 && range[0] > 0 && range[0] <= range[1];
    if (!isRange || !(range[1] <= most))
      throw wrong(name, range, `two numbers above 0, ascending, up to ${most}`);
  }
  const share = flip === true ? 0.5 : flip === false ? 0 : flip;
  if (!(share >= 0 && share <= 1)) throw wrong("flip", flip, "true, false or a part from 0 to 1");
  const random = { scale: scale ?? ([0.08, 1] as const), ratio: ratio ?? ([3 / 4, 4 / 3] as const) };
  return { fit, random: crop === "random" ? random : undefined, flip: share, seed };
}

function wrong(name: string, value: unknown, wanted: string): SpillwayError {
  return new SpillwayError("usage", `images: ${name} is ${JSON.stringify(value)}`, {
    remedy: `Use ${wanted}.`,
  });
}

/** Numbers from 0 to 1 that belong to a sample in an epoch: the k-th is always the same. */
export type Draws = (k: number) => number;

export function drawsOf(seed: number, epoch: number, sample: number): Draws {
  const from = [...words(seed), ...words(epoch), ...words(sample), 0];
  return (k) => {
    from[6] = k;
    return murmur3(from, 0x696d6167) / 2 ** 32;
  };
}

/** Whether a sample is mirrored. */
export function isMirrored({ flip }: ImagePlan, draws: Draws): boolean {
  return flip > 0 && draws(drawOf.flip) < flip;
}

/** The part of an image of `size` that a random crop takes. */
export function drawPart(size: Size, { scale, ratio }: NonNullable<ImagePlan["random"]>, draws: Draws): Part {
  const area = size.width * size.height;
  const [least, most] = ratio.map(Math.log) as [number, number];
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const wanted = area * (scale[0] + (scale[1] - scale[0]) * draws(2 * attempt));
    const proportion = Math.exp(least + (most - least) * draws(2 * attempt + 1));
    const width = Math.round(Math.sqrt(wanted * proportion));
    const height = Math.round(Math.sqrt(wanted / proportion));
    if (width < 1 || height < 1 || width > size.width || height > size.height) continue;
    return {
      left: Math.floor(draws(drawOf.place) * (size.width - width + 1)),
      top: Math.floor(draws(drawOf.place + 1) * (size.height - height + 1)),
      width,
      height,
    };
  }
  return middlePart(size, ratio);
}

/** The largest part in the middle whose proportions are within the range. */
function middlePart({ width, height }: Size, [least, most]: readonly [number, number]): Part {
  const proportion = Math.min(most, Math.max(least, width / height));
  const part = {
    width: Math.max(1, Math.min(width, Math.round(height * proportion))),
    height: Math.max(1, Math.min(height, Math.round(width / proportion))),
  };
  return { left: (width - part.width) >> 1, top: (height - part.height) >> 1, ...part };
}

/**
 * How a part becomes an image of the size wanted. Where it is made much smaller, all of the image is scaled first and cut
 * then: JPEG is decoded in a half, quarter or eighth of its size for nearly nothing, but only as a whole.
 */
export type CropSteps =
  | { kind: "cut, then scale"; part: Part }
  | { kind: "scale, then cut"; whole: Size; part: Part };

export function planCrop(size: Size, part: Part, wanted: Size): CropSteps {
  const across = wanted.width / part.width;
  const down = wanted.height / part.height;
  if (Math.max(across, down) > 0.5) return { kind: "cut, then scale", part };
  const whole = {
    width: Math.max(wanted.width, Math.round(size.width * across)),
    height: Math.max(wanted.height, Math.round(size.height * down)),
  };
  const at = (start: number, factor: number, room: number) => Math.min(room, Math.round(start * factor));
  return {
    kind: "scale, then cut",
    whole,
    part: {
      left: at(part.left, across, whole.width - wanted.width),
      top: at(part.top, down, whole.height - wanted.height),
      ...wanted,
    },
  };
}
