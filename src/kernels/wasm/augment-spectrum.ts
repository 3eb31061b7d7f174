// Fourier transforms, in float64. A pair of channels is one complex series, its real and its imaginary part: what is
// done alike to a frequency and its mirror image is done to both channels. Lengths that are no power of two go through
// one that is (Bluestein's chirp). Tables are made once, where the caller says.
//
//   table of n       n/2 complex: e^(-2 pi i k / n)
//   chirp of n, m    n complex: e^(-pi i k^2 / n), then m complex: the transform of its conjugate, wound around; m >= 2n - 1

import { cosineOfTurns, sineOfTurns } from "./augment-maths";

@inline
function times(a: v128, re: v128, im: v128): v128 {
  // im: [-imaginary, imaginary]
  return f64x2.add(f64x2.mul(a, re), f64x2.mul(i64x2.shuffle(a, a, 1, 0), im));
}

@inline
function product(a: v128, b: v128): v128 {
  const im = i64x2.shuffle(b, b, 1, 1);
  return times(a, i64x2.shuffle(b, b, 0, 0), v128.xor(im, i64x2(0x8000000000000000, 0)));
}

@inline
function conjugate(a: v128): v128 {
  return v128.xor(a, i64x2(0, 0x8000000000000000));
}

/** Writes the table of n. */
export function writeTurns(to: usize, n: usize): void {
  for (let k: usize = 0; k < n >> 1; k += 1, to += 16) {
    const turns = <f64>k / <f64>n;
    store<f64>(to, cosineOfTurns(turns));
    store<f64>(to, -sineOfTurns(turns), 8);
  }
}

/** Transform of n complex numbers, n a power of two, in place: X[k] = sum of x[j] e^(-2 pi i j k / n). */
export function transform(at: usize, n: usize, table: usize): void {
  for (let i: usize = 1, j: usize = 0; i < n; i += 1) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      const kept = v128.load(at + (i << 4));
      v128.store(at + (i << 4), v128.load(at + (j << 4)));
      v128.store(at + (j << 4), kept);
    }
  }
  const end = at + (n << 4);
  for (let a = at; a < end; a += 32) {
    const u = v128.load(a);
    const v = v128.load(a, 16);
    v128.store(a, f64x2.add(u, v));
    v128.store(a, f64x2.sub(u, v), 16);
  }
  const sign = i64x2(0x8000000000000000, 0);
  for (let half: usize = 2; half < n; half <<= 1) {
    const bytes = half << 4;
    const step = (n / (half << 1)) << 4;
    for (let block = at; block < end; block += bytes << 1) {
      let turn = table;
      for (let a = block; a < block + bytes; a += 16, turn += step) {
        const u = v128.load(a);
        const v = times(v128.load(a + bytes), v128.load64_splat(turn), v128.xor(v128.load64_splat(turn, 8), sign));
        v128.store(a, f64x2.add(u, v));
        v128.store(a + bytes, f64x2.sub(u, v));
      }
    }
  }
}

/** Conjugates n complex numbers in place and multiplies them by a real factor. */
export function conjugateAll(at: usize, n: usize, factor: f64): void {
  const by = f64x2.splat(factor);
  for (const end = at + (n << 4); at < end; at += 16) v128.store(at, f64x2.mul(conjugate(v128.load(at)), by));
}

/** Writes the chirp of n, m. `table` is that of m. */
export function writeChirp(to: usize, n: usize, m: usize, table: usize): void {
  const wound = to + (n << 4);
  memory.fill(wound, 0, m << 4);
  for (let k: usize = 0; k < n; k += 1) {
    // k^2 modulo 2n keeps the angle exact.
    const turns = <f64>((<u64>k * <u64>k) % <u64>(2 * n)) / <f64>(2 * n);
    const re = cosineOfTurns(turns);
    const im = sineOfTurns(turns);
    store<f64>(to + (k << 4), re);
    store<f64>(to + (k << 4), -im, 8);
    store<f64>(wound + (k << 4), re);
    store<f64>(wound + (k << 4), im, 8);
    if (k > 0) {
      store<f64>(wound + ((m - k) << 4), re);
      store<f64>(wound + ((m - k) << 4), im, 8);
    }
  }
  transform(wound, m, table);
}

