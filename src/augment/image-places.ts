// Transforms that move an image's pixels or hide some: flip, randomResizedCrop, rotation, erase. Shapes never change, and
// all colours are treated alike. Pixels are points at whole numbers: the first row is at 0, the last at height - 1.

import type { Kernels } from "../kernels/kernels.js";
import type { Draw } from "./draw.js";
import { type ImageGeometry, sampleBytes } from "./geometry.js";
import { choiceOption, maxValue, numberOption, probabilityOption, rangeOption } from "./options.js";
import { type Augmentation, describe, noRoom, type SampleOptions, type Transform } from "./transform.js";

/** Options of `flip`. */
export interface FlipOptions extends SampleOptions {
  /** Left and right exchanged (default), or top and bottom. */
  direction?: "horizontal" | "vertical";
}

export const flipTransform: Transform<{ direction: "horizontal" | "vertical" }, ImageGeometry> = {
  name: "flip",
  table: {
    direction: choiceOption("which sides are exchanged", ["horizontal", "vertical"]),
    probability: probabilityOption(0.5),
  },
  room: () => noRoom,
  bind({ kernels, options: { direction }, geometry: { outer, height, width, inner } }) {
    if (direction === "vertical")
      return (_, address) => kernels.mirrorRows(address, outer, height, width * inner);
    return (_, address) => kernels.mirrorRows(address, outer * height, width, inner);
  },
};

/**
 * Mirrors an image, half of them by default.
 *
 * @throws SpillwayError `usage` for options that do not make sense
 */
export function flip(options: FlipOptions = {}): Augmentation {
  return describe(flipTransform, { ...options });
}

/** A rectangle of an image; whole numbers only where that is said. */
export interface Rectangle {
  top: number;
  left: number;
  height: number;
  width: number;
}

/** How often a rectangle is drawn anew that does not fit. */
const attempts = 10;

/**
 * Draws the size of a rectangle by its share of the image's area and the logarithm of its width over its height. One
 * that does not fit is drawn anew; after ten, the largest that fits with the last ratio drawn.
 */
export function drawSize(
  kernels: Kernels,
  draw: Draw,
  { height, width }: ImageGeometry,
  scale: readonly [number, number],
  ratio: readonly [number, number],
  to: Rectangle,
): void {
  const [low, high] = [kernels.naturalLog(ratio[0]), kernels.naturalLog(ratio[1])];
  let [wanted, shape] = [0, 1];
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    wanted = draw.between(scale[0], scale[1]) * height * width;
    shape = kernels.exponential(draw.between(low, high));
    to.width = Math.sqrt(wanted * shape);
    to.height = Math.sqrt(wanted / shape);
    if (to.width <= width && to.height <= height) return;
  }
  to.width = Math.min(width, height * shape);
  to.height = Math.min(height, width / shape);
}

/** Takes the pixel at (x, y) from column left + x * xx + y * xy and row top + x * yx + y * yy. */
type MovePixels = (
  address: number,
  left: number,
  xx: number,
  xy: number,
  top: number,
  yx: number,
  yy: number,
) => void;

/**
 * Takes the pixels of an image from other places of it, between four pixels each. Numbers and no object: nothing is
 * allocated for a sample.
 *
 * @param work room for a copy of the image
 * @param fill what comes in from outside; undefined for the nearest pixel
 */
function pixelMover(
  kernels: Kernels,
  geometry: ImageGeometry,
  work: number,
  fill: number | undefined,
): MovePixels {
  const { outer, height, width, inner } = geometry;
  const bytes = sampleBytes(geometry);
  const [isEdge, outside] = [fill === undefined ? 1 : 0, fill ?? 0];
  return (address, left, xx, xy, top, yx, yy) => {
    kernels.copyBox(address, work, 1, 0, 1, 0, bytes);
    // biome-ignore format: fourteen numbers are read best side by side
    kernels.takePixels(work, address, outer, height, width, inner, left, xx, xy, top, yx, yy, isEdge, outside);
  };
}

/** Options of `randomResizedCrop`. */
export interface RandomResizedCropOptions extends SampleOptions {
  /** Share of the image's area that is kept: drawn between these two. Default [0.25, 1]. */
  scale?: readonly [number, number];
  /** Width over height of what is kept: drawn between these two, evenly in its logarithm. Default [3/4, 4/3]. */
  ratio?: readonly [number, number];
}

const ratioBounds = [0.01, 100] as const;

export const randomResizedCropTransform: Transform<
  { scale: readonly [number, number]; ratio: readonly [number, number] },
  ImageGeometry
