// float16, whose bits no WebAssembly type holds: eight of them to float32, and float32 to float16. Subnormal numbers
// take the same path as the others, never a slow subnormal operand: 2^-14 is added to their bits and taken off again. src/tensor/float16.ts is the reference.

// The steps that follow are for eight numbers: call each once, and give what it gives to `widened`.

@inline
export function magnitudeOf(half: v128): v128 {
  return v128.and(half, i16x8.splat(0x7fff));
}

/** All bits set for subnormal numbers and zeros. */
@inline
export function isSubnormal(magnitude: v128): v128 {
  return i16x8.lt_s(magnitude, i16x8.splat(0x0400));
}

/** The upper 16 bits of float32, without the sign; of subnormal numbers those of 2^-14 more. */
@inline
export function upperBits(magnitude: v128, subnormal: v128): v128 {
  const finite = i16x8.add(i16x8.shr_u(magnitude, 3), i16x8.splat(112 << 7));
  const infinite = v128.and(i16x8.gt_s(magnitude, i16x8.splat(0x7bff)), i16x8.splat(112 << 7));
  return v128.or(i16x8.add(finite, infinite), v128.and(subnormal, i16x8.splat(1 << 7)));
}

/** The first four of eight float16 as float32, or the last four. */
@inline
export function widened(half: v128, magnitude: v128, subnormal: v128, upper: v128, isLast: bool): v128 {
  const none = i16x8.splat(0);
  const lower = i16x8.shl(half, 13);
  const excess = v128.and(subnormal, i16x8.splat(113 << 7));
  const sign = v128.xor(half, magnitude);
  if (isLast) {
    const value = f32x4.sub(
      i16x8.shuffle(lower, upper, 4, 12, 5, 13, 6, 14, 7, 15),
      i16x8.shuffle(none, excess, 4, 12, 5, 13, 6, 14, 7, 15),
    );
    return v128.or(value, i16x8.shuffle(none, sign, 4, 12, 5, 13, 6, 14, 7, 15));
  }
  const value = f32x4.sub(
    i16x8.shuffle(lower, upper, 0, 8, 1, 9, 2, 10, 3, 11),
    i16x8.shuffle(none, excess, 0, 8, 1, 9, 2, 10, 3, 11),
  );
  return v128.or(value, i16x8.shuffle(none, sign, 0, 8, 1, 9, 2, 10, 3, 11));
}

/** One float16 as float32. */
@inline
export function widenOne(half: u32): f32 {
  const value = half & 0x7fff;
  let bits: u32;
  if (value > 0x7bff) bits = (value << 13) + (224 << 23);
  else if (value > 0x03ff) bits = (value << 13) + (112 << 23);
  else bits = reinterpret<u32>(<f32>value * <f32>5.9604644775390625e-8);
  return reinterpret<f32>(bits | ((half & 0x8000) << 16));
}

/** Four float32 as float16, each in the lower half of 32 bits: to nearest, ties to even. */
@inline
function narrow(word: v128): v128 {
  const sign = v128.and(word, i32x4.splat(0x80000000));
  const magnitude = v128.xor(word, sign);
  // Adding one half moves a number below 2^-14 so that its last bit is 2^-24, and rounds it. Below 2^-126 it is 0.
  const nothing = v128.and(magnitude, i32x4.gt_s(magnitude, i32x4.splat(0x007fffff)));
  const half = f32x4.splat(<f32>0.5);
  const subnormal = i32x4.sub(f32x4.add(nothing, half), half);
  // 13 bits of the fraction go; a carry runs into the exponent, up to infinity, as it should.
  // 65536 becomes infinity as well, and stands for all beyond it.
  const limited = i32x4.min_s(magnitude, i32x4.splat(0x47800000));
  const odd = v128.and(i32x4.shr_u(limited, 13), i32x4.splat(1));
  const rounded = i32x4.add(i32x4.add(limited, i32x4.splat(0xfff - (112 << 23))), odd);
  const normal = i32x4.shr_u(rounded, 13);
  const bits = v128.bitselect(subnormal, normal, i32x4.lt_s(magnitude, i32x4.splat(0x38800000)));
  const quiet = v128.and(i32x4.gt_s(magnitude, i32x4.splat(0x7f800000)), i32x4.splat(0x0200));
  return v128.or(v128.or(bits, quiet), i32x4.shr_u(sign, 16));
}

/** Converts `count` float32 to float16: beyond 65504 and its rounding to infinity, NaN stays NaN. */
export function float32ToFloat16(from: usize, to: usize, count: usize): void {
  const wide = from + ((count & ~7) << 2);
  const end = from + (count << 2);
  for (; from < wide; from += 32, to += 16) {
    v128.store(to, i16x8.narrow_i32x4_u(narrow(v128.load(from)), narrow(v128.load(from, 16))));
  }
  for (; from < end; from += 4, to += 2) {
    store<u16>(to, <u16>i32x4.extract_lane(narrow(v128.load_zero<u32>(from)), 0));
  }
}
