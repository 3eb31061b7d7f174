// Values of one channel spread into rows of float64, which measure.ts looks at.

import { widenOne } from "./half";

/** Integers, float32 or float64 of type T as float64: `runs` runs of `inner` elements, `step` bytes apart. */
function spread<T>(from: usize, to: usize, runs: usize, inner: usize, step: usize): void {
  for (let run: usize = 0; run < runs; run += 1, from += step) {
    let at = from;
    for (let k: usize = 0; k < inner; k += 1, at += sizeof<T>(), to += 8) store<f64>(to, <f64>load<T>(at));
  }
}

/** The same of 64-bit integers. @returns how many are beyond 2^53 */
function spreadWide<T>(from: usize, to: usize, runs: usize, inner: usize, step: usize): i32 {
  let beyond = 0;
  for (let run: usize = 0; run < runs; run += 1, from += step) {
    let at = from;
    for (let k: usize = 0; k < inner; k += 1, at += 8, to += 8) {
      const value = <f64>load<T>(at);
      store<f64>(to, value);
      beyond += i32(abs(value) >= 9007199254740992.0);
    }
  }
  return beyond;
}

function spreadHalf(from: usize, to: usize, runs: usize, inner: usize, step: usize): void {
  for (let run: usize = 0; run < runs; run += 1, from += step) {
    let at = from;
    for (let k: usize = 0; k < inner; k += 1, at += 2, to += 8) store<f64>(to, <f64>widenOne(load<u16>(at)));
  }
}

/** float32 that lie together. */
function promote(from: usize, to: usize, count: usize): void {
  const end = from + (count << 2);
  const wide = from + ((count & ~3) << 2);
  for (; from < wide; from += 16, to += 32) {
    const v = v128.load(from);
    v128.store(to, f64x2.promote_low_f32x4(v));
    v128.store(to, f64x2.promote_low_f32x4(i64x2.shuffle(v, v, 1, 1)), 16);
  }
  for (; from < end; from += 4, to += 8) store<f64>(to, <f64>load<f32>(from));
}

/**
 * Two neighbouring channels of float64, one value of each in a row of `step` bytes: the first to `to`, the second to `next`.
 */
export function spreadPair(from: usize, to: usize, next: usize, rows: usize, step: usize): void {
  const wide = to + ((rows & ~1) << 3);
  for (; to < wide; to += 16, next += 16, from += step << 1) {
    const a = v128.load(from);
    const b = v128.load(from + step);
    v128.store(to, i64x2.shuffle(a, b, 0, 2));
    v128.store(next, i64x2.shuffle(a, b, 1, 3));
  }
  if (rows & 1) {
    store<f64>(to, load<f64>(from));
    store<f64>(next, load<f64>(from, 8));
  }
}

/**
 * Values of a channel as float64. `kind`: 0 uint8, 1 int8, 2 uint16, 3 int16, 4 uint32, 5 int32, 6 uint64, 7 int64,
 * 8 float16, 9 float32, 10 float64.
 *
 * @returns 64-bit integers of 2^53 and above, which are rounded
 */
export function spreadFloat64(kind: i32, from: usize, to: usize, runs: usize, inner: usize, step: usize): i32 {
  if (kind == 10) spread<f64>(from, to, runs, inner, step);
  else if (kind == 9 && runs == 1) promote(from, to, inner);
  else if (kind == 9) spread<f32>(from, to, runs, inner, step);
  else if (kind == 8) spreadHalf(from, to, runs, inner, step);
  else if (kind == 0) spread<u8>(from, to, runs, inner, step);
  else if (kind == 1) spread<i8>(from, to, runs, inner, step);
  else if (kind == 2) spread<u16>(from, to, runs, inner, step);
  else if (kind == 3) spread<i16>(from, to, runs, inner, step);
  else if (kind == 4) spread<u32>(from, to, runs, inner, step);
  else if (kind == 5) spread<i32>(from, to, runs, inner, step);
  else if (kind == 6) return spreadWide<u64>(from, to, runs, inner, step);
  else return spreadWide<i64>(from, to, runs, inner, step);
  return 0;
}
