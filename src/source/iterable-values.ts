// Values that a program hands over, one field of one sample at a time: from typed arrays, numbers and nested lists to
// the bytes that are stored. A value that does not fit its field exactly is refused, never bent.

import { SpillwayError } from "../errors.js";
import { bytesOf, type DType, dtypeOf, elementBytes, integerRanges, viewAs } from "../tensor/dtype.js";
import { elementCount, type ImageField, type TensorField, tensor } from "../tensor/field.js";
import { toFloat16 } from "../tensor/float16.js";
import { beginFrame } from "../tensor/frame.js";
import { imageFormatOf } from "./image-bytes.js";

/** Numbers, or lists of such lists, all of one length on each level. */
export type NestedNumbers = readonly (number | bigint | boolean | NestedNumbers)[];

/** A tensor of a sample: numbers in any of these forms. `data` lies in C order. */
export type TensorValue =
  | ArrayBufferView
  | NestedNumbers
  | number
  | bigint
  | boolean
  | { data: ArrayBufferView | readonly number[]; shape: readonly number[] };

/** Where a value was met, for messages. */
export interface ValuePlace {
  sample: number;
  field: string;
}

const ranges: Partial<Record<DType, readonly [number | bigint, number | bigint]>> = {
  ...integerRanges,
  uint64: [0, 2n ** 64n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
};

/**
 * The field that a value belongs to: a typed array keeps its dtype, plain numbers become float64.
 *
 * @throws SpillwayError `source` for a value that is no tensor
 */
export function inferTensor(value: unknown, place: ValuePlace): TensorField {
  const { data, shape } = partsOf(value, place);
  return tensor(typedDtype(data) ?? "float64", shape ?? shapeOf(data, place));
}

/**
 * Encodes a value as the bytes of a field, little-endian and in C order.
 *
 * @throws SpillwayError `source` for another dtype, shape or length, or numbers that the dtype cannot hold
 */
export function encodeTensor(value: unknown, field: TensorField, place: ValuePlace, into: Uint8Array): void {
  const { data, shape } = partsOf(value, place);
  const got = shape ?? (ArrayBuffer.isView(data) ? undefined : shapeOf(data, place));
  const wanted = field.shape;
  if (got && !(got.length === wanted.length && got.every((size, axis) => size === wanted[axis]))) {
    // A flat list of the right length is taken for the values in C order.
    const isFlat = shape === undefined && got.length === 1 && got[0] === elementCount(field);
    if (!isFlat) throw refusal(place, `has shape [${got.join(", ")}], expected [${wanted.join(", ")}]`);
  }
  const dtype = typedDtype(data);
  if (dtype !== undefined) {
    const isHalfBits = field.dtype === "float16" && dtype === "uint16";
    const isBool = field.dtype === "bool" && dtype === "uint8";
    if (dtype !== field.dtype && !isHalfBits && !isBool) {
      throw refusal(place, `is ${dtype}, expected ${field.dtype}`);
    }
    const bytes = bytesOf(data as ArrayBufferView);
    checkCount(bytes.length / elementBytes(dtype), field, place);
    if (isBool && bytes.some((byte) => byte > 1))
      throw refusal(place, "holds a number other than 0 and 1, expected bool");
    into.set(bytes);
    return;
  }
  const numbers = flatten(data);
  checkCount(numbers.length, field, place);
  writeNumbers(numbers, field.dtype, place, into);
}

/**
 * Puts the bytes of a JPEG or PNG file into a frame.
 *
 * @throws SpillwayError `source` for anything else, and for more bytes than were declared
 */
export function frameImage(value: unknown, field: ImageField, place: ValuePlace, into: Uint8Array): void {
  if (!(value instanceof Uint8Array))
    throw refusal(place, `is ${describeValue(value)}, expected the bytes of an image's file (a Uint8Array)`);
  if (!imageFormatOf(value)) throw refusal(place, "begins neither as a JPEG nor as a PNG file");
  if (value.length > field.maxBytes)
    throw refusal(place, `has ${value.length} bytes, at most ${field.maxBytes} are declared (maxBytes)`);
  beginFrame(into, value.length).set(value);
}

/** Numbers and the shape that was given with them. */
function partsOf(value: unknown, place: ValuePlace): { data: unknown; shape?: readonly number[] } {
  if (typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)) {
    if ("data" in value && "shape" in value && Array.isArray(value.shape)) {
      const count = value.shape.reduce((product: number, size: number) => product * size, 1);
      const length =
        ArrayBuffer.isView(value.data) || Array.isArray(value.data) ? lengthOf(value.data) : undefined;
      if (length !== count)
        throw refusal(
          place,
          `has ${length ?? "no"} numbers for shape [${value.shape.join(", ")}], expected ${count}`,
        );
      return { data: value.data, shape: value.shape };
    }
  }
  const isNumber = typeof value === "number" || typeof value === "bigint" || typeof value === "boolean";
  if (isNumber || Array.isArray(value) || (ArrayBuffer.isView(value) && typedDtype(value)))
    return { data: value };
  throw refusal(
    place,
    `is ${describeValue(value)}, expected a typed array, a list of numbers, a number or { data, shape }`,
  );
}