/** Transform of any n complex numbers, in place; `at` has room for m. */
export function transformAny(at: usize, n: usize, m: usize, table: usize, chirp: usize): void {
  const wound = chirp + (n << 4);
  for (let k: usize = 0; k < n << 4; k += 16) v128.store(at + k, product(v128.load(at + k), v128.load(chirp + k)));
  memory.fill(at + (n << 4), 0, (m - n) << 4);
  transform(at, m, table);
  for (let k: usize = 0; k < m << 4; k += 16) {
    v128.store(at + k, conjugate(product(v128.load(at + k), v128.load(wound + k))));
  }
  transform(at, m, table);
  const by = f64x2.splat(1 / <f64>m);
  for (let k: usize = 0; k < n << 4; k += 16) {
    v128.store(at + k, product(f64x2.mul(conjugate(v128.load(at + k)), by), v128.load(chirp + k)));
  }
}

/** Sets the frequencies [first, end) and their mirror images to zero. `first` is at least 1, `end` at most n / 2 + 1. */
export function clearFrequencies(at: usize, n: usize, first: usize, end: usize): void {
  const zero = f64x2.splat(0);
  for (let k = first; k < end; k += 1) {
    v128.store(at + (k << 4), zero);
    v128.store(at + ((n - k) << 4), zero);
  }
}

/** Two channels of float32, `stride` bytes from step to step, as one complex series. `other` may be `at`: then zeros. */
export function loadPair(at: usize, other: usize, stride: usize, steps: usize, to: usize): void {
  const hasOther = at != other;
  for (let t: usize = 0; t < steps; t += 1, at += stride, other += stride, to += 16) {
    store<f64>(to, <f64>load<f32>(at));
    store<f64>(to, hasOther ? <f64>load<f32>(other) : 0, 8);
  }
}

/** The way back, times a factor; imaginary parts are conjugated. */
export function storePair(from: usize, factor: f64, at: usize, other: usize, stride: usize, steps: usize): void {
  const hasOther = at != other;
  for (let t: usize = 0; t < steps; t += 1, at += stride, other += stride, from += 16) {
    store<f32>(at, <f32>(load<f64>(from) * factor));
    if (hasOther) store<f32>(other, <f32>(-load<f64>(from, 8) * factor));
  }
}

/** Colours n random frequencies: amplitudes fall as 1 / sqrt(f) (`isBrown` 0) or 1 / f; that of f = 0 is none. */
export function colourFrequencies(at: usize, n: usize, isBrown: i32): void {
  v128.store(at, f64x2.splat(0));
  for (let k: usize = 1; k < n; k += 1) {
    const frequency = <f64>min(k, n - k);
    const by = f64x2.splat(1 / (isBrown ? frequency : sqrt(frequency)));
    v128.store(at + (k << 4), f64x2.mul(v128.load(at + (k << 4)), by));
  }
}

/** Variance of `count` float32, `stride` bytes apart. */
export function variance32(at: usize, stride: usize, count: usize): f64 {
  let sum: f64 = 0;
  for (let k: usize = 0; k < count; k += 1) sum += <f64>load<f32>(at + k * stride);
  const mean = sum / <f64>count;
  let squares: f64 = 0;
  for (let k: usize = 0; k < count; k += 1) {
    const away = <f64>load<f32>(at + k * stride) - mean;
    squares += away * away;
  }
  return squares / <f64>count;
}

/**
 * Adds `count` float64, `fromStride` bytes apart, less their mean and scaled to the given variance, to float32.
 */
export function addScaled(
  from: usize,
  fromStride: usize,
  at: usize,
  stride: usize,
  count: usize,
  variance: f64,
): void {
  let sum: f64 = 0;
  for (let k: usize = 0; k < count; k += 1) sum += load<f64>(from + k * fromStride);
  const mean = sum / <f64>count;
  let squares: f64 = 0;
  for (let k: usize = 0; k < count; k += 1) {
    const away = load<f64>(from + k * fromStride) - mean;
    squares += away * away;
  }
  if (squares == 0) return;
  const factor = sqrt((variance * <f64>count) / squares);
  for (let k: usize = 0; k < count; k += 1, at += stride) {
    store<f32>(at, <f32>(<f64>load<f32>(at) + (load<f64>(from + k * fromStride) - mean) * factor));
  }
}
