// Measuring one channel: its values spread into a row of float64, facts about all of them, and a formula tried on each.
// Two values a step; what is rare (subnormals, infinities, overflows) is counted by a slower second look at the run.
// States are rows of float64 at an address that is a multiple of 16; counts stay exact up to 2^53.
//
//   facts  0 count  1 NaN  2 +Inf  3 -Inf  4 -0  5 zeros of both signs  6 subnormal float64  7 of float32  8 of float16
//          9 beyond float16  10 beyond float32  11 not whole  12 not a float32  13 not a float16
//          14 min  15 max  16 least magnitude that is not 0  17 mean  18 sum of squares about it  19 finite
//   trial  0 changed  1 changed as float32  2 least n  3 largest n  4 changed values listed  5 room for them  6... the list

const signBit: u64 = 0x8000000000000000;

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
    for (let k: usize = 0; k < inner; k += 1, at += 2, to += 8) {
      const half = <u32>load<u16>(at);
      const value = half & 0x7fff;
      let bits: u32;
      if (value > 0x7bff) bits = (value << 13) + (224 << 23);
      else if (value > 0x03ff) bits = (value << 13) + (112 << 23);
      else bits = reinterpret<u32>(<f32>value * <f32>5.9604644775390625e-8);
      store<f64>(to, <f64>reinterpret<f32>(bits | ((half & 0x8000) << 16)));
    }
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

@inline
function bump(state: usize, slot: usize, by: f64): void {
  store<f64>(state + (slot << 3), load<f64>(state + (slot << 3)) + by);
}

@inline
function laneSum(v: v128): f64 {
  return <f64>(i64x2.extract_lane(v, 0) + i64x2.extract_lane(v, 1));
}

/** What the quick look does not tell apart. */
function lookAgain(at: usize, end: usize, state: usize): void {
  for (; at < end; at += 8) {
    const value = load<f64>(at);
    const size = abs(value);
    if (value != value) bump(state, 1, 1);
    else if (size == Infinity) bump(state, value > 0 ? 2 : 3, 1);
    else if (size != 0) {
      if (size < 2.2250738585072014e-308) bump(state, 6, 1);
      if (size < 1.1754943508222875e-38) bump(state, 7, 1);
      if (size >= 3.4028235677973366e38) bump(state, 10, 1);
    }
  }
}