function lengthOf(data: ArrayBufferView | unknown[]): number | undefined {
  if (Array.isArray(data)) return data.length;
  const dtype = typedDtype(data);
  return dtype && data.byteLength / elementBytes(dtype);
}

/** dtype of a typed array, Float16Array of newer Nodes included; undefined for all else. */
function typedDtype(data: unknown): DType | undefined {
  if (!ArrayBuffer.isView(data)) return undefined;
  return Object.prototype.toString.call(data) === "[object Float16Array]" ? "float16" : dtypeOf(data);
}

/** Shape of nested lists. @throws SpillwayError where lists of one level differ in length */
function shapeOf(data: unknown, place: ValuePlace): number[] {
  if (ArrayBuffer.isView(data)) return [lengthOf(data) ?? 0];
  if (!Array.isArray(data)) return [];
  if (!data.some(Array.isArray)) return [data.length];
  const inner = shapeOf(data[0], place);
  for (const part of data) {
    const other = shapeOf(part, place);
    if (other.length !== inner.length || other.some((size, axis) => size !== inner[axis])) {
      throw refusal(place, `has lists of different shapes: [${inner.join(", ")}] and [${other.join(", ")}]`);
    }
  }
  return [data.length, ...inner];
}

function flatten(data: unknown): unknown[] {
  return Array.isArray(data) ? data.flat(Number.POSITIVE_INFINITY) : [data];
}

function checkCount(count: number, field: TensorField, place: ValuePlace): void {
  const wanted = elementCount(field);
  if (count !== wanted) {
    throw refusal(
      place,
      `has ${count} numbers, expected ${wanted} for ${field.dtype} [${field.shape.join(", ")}]`,
    );
  }
}

function writeNumbers(numbers: readonly unknown[], dtype: DType, place: ValuePlace, into: Uint8Array): void {
  // `into` may start at any byte, a typed array may not: the numbers are made in a buffer of their own.
  const target = viewAs(dtype, new ArrayBuffer(into.length), 0, numbers.length);
  const range = ranges[dtype];
  numbers.forEach((value, index) => {
    const number = typeof value === "boolean" ? Number(value) : value;
    if (typeof number !== "number" && typeof number !== "bigint") {
      throw refusal(place, `holds ${describeValue(value)} at place ${index}, expected a number`);
    }
    if (!range) {
      const float = Number(number);
      target[index] = dtype === "float16" ? toFloat16(float) : float;
      return;
    }
    // A bigint and a number can be compared as they are.
    const isWhole = typeof number === "bigint" || Number.isSafeInteger(number);
    if (!isWhole || number < range[0] || number > range[1]) {
      const wanted = `a whole number from ${range[0]} to ${range[1]} (${dtype})`;
      throw refusal(place, `holds ${number} at place ${index}, expected ${wanted}`);
    }
    target[index] =
      target instanceof BigInt64Array || target instanceof BigUint64Array ? BigInt(number) : Number(number);
  });
  into.set(bytesOf(target));
}

/** A value in a few words, for messages. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "string") return `the text ${JSON.stringify(value.slice(0, 40))}`;
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean")
    return String(value);
  return `a value of type ${value.constructor?.name ?? typeof value}`;
}

/** The error for a value: "sample 17: field "wave" has ...". */
export function refusal(place: ValuePlace, what: string): SpillwayError {
  return new SpillwayError("source", `sample ${place.sample} (from 0): field "${place.field}" ${what}`, {
    remedy:
      "Every sample needs the same fields, shapes and dtypes: correct what yields them, or declare other fields.",
    where: { sample: place.sample, field: place.field },
  });
}
