// How a field's shape is seen by transforms: a waveform has steps and channels, an image has rows, columns and colours.
// Both are `outer` blocks, one after another, of elements of `inner` float32 that lie together: channels that come last
// are `inner`, channels that come first are `outer`.

import { channelAxisOf, elementCount, type TensorField } from "../tensor/field.js";

/** Elements [outer][steps][inner]; channel c is block c or, where channels come last, place c of each element. */
export interface WaveGeometry {
  kind: "waveform";
  count: number;
  outer: number;
  steps: number;
  inner: number;
}

/** Elements [outer][height][width][inner]. */
export interface ImageGeometry {
  kind: "image";
  count: number;
  outer: number;
  height: number;
  width: number;
  inner: number;
}

export type Geometry = WaveGeometry | ImageGeometry;

/** Colours of an image whose shape alone tells which axis counts them. */
const usualColours = [1, 3];

/** A field as steps of channels; undefined where it is not known to be a waveform. */
export function waveGeometry(field: TensorField): WaveGeometry | undefined {
  const { shape } = field;
  const count = elementCount(field);
  if (shape.length === 1) return { kind: "waveform", count, outer: 1, steps: shape[0]!, inner: 1 };
  const axis = channelAxisOf(field);
  if (shape.length !== 2 || axis === undefined) return undefined;
  const [first, second] = shape as [number, number];
  return axis === 0
    ? { kind: "waveform", count, outer: first, steps: second, inner: 1 }
    : { kind: "waveform", count, outer: 1, steps: first, inner: second };
}

/** A field as pixels; undefined where it is not known to be an image. */
export function imageGeometry(field: TensorField): ImageGeometry | undefined {
  const { shape } = field;
  const count = elementCount(field);
  const [a, b, c] = shape as [number, number, number];
  if (shape.length === 2) {
    // Channels of which somebody has said so are no pixels; those that are guessed from the shape may be.
    if ((field.encoding?.axis ?? field.channelAxis) !== undefined) return undefined;
    return { kind: "image", count, outer: 1, height: a, width: b, inner: 1 };
  }
  if (shape.length !== 3) return undefined;
  const axis = channelAxisOf(field);
  const isLast = axis === undefined ? usualColours.includes(c) : axis === 2;
  if (isLast) return { kind: "image", count, outer: 1, height: a, width: b, inner: c };
  const isFirst = axis === undefined ? usualColours.includes(a) : axis === 0;
  return isFirst ? { kind: "image", count, outer: a, height: b, width: c, inner: 1 } : undefined;
}

/** Whether a field is one of several channels over time rather than pixels, for transforms that take both. */
export function eitherGeometry(field: TensorField): Geometry | undefined {
  return waveGeometry(field) ?? imageGeometry(field);
}

/** Channels of a waveform, or colours of an image. */
export function channelsOf({ outer, inner }: Geometry): number {
  return outer * inner;
}

/** Bytes of one sample's float32. */
export function sampleBytes({ count }: Geometry): number {
  return count * 4;
}
