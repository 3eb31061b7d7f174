// Stored numbers of each dtype, one or some at a time, as the numbers that decoding computes with. A kind is a constant
// where these are called, so that what belongs to other kinds is gone from the code.

import { isSubnormal, magnitudeOf, upperBits, widened, widenOne } from "./half";

export const U8: u32 = 0;
export const I8: u32 = 1;
export const U16: u32 = 2;
export const I16: u32 = 3;
export const U32: u32 = 4;
export const I32: u32 = 5;
export const U64: u32 = 6;
export const I64: u32 = 7;
export const F16: u32 = 8;
export const F32: u32 = 9;
export const F64: u32 = 10;

/** Binary logarithm of a stored number's bytes. */
@inline
export function shiftOf(kind: u32): u32 {
  if (kind <= I8) return 0;
  if (kind <= I16 || kind == F16) return 1;
  if (kind <= I32 || kind == F32) return 2;
  return 3;
}

/** One stored number as float64. */
@inline
export function one(kind: u32, from: usize): f64 {
  if (kind == U8) return <f64>load<u8>(from);
  if (kind == I8) return <f64>load<i8>(from);
  if (kind == U16) return <f64>load<u16>(from);
  if (kind == I16) return <f64>load<i16>(from);
  if (kind == U32) return <f64>load<u32>(from);
  if (kind == I32) return <f64>load<i32>(from);
  if (kind == U64) return <f64>load<u64>(from);
  if (kind == I64) return <f64>load<i64>(from);
  if (kind == F16) return <f64>widenOne(load<u16>(from));
  if (kind == F32) return <f64>load<f32>(from);
  return load<f64>(from);
}

/** Four stored numbers of at most 32 bits, in 32 bits each. */
@inline
export function four(kind: u32, from: usize): v128 {
  if (kind == U8) return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load_zero<u32>(from)));
  if (kind == I8) return i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load_zero<u32>(from)));
  if (kind == U16) return v128.load_ext<u16>(from);
  if (kind == I16) return v128.load_ext<i16>(from);
  if (kind == F16) {
    const v = v128.load_zero<u64>(from);
    const magnitude = magnitudeOf(v);
    const subnormal = isSubnormal(magnitude);
    return widened(v, magnitude, subnormal, upperBits(magnitude, subnormal), false);
  }
  return v128.load(from);
}

/** The first two of four numbers as float64. */
@inline
function two(kind: u32, v: v128): v128 {
  if (kind >= F16) return f64x2.promote_low_f32x4(v);
  // What is extended from fewer bits fits into signed ones, whose conversion is one instruction.
  if (kind == U32) return f64x2.convert_low_i32x4_u(v);
  return f64x2.convert_low_i32x4_s(v);
}

@inline
function pair(low: f64, high: f64): v128 {
  return f64x2.replace_lane(f64x2.splat(low), 1, high);
}

/** The lower pair of four numbers at an address. */
@inline
export function lower(kind: u32, from: usize, v: v128): v128 {
  if (kind == F64) return v128.load(from);
  if (kind == U64 || kind == I64) return pair(one(kind, from), one(kind, from + 8));
  return two(kind, v);
}

/** The upper pair. */
@inline
export function upper(kind: u32, from: usize, v: v128): v128 {
  if (kind == F64) return v128.load(from, 16);
  if (kind == U64 || kind == I64) return pair(one(kind, from + 16), one(kind, from + 24));
  return two(kind, i64x2.shuffle(v, v, 1, 1));
}

@inline
export function read(kind: u32, from: usize): v128 {
  return shiftOf(kind) == 3 ? i32x4.splat(0) : four(kind, from);
}
