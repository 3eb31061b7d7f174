// Stored numbers to values, by the formula of FORMAT.md ("Encodings"): ((q + zero) * scale) / divisor + offset in
// float64, each step rounded, then float32. What a formula leaves out comes as what changes nothing: -0, 1, 1, -0.
// `code` is the address of the parameters, see ../decoding.ts, which lays them out:
//
//   0  u32  elements of a run, or 0 for a table
//   4  u32  channels of the runs, or elements of the table
//   8  u32  steps: 0 scale and offset, 1 also zero, 2 also divisor; 3 and 4 are 1 and 2 in float32
//  16  f64  runs: zero, scale, divisor, offset of each channel; a table: zero of each element, then scale, ...
//           (float32 for steps 3 and 4)
//
// A table has a formula for each element of a period, so that neighbours in different channels are decoded at once.
// Steps in float32 are for integers of at most 16 bits and formulas for which they are known to give the same.

import {
  F16,
  F32,
  F64,
  four,
  I8,
  I16,
  I32,
  I64,
  lower,
  one,
  read,
  shiftOf,
  U8,
  U16,
  U32,
  U64,
  upper,
} from "./stored";
import { isSubnormal, magnitudeOf, upperBits, widened } from "./half";

@inline
function value(steps: u32, q: v128, zero: v128, scale: v128, divisor: v128, offset: v128): v128 {
  const moved = steps > 0 ? f64x2.add(q, zero) : q;
  const scaled = f64x2.mul(moved, scale);
  return f64x2.add(steps > 1 ? f64x2.div(scaled, divisor) : scaled, offset);
}

@inline
function valueOfOne(steps: u32, q: f64, zero: f64, scale: f64, divisor: f64, offset: f64): f32 {
  const moved = steps > 0 ? q + zero : q;
  const scaled = moved * scale;
  return <f32>((steps > 1 ? scaled / divisor : scaled) + offset);
}