> = {
  name: "randomResizedCrop",
  table: {
    scale: rangeOption("the least and greatest share of the area that is kept", [0.0001, 1], [0.25, 1]),
    ratio: rangeOption("the least and greatest width over height", ratioBounds, [3 / 4, 4 / 3]),
    probability: probabilityOption(1),
  },
  room: (geometry) => ({ tables: 0, work: sampleBytes(geometry) }),
  bind({ kernels, options: { scale, ratio }, geometry, work }) {
    const { height, width } = geometry;
    const move = pixelMover(kernels, geometry, work, undefined);
    const part: Rectangle = { top: 0, left: 0, height: 0, width: 0 };
    return (draw, address) => {
      drawSize(kernels, draw, geometry, scale, ratio, part);
      const top = draw.between(0, height - part.height);
      const left = draw.between(0, width - part.width);
      const [xx, yy] = [part.width / width, part.height / height];
      move(address, left + 0.5 * xx - 0.5, xx, 0, top + 0.5 * yy - 0.5, 0, yy);
    };
  },
};

/**
 * Keeps a random rectangle of an image and stretches it to the old size, by bilinear interpolation.
 *
 * @throws SpillwayError `usage` for options that do not make sense
 */
export function randomResizedCrop(options: RandomResizedCropOptions = {}): Augmentation {
  return describe(randomResizedCropTransform, { ...options });
}

/** Options of `rotation`. */
export interface RotationOptions extends SampleOptions {
  /** Most degrees by which an image is turned about its middle, to either side. Default 15. */
  degrees?: number;
  /** Value of what comes in from outside. Default 0. */
  fill?: number;
}

export const rotationTransform: Transform<{ degrees: number; fill: number }, ImageGeometry> = {
  name: "rotation",
  table: {
    degrees: numberOption("the most degrees by which an image is turned, to either side", [0, 180], 15),
    fill: numberOption("the value of what comes in from outside", [-maxValue, maxValue], 0),
    probability: probabilityOption(1),
  },
  room: (geometry) => ({ tables: 0, work: sampleBytes(geometry) }),
  bind({ kernels, options: { degrees, fill }, geometry, work }) {
    const { height, width } = geometry;
    const move = pixelMover(kernels, geometry, work, fill);
    const [midX, midY] = [(width - 1) / 2, (height - 1) / 2];
    return (draw, address) => {
      const turns = draw.between(-degrees, degrees) / 360;
      const cos = kernels.cosineOfTurns(turns);
      const sin = kernels.sineOfTurns(turns);
      const left = midX - cos * midX + sin * midY;
      const top = midY - sin * midX - cos * midY;
      move(address, left, cos, -sin, top, sin, cos);
    };
  },
};

/**
 * Turns an image about its middle, by bilinear interpolation.
 *
 * @throws SpillwayError `usage` for options that do not make sense
 */
export function rotation(options: RotationOptions = {}): Augmentation {
  return describe(rotationTransform, { ...options });
}

/** Options of `erase`. */
export interface EraseOptions extends SampleOptions {
  /** Share of the image's area that is erased: drawn between these two. Default [0.02, 0.2]. */
  scale?: readonly [number, number];
  /** Width over height of what is erased: drawn between these two, evenly in its logarithm. Default [0.3, 3.3]. */
  ratio?: readonly [number, number];
  /** What it is filled with. Default 0. */
  fill?: number;
}

export const eraseTransform: Transform<
  { scale: readonly [number, number]; ratio: readonly [number, number]; fill: number },
  ImageGeometry
> = {
  name: "erase",
  table: {
    scale: rangeOption("the least and greatest share of the area that is erased", [0, 1], [0.02, 0.2]),
    ratio: rangeOption("the least and greatest width over height", ratioBounds, [0.3, 3.3]),
    fill: numberOption("what the rectangle is filled with", [-maxValue, maxValue], 0),
    probability: probabilityOption(1),
  },
  room: () => noRoom,
  bind({ kernels, options: { scale, ratio, fill }, geometry }) {
    const { outer, height, width, inner } = geometry;
    const row = width * inner * 4;
    const part: Rectangle = { top: 0, left: 0, height: 0, width: 0 };
    return (draw, address) => {
      drawSize(kernels, draw, geometry, scale, ratio, part);
      const rows = Math.round(part.height);
      const columns = Math.round(part.width);
      const at = address + draw.below(height - rows + 1) * row + draw.below(width - columns + 1) * inner * 4;
      kernels.fillBox(at, outer, height * row, rows, row, columns * inner * 4, fill);
    };
  },
};

/**
 * Fills a random rectangle of an image with one value.
 *
 * @throws SpillwayError `usage` for options that do not make sense
 */
export function erase(options: EraseOptions = {}): Augmentation {
  return describe(eraseTransform, { ...options });
}
