// Measuring one channel, its values spread into rows of float64 (spread.ts): facts about all of them, and a formula tried on
// each.
// The quick loops do what nearly every run of values needs; what is rare (zeros, subnormals, infinities, overflow, values
// that break the formula) sends a run through a second, slower look. States are rows of float64; counts are exact to 2^53.
//
//   facts  0 count  1 NaN  2 +Inf  3 -Inf  4 -0  5 zeros of both signs  6 subnormal float64  7 of float32
//          8 below normal float16, zeros among them  9 beyond float16  10 beyond float32  11 types that hold all: see fitRun
//          12 min  13 max  14 least magnitude that is not 0  15 mean  16 sum of squares about it  17 finite
//   trial  0 what broke: 1 some bits, 2 some float32, 4 signs of zeros  1 changed values listed  2 room for them  3... the list

@inline
function bump(state: usize, slot: usize, by: f64): void {
  store<f64>(state + (slot << 3), load<f64>(state + (slot << 3)) + by);
}

@inline
function laneSum(v: v128): f64 {
  return <f64>(i64x2.extract_lane(v, 0) + i64x2.extract_lane(v, 1));
}

@inline
function least(v: v128): f64 {
  return min(f64x2.extract_lane(v, 0), f64x2.extract_lane(v, 1));
}

@inline
function most(v: v128): f64 {
  return max(f64x2.extract_lane(v, 0), f64x2.extract_lane(v, 1));
}

/** The last value of an odd number of them is looked at twice, by both lanes. */
@inline
function tail(end: usize): v128 {
  return v128.load64_splat(end - 8);
}

/** Zeros and what is too small for full precision. */
function lookAtSmall(at: usize, count: usize, state: usize): void {
  const end = at + (count << 3);
  const wide = at + ((count & ~1) << 3);
  const zero = f64x2.splat(0);
  const infinity = f64x2.splat(Infinity);
  const minusZero = i64x2.splat(0x8000000000000000);
  const tiny = f64x2.splat(6.103515625e-5);
  let nearest = infinity;
  let small = zero;
  let zeros = zero;
  let negative = zero;
  for (let k = at; k < wide; k += 16) {
    const v = v128.load(k);
    const size = f64x2.abs(v);
    const isZero = f64x2.eq(v, zero);
    small = i64x2.sub(small, f64x2.lt(size, tiny));
    zeros = i64x2.sub(zeros, isZero);
    negative = i64x2.sub(negative, i64x2.eq(v, minusZero));
    nearest = f64x2.pmin(nearest, v128.bitselect(infinity, size, isZero));
  }
  let magnitude = least(nearest);
  bump(state, 8, laneSum(small));
  bump(state, 5, laneSum(zeros));
  bump(state, 4, laneSum(negative));
  if (wide < end) {
    const value = load<f64>(wide);
    const size = abs(value);
    if (size < 6.103515625e-5) bump(state, 8, 1);
    if (size == 0) {
      bump(state, 5, 1);
      if (reinterpret<u64>(value) != 0) bump(state, 4, 1);
    } else if (size < magnitude) magnitude = size;
  }
  if (magnitude < load<f64>(state, 14 << 3)) store<f64>(state, magnitude, 14 << 3);
  if (magnitude < 1.1754943508222875e-38) {
    for (let k = at; k < end; k += 8) {
      const size = abs(load<f64>(k));
      if (size == 0) continue;
      if (size < 2.2250738585072014e-308) bump(state, 6, 1);
      if (size < 1.1754943508222875e-38) bump(state, 7, 1);
    }
  }
}

/** Values that narrower floats take for infinite. */
function lookAtLarge(at: usize, end: usize, state: usize): void {
  for (; at < end; at += 8) {
    const size = abs(load<f64>(at));
    if (size < Infinity) {
      if (size >= 65520) bump(state, 9, 1);
      if (size >= 3.4028235677973366e38) bump(state, 10, 1);
    }
  }
}

/** Chan's way to put two means and sums of squares together. */
function join(state: usize, finite: f64, mean: f64, squares: f64): void {
  if (finite == 0) return;
  bump(state, 17, finite);
  const all = load<f64>(state, 17 << 3);
  const before = load<f64>(state, 15 << 3);
  const delta = mean - before;
  store<f64>(state, before + delta * (finite / all), 15 << 3);
  bump(state, 16, squares + delta * delta * ((finite * (all - finite)) / all));
}

/** A run that has NaN or infinities, or squares beyond float64. */
function lookAtUnknown(at: usize, end: usize, state: usize): void {
  let finite = 0.0;
  let mean = 0.0;
  let squares = 0.0;
  for (; at < end; at += 8) {
    const value = load<f64>(at);
    if (value != value) bump(state, 1, 1);
    else if (value == Infinity) bump(state, 2, 1);
    else if (value == -Infinity) bump(state, 3, 1);
    else {
      finite += 1;
      const delta = value - mean;
      mean += delta / finite;
      squares += delta * (value - mean);
      if (value < load<f64>(state, 12 << 3)) store<f64>(state, value, 12 << 3);
      if (value > load<f64>(state, 13 << 3)) store<f64>(state, value, 13 << 3);
    }
  }
  join(state, finite, mean, squares);
}

