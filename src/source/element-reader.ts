// Single numbers of any dtype out of bytes at any place, as JavaScript numbers: for label columns.

import type { DType } from "../tensor/dtype.js";
import { fromFloat16 } from "../tensor/float16.js";

/** Reads the number that starts at a byte; 64-bit integers beyond 2^53 lose their last digits. */
export type ElementReader = (view: DataView, byte: number) => number;

/** The reader for a dtype in a byte order. */
export function elementReader(dtype: DType, isLittle: boolean): ElementReader {
  const readers: Record<DType, ElementReader> = {
    bool: (view, byte) => view.getUint8(byte),
    uint8: (view, byte) => view.getUint8(byte),
    int8: (view, byte) => view.getInt8(byte),
    uint16: (view, byte) => view.getUint16(byte, isLittle),
    int16: (view, byte) => view.getInt16(byte, isLittle),
    uint32: (view, byte) => view.getUint32(byte, isLittle),
    int32: (view, byte) => view.getInt32(byte, isLittle),
    uint64: (view, byte) => Number(view.getBigUint64(byte, isLittle)),
    int64: (view, byte) => Number(view.getBigInt64(byte, isLittle)),
    float16: (view, byte) => fromFloat16(view.getUint16(byte, isLittle)),
    float32: (view, byte) => view.getFloat32(byte, isLittle),
    float64: (view, byte) => view.getFloat64(byte, isLittle),
  };
  return readers[dtype];
}