/** Facts about `count` values at `at`, a multiple of 16. */
export function measureRun(at: usize, count: usize, state: usize): void {
  if (count == 0) return;
  const end = at + (count << 3);
  // An odd last value is repeated beside itself in a vector of its own, of which one lane counts.
  const wide = at + ((count & ~1) << 3);
  let shift = 0.0;
  for (let k = at; k < end; k += 8) {
    const value = load<f64>(k);
    if (value - value == 0) {
      shift = value;
      break;
    }
  }
  const origin = f64x2.splat(shift);
  const zero = f64x2.splat(0);
  const infinity = f64x2.splat(Infinity);
  const minusZero = i64x2.splat(signBit);
  let low = infinity;
  let high = f64x2.splat(-Infinity);
  let least = infinity;
  let sum = zero;
  let squares = zero;
  let finite = zero;
  let zeros = zero;
  let negative = zero;
  let lane = i64x2.splat(-1);
  for (let k = at; ; k += 16) {
    let v: v128;
    if (k < wide) v = v128.load(k);
    else {
      if (k >= end) break;
      v = v128.load64_splat(k);
      lane = i64x2(-1, 0);
    }
    const size = f64x2.abs(v);
    const known = v128.and(f64x2.lt(size, infinity), lane);
    finite = i64x2.sub(finite, known);
    low = f64x2.pmin(low, v128.bitselect(v, infinity, known));
    high = f64x2.pmax(high, v128.bitselect(v, f64x2.splat(-Infinity), known));
    const isZero = f64x2.eq(v, zero);
    zeros = i64x2.sub(zeros, v128.and(isZero, lane));
    negative = i64x2.sub(negative, v128.and(i64x2.eq(v, minusZero), lane));
    least = f64x2.pmin(least, v128.bitselect(infinity, size, isZero));
    const away = v128.and(f64x2.sub(v, origin), known);
    sum = f64x2.add(sum, away);
    squares = f64x2.add(squares, f64x2.mul(away, away));
  }
  const known = laneSum(finite);
  const smallest = min(f64x2.extract_lane(least, 0), f64x2.extract_lane(least, 1));
  const least1 = min(f64x2.extract_lane(low, 0), f64x2.extract_lane(low, 1));
  const most = max(f64x2.extract_lane(high, 0), f64x2.extract_lane(high, 1));
  bump(state, 0, <f64>count);
  bump(state, 4, laneSum(negative));
  bump(state, 5, laneSum(zeros));
  bump(state, 19, known);
  if (least1 < load<f64>(state, 14 << 3)) store<f64>(state, least1, 14 << 3);
  if (most > load<f64>(state, 15 << 3)) store<f64>(state, most, 15 << 3);
  if (smallest < load<f64>(state, 16 << 3)) store<f64>(state, smallest, 16 << 3);
  if (known > 0) {
    // Chan's way to put two means and sums of squares together.
    const total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
    const about = f64x2.extract_lane(squares, 0) + f64x2.extract_lane(squares, 1);
    const mean = shift + total / known;
    const apart = max(0.0, about - (total * total) / known);
    const all = load<f64>(state, 19 << 3);
    const before = load<f64>(state, 17 << 3);
    const delta = mean - before;
    store<f64>(state, before + delta * (known / all), 17 << 3);
    bump(state, 18, apart + delta * delta * ((known * (all - known)) / all));
  }
  const magnitude = max(abs(least1), abs(most));
  if (known < <f64>count || smallest < 1.1754943508222875e-38 || magnitude >= 3.4028235677973366e38) {
    lookAgain(at, end, state);
  }
}

/** Which of the values other types hold, `count` at `at`: the rest of the facts. */
export function fitRun(at: usize, count: usize, state: usize): void {
  const end = at + (count << 3);
  const wide = at + ((count & ~1) << 3);
  const zero = f64x2.splat(0);
  const infinity = f64x2.splat(Infinity);
  const tiny = f64x2.splat(6.103515625e-5);
  const halfMost = f64x2.splat(65504);
  const halfEnd = f64x2.splat(65520);
  const halfUnits = f64x2.splat(16777216);
  const belowHalf = i64x2.splat(0x3ffffffffff);
  let small = zero;
  let over = zero;
  let broken = zero;
  let single = zero;
  let half = zero;
  let lane = i64x2.splat(-1);
  for (let k = at; ; k += 16) {
    let v: v128;
    if (k < wide) v = v128.load(k);
    else {
      if (k >= end) break;
      v = v128.load64_splat(k);
      lane = i64x2(-1, 0);
    }
    const size = f64x2.abs(v);
    const known = v128.and(f64x2.lt(size, infinity), lane);
    small = i64x2.sub(small, v128.and(f64x2.lt(size, tiny), lane));
    over = i64x2.sub(over, v128.and(f64x2.ge(size, halfEnd), known));
    broken = i64x2.sub(broken, v128.and(f64x2.ne(f64x2.nearest(v), v), known));
    single = i64x2.sub(single, v128.and(f64x2.ne(f64x2.promote_low_f32x4(f32x4.demote_f64x2_zero(v)), v), known));
    const units = f64x2.mul(size, halfUnits);
    const notHalf = v128.or(
      v128.or(i64x2.ne(v128.and(v, belowHalf), zero), f64x2.gt(size, halfMost)),
      f64x2.ne(f64x2.nearest(units), units),
    );
    half = i64x2.sub(half, v128.and(notHalf, known));
  }
  bump(state, 8, laneSum(small));
  bump(state, 9, laneSum(over));
  bump(state, 11, laneSum(broken));
  bump(state, 12, laneSum(single));
  bump(state, 13, laneSum(half));
}

