// How a field is best looked at: as waves, as a picture, or as numbers. Judged by its shape, since a dataset does not
// say; `--as` overrules.

import { SpillwayError } from "../errors.js";
import { type DeliveredField, deliveredField, type Field } from "../tensor/field.js";

/** Names for `--as`. */
export const portrayals = ["wave", "image", "numbers"] as const;

/** Series of values over steps: value (step, channel) is at step * stepStride + channel * channelStride. */
export interface WavePortrayal {
  kind: "wave";
  steps: number;
  channels: number;
  stepStride: number;
  channelStride: number;
}

/** Pixels: value (y, x, channel) is at (y * width + x) * pixelStride + channel * channelStride. */
export interface ImagePortrayal {
  kind: "image";
  width: number;
  height: number;
  /** 1 grey, 3 colour. */
  channels: 1 | 3;
  pixelStride: number;
  channelStride: number;
}

export type Portrayal = WavePortrayal | ImagePortrayal | { kind: "numbers" };

const numbers: Portrayal = { kind: "numbers" };
/** A table of numbers this much longer than wide holds channels over time rather than pixels. */
const waveRatio = 4;
/** Fewer steps are read more easily as numbers. */
const fewestSteps = 8;

/**
 * Chooses how to show a field.
 *
 * @param wanted what the user asked for; undefined lets the shape decide
 * @throws SpillwayError `usage` if a field of this shape cannot be shown as wanted
 */
export function choosePortrayal(
  name: string,
  stored: Field,
  wanted: (typeof portrayals)[number] | undefined,
): Portrayal {
  const field = deliveredField(stored);
  const wave = waveOf(field);
  const image = imageOf(field);
  if (wanted === undefined) {
    if (image && !(wave && isLikelyWave(field, wave))) return image;
    return wave && wave.steps >= fewestSteps ? wave : numbers;
  }
  const chosen = { wave, image, numbers }[wanted];
  if (chosen) return chosen;
  const shape = field.kind === "class" ? "a class label" : `of shape [${field.shape.join(", ")}]`;
  const needed =
    wanted === "image"
      ? "[height, width], with an axis of 1 or 3 colours at most"
      : "[steps], or [steps, channels]";
  throw new SpillwayError("usage", `field "${name}" is ${shape}: that is no ${wanted}`, {
    remedy: `${wanted === "image" ? "An image" : "A wave"} has the shape ${needed}.`,
    where: { field: name },
  });
}

/** Steps and channels; the channel axis is the one named so, or the shorter one. */
function waveOf(field: DeliveredField): WavePortrayal | undefined {
  if (field.kind === "class") return undefined;
  const [first, second] = field.shape;
  if (field.shape.length === 1)
    return { kind: "wave", steps: first!, channels: 1, stepStride: 1, channelStride: 0 };
  if (field.shape.length !== 2) return undefined;
  const channelAxis = field.channelAxis ?? (first! < second! ? 0 : 1);
  return channelAxis === 1
    ? { kind: "wave", steps: first!, channels: second!, stepStride: second!, channelStride: 1 }
    : { kind: "wave", steps: second!, channels: first!, stepStride: 1, channelStride: second! };
}

function imageOf(field: DeliveredField): ImagePortrayal | undefined {
  if (field.kind === "class") return undefined;
  const { shape, channelAxis } = field;
  const [a, b, c] = shape;
  if (shape.length === 2)
    return { kind: "image", height: a!, width: b!, channels: 1, pixelStride: 1, channelStride: 0 };
  if (shape.length !== 3) return undefined;
  if ((c === 1 || c === 3) && channelAxis !== 0) {
    return { kind: "image", height: a!, width: b!, channels: c, pixelStride: c, channelStride: 1 };
  }
  if (a === 1 || a === 3)
    return { kind: "image", height: b!, width: c!, channels: a, pixelStride: 1, channelStride: b! * c! };
  return undefined;
}

function isLikelyWave(field: DeliveredField, wave: WavePortrayal): boolean {
  if (field.kind === "class" || field.shape.length !== 2) return false;
  if (field.channelAxis !== undefined) return true;
  return wave.steps >= wave.channels * waveRatio || wave.channels < 4;
}