@inline
function joined(low: v128, high: v128): v128 {
  return i64x2.shuffle(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
}

/** Elements that share a formula. */
@inline
function run(kind: u32, steps: u32, from: usize, to: usize, count: u32, code: usize): void {
  const shift = shiftOf(kind);
  const zero = v128.load_splat<u64>(code);
  const scale = v128.load_splat<u64>(code, 8);
  const divisor = v128.load_splat<u64>(code, 16);
  const offset = v128.load_splat<u64>(code, 24);
  const wide = from + (<usize>(count & ~7) << shift);
  const end = from + (<usize>count << shift);
  for (; from < wide; from += 8 << shift, to += 32) {
    let a: v128;
    let b: v128;
    if (kind == U8 || kind == U16) {
      const v = kind == U8 ? v128.load_ext<u8>(from) : v128.load(from);
      a = i32x4.extend_low_i16x8_u(v);
      b = i32x4.extend_high_i16x8_u(v);
    } else if (kind == I8 || kind == I16) {
      const v = kind == I8 ? v128.load_ext<i8>(from) : v128.load(from);
      a = i32x4.extend_low_i16x8_s(v);
      b = i32x4.extend_high_i16x8_s(v);
    } else if (kind == F16) {
      const v = v128.load(from);
      const magnitude = magnitudeOf(v);
      const subnormal = isSubnormal(magnitude);
      const upper = upperBits(magnitude, subnormal);
      a = widened(v, magnitude, subnormal, upper, false);
      b = widened(v, magnitude, subnormal, upper, true);
    } else {
      a = read(kind, from);
      b = read(kind, from + (4 << shift));
    }
    const next = from + (4 << shift);
    const p = value(steps, lower(kind, from, a), zero, scale, divisor, offset);
    const q = value(steps, upper(kind, from, a), zero, scale, divisor, offset);
    const r = value(steps, lower(kind, next, b), zero, scale, divisor, offset);
    const s = value(steps, upper(kind, next, b), zero, scale, divisor, offset);
    v128.store(to, joined(p, q));
    v128.store(to, joined(r, s), 16);
  }
  const z = load<f64>(code);
  const f = load<f64>(code, 8);
  const d = load<f64>(code, 16);
  const o = load<f64>(code, 24);
  for (; from < end; from += 1 << shift, to += 4) {
    store<f32>(to, valueOfOne(steps, one(kind, from), z, f, d, o));
  }
}

@inline
function valueInSingle(steps: u32, q: v128, zero: v128, scale: v128, divisor: v128, offset: v128): v128 {
  const scaled = f32x4.mul(f32x4.add(f32x4.convert_i32x4_s(q), zero), scale);
  return f32x4.add(steps > 3 ? f32x4.div(scaled, divisor) : scaled, offset);
}

@inline
function oneInSingle(steps: u32, q: f32, zero: f32, scale: f32, divisor: f32, offset: f32): f32 {
  const scaled = (q + zero) * scale;
  return (steps > 3 ? scaled / divisor : scaled) + offset;
}

/** The same as `run`, in float32. */
@inline
function runInSingle(kind: u32, steps: u32, from: usize, to: usize, count: u32, code: usize): void {
  const shift = shiftOf(kind);
  const zero = v128.load_splat<u32>(code);
  const scale = v128.load_splat<u32>(code, 4);
  const divisor = v128.load_splat<u32>(code, 8);
  const offset = v128.load_splat<u32>(code, 12);
  const wide = from + (<usize>(count & ~3) << shift);
  const end = from + (<usize>count << shift);
  for (; from < wide; from += 4 << shift, to += 16) {
    v128.store(to, valueInSingle(steps, four(kind, from), zero, scale, divisor, offset));
  }
  const z = load<f32>(code);
  const f = load<f32>(code, 4);
  const d = load<f32>(code, 8);
  const o = load<f32>(code, 12);
  for (; from < end; from += 1 << shift, to += 4) {
    store<f32>(to, oneInSingle(steps, <f32>one(kind, from), z, f, d, o));
  }
}

@inline
function runs(kind: u32, steps: u32, from: usize, to: usize, first: u32, count: u32, code: usize): void {
  const inner = load<u32>(code);
  const channels = load<u32>(code, 4);
  const shift = shiftOf(kind);
  let channel = (first / inner) % channels;
  let left = inner - (first % inner);
  while (count > 0) {
    const taken = min<u32>(left, count);
    if (steps > 2) runInSingle(kind, steps, from, to, taken, code + 16 + (<usize>channel << 4));
    else run(kind, steps, from, to, taken, code + 16 + (<usize>channel << 5));
    from += <usize>taken << shift;
    to += <usize>taken << 2;
    count -= taken;
    left = inner;
    channel += 1;
    if (channel == channels) channel = 0;
  }
}

@inline
function table(kind: u32, steps: u32, from: usize, to: usize, first: u32, count: u32, code: usize): void {
  const period = load<u32>(code, 4);
  const shift = shiftOf(kind);
  const size = <usize>period << 3;
  let at = first % period;
  while (count > 0) {
    const taken = min<u32>(period - at, count);
    let zero = code + 16 + (<usize>at << 3);
    const wide = from + (<usize>(taken & ~3) << shift);
    const end = from + (<usize>taken << shift);
    for (; from < wide; from += 4 << shift, to += 16, zero += 32) {
      const scale = zero + size;
      const divisor = scale + size;
      const offset = divisor + size;
      const v = read(kind, from);
      const low = value(
        steps,
        lower(kind, from, v),
        v128.load(zero),
        v128.load(scale),
        v128.load(divisor),
        v128.load(offset),
      );
      const high = value(
        steps,
        upper(kind, from, v),
        v128.load(zero, 16),
        v128.load(scale, 16),
        v128.load(divisor, 16),
        v128.load(offset, 16),
      );
      v128.store(to, joined(low, high));
    }
    for (; from < end; from += 1 << shift, to += 4, zero += 8) {
      const scale = zero + size;
      const divisor = scale + size;
      const offset = load<f64>(divisor + size);
      const d = load<f64>(divisor);
      store<f32>(to, valueOfOne(steps, one(kind, from), load<f64>(zero), load<f64>(scale), d, offset));
    }
    count -= taken;
    at = 0;
  }
}

/** The same as `table`, in float32. */
@inline
function tableInSingle(
  kind: u32,
  steps: u32,
  from: usize,
  to: usize,
  first: u32,
  count: u32,
  code: usize,
): void {
  const period = load<u32>(code, 4);
  const shift = shiftOf(kind);
  const size = <usize>period << 2;
  let at = first % period;
  while (count > 0) {
    const taken = min<u32>(period - at, count);
    let zero = code + 16 + (<usize>at << 2);
    const wide = from + (<usize>(taken & ~3) << shift);
    const end = from + (<usize>taken << shift);
    for (; from < wide; from += 4 << shift, to += 16, zero += 16) {
      const scale = zero + size;
      const divisor = scale + size;
      const offset = v128.load(divisor + size);
      const d = v128.load(divisor);
      const value = valueInSingle(steps, four(kind, from), v128.load(zero), v128.load(scale), d, offset);
      v128.store(to, value);
    }
    for (; from < end; from += 1 << shift, to += 4, zero += 4) {
      const scale = zero + size;
      const divisor = scale + size;
      const offset = load<f32>(divisor + size);
      const d = load<f32>(divisor);
      const q = <f32>one(kind, from);
      store<f32>(to, oneInSingle(steps, q, load<f32>(zero), load<f32>(scale), d, offset));
    }
    count -= taken;
    at = 0;
  }
}

@inline
function decode(kind: u32, from: usize, to: usize, first: u32, count: u32, code: usize): void {
  const isTable = load<u32>(code) == 0;
  const steps = load<u32>(code, 8);
  if (isTable) {
    if (steps == 0) table(kind, 0, from, to, first, count, code);
    else if (steps == 1) table(kind, 1, from, to, first, count, code);
    else if (steps == 2) table(kind, 2, from, to, first, count, code);
    else if (kind <= I16 && steps == 3) tableInSingle(kind, 3, from, to, first, count, code);
    else if (kind <= I16) tableInSingle(kind, 4, from, to, first, count, code);
  } else {
    if (steps == 0) runs(kind, 0, from, to, first, count, code);
    else if (steps == 1) runs(kind, 1, from, to, first, count, code);
    else if (steps == 2) runs(kind, 2, from, to, first, count, code);
    else if (kind <= I16 && steps == 3) runs(kind, 3, from, to, first, count, code);
    else if (kind <= I16) runs(kind, 4, from, to, first, count, code);
  }
}

/** Decodes `count` numbers to float32; the one at `from` is the `first`-th of a sample. Likewise the others. */
export function uint8Decode(from: usize, to: usize, first: u32, count: u32, code: usize): void {
  decode(U8, from, to, first, count, code);
}

export function int8Decode(from: usize, to: usize, first: u32, count: u32, code: usize): void {
  decode(I8, from, to, first, count, code);
}

export function uint16Decode(from: usize, to: usize, first: u32, count: u32, code: usize): void {
  decode(U16, from, to, first, count, code);
}

export function int16Decode(from: usize, to: usize, first: u32, count: u32, code: usize): void {
  decode(I16, from, to, first, count, code);
}

export function uint32Decode(from: usize, to: usize, first: u32, count: u32, code: usize): void {
  decode(U32, from, to, first, count, code);
}

export function int32Decode(from: usize, to: usize, first: u32, count: u32, code: usize): void {
  decode(I32, from, to, first, count, code);
}

export function uint64Decode(from: usize, to: usize, first: u32, count: u32, code: usize): void {
  decode(U64, from, to, first, count, code);
}

export function int64Decode(from: usize, to: usize, first: u32, count: u32, code: usize): void {
  decode(I64, from, to, first, count, code);
}

export function float16Decode(from: usize, to: usize, first: u32, count: u32, code: usize): void {
  decode(F16, from, to, first, count, code);
}

export function float32Decode(from: usize, to: usize, first: u32, count: u32, code: usize): void {
  decode(F32, from, to, first, count, code);
}

export function float64Decode(from: usize, to: usize, first: u32, count: u32, code: usize): void {
  decode(F64, from, to, first, count, code);
}