/** Lists the values of two lanes that changed, while there is room. */
function note(v: v128, changed: v128, trial: usize): void {
  for (let lane = 0; lane < 2; lane += 1) {
    const bad = lane == 0 ? i64x2.extract_lane(changed, 0) : i64x2.extract_lane(changed, 1);
    const listed = <usize>load<f64>(trial, 4 << 3);
    if (bad == 0 || listed >= <usize>load<f64>(trial, 5 << 3)) continue;
    store<f64>(trial + ((6 + listed) << 3), lane == 0 ? f64x2.extract_lane(v, 0) : f64x2.extract_lane(v, 1));
    bump(trial, 4, 1);
  }
}

/** Counts the lanes whose float32 differs. */
function changedSingles(v: v128, back: v128, changed: v128): f64 {
  const differ = i32x4.ne(f32x4.demote_f64x2_zero(v), f32x4.demote_f64x2_zero(back));
  return (
    f64(i32(i32x4.extract_lane(differ, 0) != 0 && i64x2.extract_lane(changed, 0) != 0)) +
    f64(i32(i32x4.extract_lane(differ, 1) != 0 && i64x2.extract_lane(changed, 1) != 0))
  );
}

/**
 * Tries n * scale + offset (`divided` 0) or n / scale (`divided` 1) on `count` values at `at`: the whole n nearest to each is
 * decoded and compared, bit for bit. NaN and infinities are left out.
 */
export function tryFormula(at: usize, count: usize, divided: i32, scale: f64, offset: f64, trial: usize): void {
  const end = at + (count << 3);
  const wide = at + ((count & ~1) << 3);
  const zero = f64x2.splat(0);
  const one = f64x2.splat(1);
  const half = f64x2.splat(0.5);
  const infinity = f64x2.splat(Infinity);
  const by = f64x2.splat(scale);
  const shift = f64x2.splat(offset);
  let low = f64x2.splat(load<f64>(trial, 2 << 3));
  let high = f64x2.splat(load<f64>(trial, 3 << 3));
  let bad = zero;
  let singles = 0.0;
  let lane = i64x2.splat(-1);
  for (let k = at; ; k += 16) {
    let v: v128;
    if (k < wide) v = v128.load(k);
    else {
      if (k >= end) break;
      v = v128.load64_splat(k);
      lane = i64x2(-1, 0);
    }
    const x = divided ? f64x2.mul(v, by) : f64x2.div(f64x2.sub(v, shift), by);
    // Halves go up, as Math.round has it; the sum is never -0.
    const below = f64x2.floor(x);
    const n = f64x2.add(f64x2.add(below, v128.and(f64x2.ge(f64x2.sub(x, below), half), one)), zero);
    const back = divided ? f64x2.div(n, by) : f64x2.add(f64x2.mul(n, by), shift);
    const known = v128.and(f64x2.lt(f64x2.abs(v), infinity), lane);
    const changed = v128.and(i64x2.ne(back, v), known);
    low = f64x2.pmin(low, v128.bitselect(n, infinity, known));
    high = f64x2.pmax(high, v128.bitselect(n, f64x2.splat(-Infinity), known));
    if (v128.any_true(changed)) {
      bad = i64x2.sub(bad, changed);
      singles += changedSingles(v, back, changed);
      note(v, changed, trial);
    }
  }
  bump(trial, 0, laneSum(bad));
  bump(trial, 1, singles);
  store<f64>(trial, min(f64x2.extract_lane(low, 0), f64x2.extract_lane(low, 1)), 2 << 3);
  store<f64>(trial, max(f64x2.extract_lane(high, 0), f64x2.extract_lane(high, 1)), 3 << 3);
}