/**
 * Facts about `count` values at `at`, but for those of fitRun.
 *
 * @returns 1 if all of them are finite numbers
 */
export function measureRun(at: usize, count: usize, state: usize): i32 {
  if (count == 0) return 1;
  const end = at + (count << 3);
  const wide = at + ((count & ~3) << 3);
  const shift = load<f64>(at);
  const origin = f64x2.splat(shift);
  let low = origin;
  let high = origin;
  let smallest = f64x2.abs(origin);
  let sum = f64x2.splat(0);
  let squares = f64x2.splat(0);
  let sum2 = f64x2.splat(0);
  let squares2 = f64x2.splat(0);
  let k = at;
  for (; k < wide; k += 32) {
    const v = v128.load(k);
    const w = v128.load(k, 16);
    const a = f64x2.sub(v, origin);
    const b = f64x2.sub(w, origin);
    low = f64x2.pmin(f64x2.pmin(low, v), w);
    high = f64x2.pmax(f64x2.pmax(high, v), w);
    smallest = f64x2.pmin(f64x2.pmin(smallest, f64x2.abs(v)), f64x2.abs(w));
    sum = f64x2.add(sum, a);
    sum2 = f64x2.add(sum2, b);
    squares = f64x2.add(squares, f64x2.mul(a, a));
    squares2 = f64x2.add(squares2, f64x2.mul(b, b));
  }
  sum = f64x2.add(sum, sum2);
  squares = f64x2.add(squares, squares2);
  let total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
  let about = f64x2.extract_lane(squares, 0) + f64x2.extract_lane(squares, 1);
  let lowest = least(low);
  let highest = most(high);
  let nearest = least(smallest);
  for (; k < end; k += 8) {
    const value = load<f64>(k);
    const away = value - shift;
    total += away;
    about += away * away;
    lowest = min(lowest, value);
    highest = max(highest, value);
    nearest = min(nearest, abs(value));
  }
  bump(state, 0, <f64>count);
  // NaN and infinities end up in the sums.
  const isKnown = about < Infinity && shift - shift == 0;
  if (isKnown) {
    if (lowest < load<f64>(state, 12 << 3)) store<f64>(state, lowest, 12 << 3);
    if (highest > load<f64>(state, 13 << 3)) store<f64>(state, highest, 13 << 3);
    const known = <f64>count;
    join(state, known, shift + total / known, max(0.0, about - (total * total) / known));
  } else lookAtUnknown(at, end, state);
  if (!isKnown || nearest < 6.103515625e-5) lookAtSmall(at, count, state);
  else if (nearest < load<f64>(state, 14 << 3)) store<f64>(state, nearest, 14 << 3);
  if (!isKnown || max(-lowest, highest) >= 65520) lookAtLarge(at, end, state);
  return i32(isKnown);
}

/** 1 if all finite values are whole numbers. */
function areWhole(at: usize, wide: usize, end: usize): i32 {
  const infinity = f64x2.splat(Infinity);
  let broken = f64x2.ne(f64x2.nearest(tail(end)), tail(end));
  broken = v128.and(broken, f64x2.lt(f64x2.abs(tail(end)), infinity));
  for (; at < wide; at += 16) {
    const v = v128.load(at);
    broken = v128.or(broken, v128.and(f64x2.ne(f64x2.nearest(v), v), f64x2.lt(f64x2.abs(v), infinity)));
  }
  return i32(!v128.any_true(broken));
}

@inline
function isNotSingle(v: v128): v128 {
  const narrow = f64x2.promote_low_f32x4(f32x4.demote_f64x2_zero(v));
  return v128.and(f64x2.ne(narrow, v), f64x2.eq(v, v));
}

/** 1 if all values are float32. */
function areSingles(at: usize, wide: usize, end: usize): i32 {
  let broken = isNotSingle(tail(end));
  for (; at < wide; at += 16) broken = v128.or(broken, isNotSingle(v128.load(at)));
  return i32(!v128.any_true(broken));
}

@inline
function isNotHalf(v: v128): v128 {
  const size = f64x2.abs(v);
  const units = f64x2.mul(size, f64x2.splat(16777216));
  const bits = i64x2.ne(v128.and(v, i64x2.splat(0x3ffffffffff)), i64x2.splat(0));
  const wrong = v128.or(v128.or(bits, f64x2.gt(size, f64x2.splat(65504))), f64x2.ne(f64x2.nearest(units), units));
  return v128.and(wrong, f64x2.lt(size, f64x2.splat(Infinity)));
}

/** 1 if all values are float16. */
function areHalves(at: usize, wide: usize, end: usize): i32 {
  let broken = isNotHalf(tail(end));
  for (; at < wide; at += 16) broken = v128.or(broken, isNotHalf(v128.load(at)));
  return i32(!v128.any_true(broken));
}

