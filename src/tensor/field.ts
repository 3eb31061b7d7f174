// Fields: the named parts of a sample. A tensor has a dtype and one shape for all samples; a class label is a small
// integer with a list of names. Both have a fixed stride on disk, which is what makes one read per sample possible.
// An encoded image (JPEG, PNG) is stored as its file's bytes, as many as they are, and has its shape when it is delivered.

import { SpillwayError } from "../errors.js";
import { type DType, dtypes, elementBytes } from "./dtype.js";
import type { Encoding } from "./encoding.js";
import { frameStride } from "./frame.js";

/** A tensor of one shape and dtype in every sample. Shape [] is a scalar. */
export interface TensorField {
  kind: "tensor";
  dtype: DType;
  /** Sizes of the axes of one sample, row-major (C order), the batch axis not included. */
  shape: readonly number[];
  /** Which axis counts the channels (sensors, colours), where that is known. */
  channelAxis?: number;
  /** How stored numbers become values, where these had another dtype than `dtype`, in which they are stored. */
  encoding?: Encoding;
}

/** A class label: an index into `classes`, stored in the smallest of uint8, uint16, int32 that holds it. */
export interface ClassField {
  kind: "class";
  dtype: "uint8" | "uint16" | "int32";
  classes: readonly string[];
}

/** An image stored as the bytes of its file, decoded and brought to one size when it is delivered. */
export interface ImageField {
  kind: "image";
  /** Of what is delivered. */
  dtype: "uint8";
  /** Height, width and channels (1 grey, 3 colour) of what is delivered. */
  shape: readonly [number, number, number];
  /** Bytes of the longest image. */
  maxBytes: number;
}

export type Field = TensorField | ClassField | ImageField;

/** The fields of a sample by name, in storage order. */
export type Fields = Record<string, Field>;

/** Largest record of one field: Arrow counts the elements of a list in 32 bits, and one read fits in 1 GiB. */
export const maxRecordBytes = 2 ** 30;
const maxClasses = 1_000_000;
/** Largest file of an encoded image. */
export const maxImageBytes = 2 ** 28;
/** Largest width and height that an image can be delivered in. */
export const maxImageSide = 32_768;
/** What an encoded image of a program may have where nothing else is declared. */
export const defaultImageBytes = 2 ** 22;

/**
 * A tensor field, for `pack(samples, path, { fields })`.
 *
 * @param dtype element type by numpy's name
 * @param shape sizes of one sample's axes, such as [256, 8] for 256 time steps of 8 channels
 * @throws SpillwayError `usage` for an unknown dtype, a size that is no positive integer, or a record above 1 GiB
 */
export function tensor(
  dtype: DType,
  shape: readonly number[],
  options: { channelAxis?: number } = {},
): TensorField {
  if (!dtypes.includes(dtype)) {
    throw new SpillwayError("usage", `"${dtype}" is no dtype`, {
      remedy: `Use one of ${dtypes.join(", ")}.`,
    });
  }
  if (shape.some((size) => !Number.isSafeInteger(size) || size < 1)) {
    throw new SpillwayError("usage", `shape [${shape.join(", ")}] has a size that is no positive integer`, {
      remedy: "Every axis of a sample needs at least one element.",
    });
  }
  const { channelAxis } = options;
  if (
    channelAxis !== undefined &&
    !(Number.isInteger(channelAxis) && channelAxis >= 0 && channelAxis < shape.length)
  ) {
    throw new SpillwayError(
      "usage",
      `channel axis ${channelAxis} is not an axis of shape [${shape.join(", ")}]`,
      {
        remedy: `Use 0 to ${shape.length - 1}, or leave it out.`,
      },
    );
  }
  const field: TensorField = {
    kind: "tensor",
    dtype,
    shape: [...shape],
    ...(channelAxis === undefined ? {} : { channelAxis }),
  };
  if (fieldStride(field) > maxRecordBytes) {
    throw new SpillwayError(
      "usage",
      `a sample of shape [${shape.join(", ")}] and ${dtype} has ${fieldStride(field)} bytes, above the limit of ${maxRecordBytes}`,
      {
        remedy: "Cut it into smaller samples.",
      },
    );
  }
  return field;
}

/**
 * A class label field: sample values are names of the list, or indices into it.
 *
 * @throws SpillwayError `usage` for an empty list or a name that is there twice
 */
export function classes(names: readonly string[]): ClassField {
  if (names.length === 0 || names.length > maxClasses) {
    throw new SpillwayError("usage", `a class field needs 1 to ${maxClasses} names, not ${names.length}`, {
      remedy: 'List them: classes(["walk", "run"]).',
    });
  }
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) {
      throw new SpillwayError("usage", `class "${name}" is listed twice`, {
        remedy: "Give each class a name of its own.",
      });
    }
    seen.add(name);
  }
  return { kind: "class", dtype: classDtype(names.length), classes: [...names] };
}

/** What `encodedImage` may be told. */
export interface EncodedImageOptions {
  /** 1 for grey, 3 (default) for colour. */
  channels?: 1 | 3;
  /** Bytes of the longest image that comes; default 4 MiB. Memory for packing goes by it, space on disk does not. */
  maxBytes?: number;
}

/**
 * A field of images that are kept as the bytes of their JPEG or PNG files, for `pack(samples, path, { fields })`: they
 * are decoded when they are read.
 *
 * @param size width and height, in pixels, to which they are brought then
 * @throws SpillwayError `usage` for a size, a number of channels or of bytes that is not possible
 */
