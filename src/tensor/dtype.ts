// Element types of tensors, as numpy names them, with their size and the typed array that holds them in memory.
// Node 20 has no Float16Array: float16 is held as the raw 16 bits in a Uint16Array. "bool" is one byte, 0 or 1.

/** Element type of a tensor, by numpy's name. */
export type DType =
  | "bool"
  | "uint8"
  | "int8"
  | "uint16"
  | "int16"
  | "uint32"
  | "int32"
  | "uint64"
  | "int64"
  | "float16"
  | "float32"
  | "float64";

/** Typed array over memory of its own or shared memory, one of those that hold a dtype. */
export type TypedArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

interface TypedArrayConstructor {
  new (length: number): TypedArray;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): TypedArray;
  readonly BYTES_PER_ELEMENT: number;
}

const holders = {
  bool: Uint8Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
  float16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
} satisfies Record<DType, unknown> as Record<DType, TypedArrayConstructor>;

/** Every dtype, in the order in which help texts list them. */
export const dtypes = Object.keys(holders) as [DType, ...DType[]];

/** Least and greatest number of the integer dtypes; of those of 64 bits as the nearest float64. */
export const integerRanges: Readonly<Partial<Record<DType, readonly [number, number]>>> = {
  bool: [0, 1],
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65_535],
  int16: [-32_768, 32_767],
  uint32: [0, 2 ** 32 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint64: [0, 2 ** 64 - 1],
  int64: [-(2 ** 63), 2 ** 63 - 1],
};

/** Bytes of one element. */
export function elementBytes(dtype: DType): number {
  return holders[dtype].BYTES_PER_ELEMENT;
}

/** A typed array of `length` elements at `byteOffset` of a buffer; for float16 the raw bits. */
export function viewAs(
  dtype: DType,
  buffer: ArrayBufferLike,
  byteOffset: number,
  length: number,
): TypedArray {
  return new holders[dtype](buffer, byteOffset, length);
}

/** A new array of `length` zeros. */
export function zeros(dtype: DType, length: number): TypedArray {
  return new holders[dtype](length);
}

/** The bytes of a typed array, without a copy. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** dtype that a typed array holds by its class; a Uint16Array is uint16, never float16. */
export function dtypeOf(array: ArrayBufferView): DType | undefined {
  if (array instanceof Uint8ClampedArray) return "uint8";
  for (const dtype of dtypes) {
    if (dtype !== "bool" && array instanceof holders[dtype]) return dtype;
  }
  return undefined;
}