/** Which types hold every value so far: 1 integers, 2 float32, 4 float16. What one value has ruled out is not asked again. */
export function fitRun(at: usize, count: usize, state: usize): void {
  let held = <i32>load<f64>(state, 11 << 3);
  if (count == 0 || held == 0) return;
  const end = at + (count << 3);
  const wide = at + ((count & ~1) << 3);
  if (held & 1) held &= ~1 | areWhole(at, wide, end);
  if (held & 2) held &= ~2 | (areSingles(at, wide, end) << 1);
  if (held & 4) held &= ~4 | (areHalves(at, wide, end) << 2);
  store<f64>(state, <f64>held, 11 << 3);
}

@inline
function decoded(v: v128, divided: i32, by: v128, inverse: v128, shift: v128): v128 {
  const zero = f64x2.splat(0);
  if (divided) return f64x2.div(f64x2.add(f64x2.nearest(f64x2.mul(v, by)), zero), by);
  const n = f64x2.add(f64x2.nearest(f64x2.mul(f64x2.sub(v, shift), inverse)), zero);
  return f64x2.add(f64x2.mul(n, by), shift);
}

/** What breaks in a run, value by value, some of these listed. */
function lookAtBroken(at: usize, end: usize, divided: i32, scale: f64, offset: f64, trial: usize): void {
  let broke = <i32>load<f64>(trial);
  let listed = <usize>load<f64>(trial, 8);
  const room = <usize>load<f64>(trial, 16);
  for (; at < end; at += 8) {
    const value = load<f64>(at);
    if (value - value != 0) continue;
    const n = nearest(divided ? value * scale : (value - offset) / scale) + 0;
    const back = divided ? n / scale : n * scale + offset;
    if (reinterpret<u64>(back) == reinterpret<u64>(value)) continue;
    let kind = 1;
    if (back == value) kind = 4;
    else if (reinterpret<u32>(<f32>back) != reinterpret<u32>(<f32>value)) kind = 3;
    // Values that are the same float32 must not take all of the room.
    if (kind != 4 && listed < (kind == 3 ? room : room >> 2)) {
      store<f64>(trial + ((3 + listed) << 3), value);
      listed += 1;
    }
    broke |= kind;
  }
  store<f64>(trial, <f64>broke);
  store<f64>(trial, <f64>listed, 8);
}

/**
 * Tries n * scale + offset (`divided` 0) or n / scale (`divided` 1) on `count` values at `at`: the whole n nearest to each is
 * decoded and compared. NaN and infinities are left out.
 *
 * @param known whether all values are finite
 */
export function tryFormula(
  at: usize,
  count: usize,
  known: i32,
  divided: i32,
  scale: f64,
  offset: f64,
  trial: usize,
): void {
  if (count == 0) return;
  const broke = <i32>load<f64>(trial);
  // Nothing is left to be found out but more examples.
  if ((broke & 3) == 3 && load<f64>(trial, 8) >= load<f64>(trial, 16)) return;
  const end = at + (count << 3);
  const wide = at + ((count & ~1) << 3);
  const by = f64x2.splat(scale);
  const reciprocal = 1 / scale;
  const inverse = f64x2.splat(reciprocal);
  const shift = f64x2.splat(offset);
  const last = tail(end);
  let changed = f64x2.splat(0);
  if (!known || !(abs(reciprocal) < Infinity) || (broke & 3) == 3 || broke == 5) {
    lookAtBroken(at, end, divided, scale, offset, trial);
    return;
  }
  if (broke == 0) {
    changed = i64x2.ne(decoded(last, divided, by, inverse, shift), last);
    if (divided) {
      for (let k = at; k < wide; k += 16) {
        const v = v128.load(k);
        changed = v128.or(changed, i64x2.ne(decoded(v, 1, by, inverse, shift), v));
      }
    } else {
      for (let k = at; k < wide; k += 16) {
        const v = v128.load(k);
        changed = v128.or(changed, i64x2.ne(decoded(v, 0, by, inverse, shift), v));
      }
    }
  } else if (broke == 4) {
    changed = f64x2.ne(decoded(last, divided, by, inverse, shift), last);
    for (let k = at; k < wide; k += 16) {
      const v = v128.load(k);
      changed = v128.or(changed, f64x2.ne(decoded(v, divided, by, inverse, shift), v));
    }
  } else {
    // Bits are broken already: is it the same float32?
    changed = i32x4.ne(
      f32x4.demote_f64x2_zero(decoded(last, divided, by, inverse, shift)),
      f32x4.demote_f64x2_zero(last),
    );
    for (let k = at; k < wide; k += 16) {
      const v = v128.load(k);
      const back = f32x4.demote_f64x2_zero(decoded(v, divided, by, inverse, shift));
      changed = v128.or(changed, i32x4.ne(back, f32x4.demote_f64x2_zero(v)));
    }
  }
  if (v128.any_true(changed)) lookAtBroken(at, end, divided, scale, offset, trial);
}