export function encodedImage(
  { width, height }: { width: number; height: number },
  { channels = 3, maxBytes = defaultImageBytes }: EncodedImageOptions = {},
): ImageField {
  for (const side of [width, height]) {
    if (Number.isInteger(side) && side >= 1 && side <= maxImageSide) continue;
    throw new SpillwayError("usage", `an image cannot be delivered with a side of ${side} pixels`, {
      remedy: `Use whole numbers from 1 to ${maxImageSide}.`,
    });
  }
  if (channels !== 1 && channels !== 3) {
    throw new SpillwayError("usage", `images cannot have ${channels} channels`, {
      remedy: "Use 1 for grey or 3 for colour.",
    });
  }
  if (!Number.isInteger(maxBytes) || maxBytes < 1 || maxBytes > maxImageBytes) {
    throw new SpillwayError("usage", `encoded images of up to ${maxBytes} bytes are not possible`, {
      remedy: `Use a whole number from 1 to ${maxImageBytes}.`,
    });
  }
  return { kind: "image", dtype: "uint8", shape: [height, width, channels], maxBytes };
}

/** Smallest label dtype for a number of classes. */
export function classDtype(count: number): ClassField["dtype"] {
  return count <= 0x100 ? "uint8" : count <= 0x10000 ? "uint16" : "int32";
}

/** Elements of one sample of a field; of images as they are delivered. */
export function elementCount(field: Field): number {
  return field.kind === "class" ? 1 : field.shape.reduce((product, size) => product * size, 1);
}

/** Bytes of one sample of a field, as stored: there is no padding. Of encoded images the frame of the longest one. */
export function fieldStride(field: Field): number {
  if (field.kind === "image") return frameStride(field.maxBytes);
  return elementCount(field) * elementBytes(field.dtype);
}

/** Bytes of one sample, all fields together; of encoded images at most so many. */
export function sampleBytes(fields: Fields): number {
  return Object.values(fields).reduce((sum, field) => sum + fieldStride(field), 0);
}

/** The fields as they were before bits were cut: what samples are, whatever they are stored in. */
export function originalFields(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, originalField(field)]));
}

/** The fields as fingerprints tell them: as they were before bits were cut, without how long encoded images are. */
export function fieldsOfContent(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(originalFields(fields)).map(([name, field]) => {
      if (field.kind !== "image") return [name, field];
      const { maxBytes: _, ...rest } = field;
      return [name, rest];
    }),
  );
}

/** One of them. */
export function originalField(field: Field): Field {
  if (field.kind !== "tensor" || !field.encoding) return field;
  const { encoding, ...rest } = field;
  return { ...rest, dtype: encoding.original };
}

/** What samples have once they are delivered: of encoded images their pixels. */
export type DeliveredField = TensorField | ClassField;

/** A field as it is delivered. */
export function deliveredField(field: Field): DeliveredField {
  if (field.kind !== "image") return field;
  return { kind: "tensor", dtype: field.dtype, shape: field.shape, channelAxis: 2 };
}

/** Fields as they are delivered. */
export function deliveredFields(fields: Fields): Record<string, DeliveredField> {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, deliveredField(field)]));
}

/** Most channels that are taken for such by their number, and how many times as long the other axis is at least. */
const guessedChannels = 64;
const guessedRatio = 4;

/**
 * The axis that counts the channels: what is known of it, or where nothing is, that of a waveform by its shape: of two
 * axes a short one of at most 64 places beside one that is four times as long. Undefined where values are of one kind.
 */
export function channelAxisOf({ shape, channelAxis, encoding }: TensorField): number | undefined {
  const known = encoding?.axis ?? channelAxis;
  if (known !== undefined || shape.length !== 2) return known;
  const [first, second] = shape as [number, number];
  const [short, long] = first < second ? [first, second] : [second, first];
  return short <= guessedChannels && long >= guessedRatio * short ? shape.indexOf(short) : undefined;
}

/** Elements of a channel that lie together in a sample, and how many channels an axis has. */
export interface ChannelRuns {
  channels: number;
  inner: number;
}

/** How the channels of an axis lie in a sample: runs of `inner` elements, channel after channel, again and again. */
export function channelRuns(shape: readonly number[], axis: number | undefined): ChannelRuns {
  const product = (sizes: readonly number[]) => sizes.reduce((sum, size) => sum * size, 1);
  if (axis === undefined) return { channels: 1, inner: product(shape) };
  return { channels: shape[axis]!, inner: product(shape.slice(axis + 1)) };
}

/** One field in words: "float64 [256, 8]" or "3 classes (uint8): circle, raise, wave". */
export function describeField(field: Field): string {
  if (field.kind === "tensor") {
    const stored = `${field.dtype} [${field.shape.join(", ")}]`;
    return field.encoding ? `${stored}, ${field.encoding.claim} from ${field.encoding.original}` : stored;
  }
  if (field.kind === "image") {
    const [height, width, channels] = field.shape;
    const colour = channels === 1 ? "grey" : "colour";
    return `encoded images, delivered as uint8 [${field.shape.join(", ")}] (${width}x${height} pixels, ${colour})`;
  }
  if (field.classes.length === 0) return `class names, found while packing (${field.dtype})`;
  const shown = field.classes.slice(0, 8).join(", ");
  const more = field.classes.length > 8 ? `, and ${field.classes.length - 8} more` : "";
  return `${field.classes.length} ${field.classes.length === 1 ? "class" : "classes"} (${field.dtype}): ${shown}${more}`;
}

/** Whether two fields agree in everything that decides their bytes. */
export function isSameField(a: Field, b: Field): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
