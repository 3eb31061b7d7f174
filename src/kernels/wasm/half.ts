// float16, whose bits no WebAssembly type holds: four of them to float32, and float32 to float16. Subnormal numbers
// take the same path as the others, never a slow subnormal operand. src/tensor/float16.ts is the reference.

/** Four float16, each in the lower half of 32 bits, as float32. */
@inline
export function widen(half: v128): v128 {
  const magnitude = i32x4.splat(0x7fff);
  const bias = i32x4.splat(112 << 23);
  const value = v128.and(half, magnitude);
  const shifted = i32x4.add(i32x4.shl(value, 13), bias);
  const finite = i32x4.add(shifted, v128.and(i32x4.gt_s(value, i32x4.splat(0x7bff)), bias));
  // An integer times 2^-24.
  const subnormal = f32x4.mul(f32x4.convert_i32x4_s(value), f32x4.splat(<f32>5.9604644775390625e-8));
  const bits = v128.bitselect(finite, subnormal, i32x4.gt_s(value, i32x4.splat(0x03ff)));
  return v128.or(bits, i32x4.shl(v128.andnot(half, magnitude), 16));
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
  const odd = v128.and(i32x4.shr_u(magnitude, 13), i32x4.splat(1));
  const rounded = i32x4.add(i32x4.add(magnitude, i32x4.splat(0xfff - (112 << 23))), odd);
  const normal = i32x4.shr_u(rounded, 13);
  const finite = v128.bitselect(subnormal, normal, i32x4.lt_s(magnitude, i32x4.splat(0x38800000)));
  const isNaN = i32x4.gt_s(magnitude, i32x4.splat(0x7f800000));
  const beyond = v128.or(i32x4.splat(0x7c00), v128.and(isNaN, i32x4.splat(0x0200)));
  const bits = v128.bitselect(beyond, finite, i32x4.gt_s(magnitude, i32x4.splat(0x477fffff)));
  return v128.or(bits, i32x4.shr_u(sign, 16));
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
