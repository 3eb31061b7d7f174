// Conversion to float32, `count` values from one address to another, 16 bytes of output a step. Addresses are
// multiples of the element's size; source and target do not overlap. Rounding is to nearest, ties to even.

export function uint8ToFloat32(from: usize, to: usize, count: usize): void {
  const wide = from + (count & ~7);
  const end = from + count;
  while (from < wide) {
    const v = v128.load_ext<u8>(from);
    v128.store(to, f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(v)));
    v128.store(to, f32x4.convert_i32x4_u(i32x4.extend_high_i16x8_u(v)), 16);
    from += 8;
    to += 32;
  }
  for (; from < end; from += 1, to += 4) store<f32>(to, <f32>load<u8>(from));
}

export function int8ToFloat32(from: usize, to: usize, count: usize): void {
  const wide = from + (count & ~7);
  const end = from + count;
  while (from < wide) {
    const v = v128.load_ext<i8>(from);
    v128.store(to, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(v)));
    v128.store(to, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(v)), 16);
    from += 8;
    to += 32;
  }
  for (; from < end; from += 1, to += 4) store<f32>(to, <f32>load<i8>(from));
}

export function uint16ToFloat32(from: usize, to: usize, count: usize): void {
  const wide = from + ((count & ~7) << 1);
  const end = from + (count << 1);
  while (from < wide) {
    const v = v128.load(from);
    v128.store(to, f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(v)));
    v128.store(to, f32x4.convert_i32x4_u(i32x4.extend_high_i16x8_u(v)), 16);
    from += 16;
    to += 32;
  }
  for (; from < end; from += 2, to += 4) store<f32>(to, <f32>load<u16>(from));
}

export function int16ToFloat32(from: usize, to: usize, count: usize): void {
  const wide = from + ((count & ~7) << 1);
  const end = from + (count << 1);
  while (from < wide) {
    const v = v128.load(from);
    v128.store(to, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(v)));
    v128.store(to, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(v)), 16);
    from += 16;
    to += 32;
  }
  for (; from < end; from += 2, to += 4) store<f32>(to, <f32>load<i16>(from));
}

export function uint32ToFloat32(from: usize, to: usize, count: usize): void {
  const wide = from + ((count & ~3) << 2);
  const end = from + (count << 2);
  for (; from < wide; from += 16, to += 16) v128.store(to, f32x4.convert_i32x4_u(v128.load(from)));
  for (; from < end; from += 4, to += 4) store<f32>(to, <f32>load<u32>(from));
}

export function int32ToFloat32(from: usize, to: usize, count: usize): void {
  const wide = from + ((count & ~3) << 2);
  const end = from + (count << 2);
  for (; from < wide; from += 16, to += 16) v128.store(to, f32x4.convert_i32x4_s(v128.load(from)));
  for (; from < end; from += 4, to += 4) store<f32>(to, <f32>load<i32>(from));
}

export function uint64ToFloat32(from: usize, to: usize, count: usize): void {
  const end = from + (count << 3);
  for (; from < end; from += 8, to += 4) store<f32>(to, <f32>load<u64>(from));
}

export function int64ToFloat32(from: usize, to: usize, count: usize): void {
  const end = from + (count << 3);
  for (; from < end; from += 8, to += 4) store<f32>(to, <f32>load<i64>(from));
}

/** Subnormal inputs take the same path as the others: an integer times 2^-24, never a slow subnormal operand. */
export function float16ToFloat32(from: usize, to: usize, count: usize): void {
  const wide = from + ((count & ~3) << 1);
  const end = from + (count << 1);
  const magnitude = i32x4.splat(0x7fff);
  const bias = i32x4.splat(112 << 23);
  const infinite = i32x4.splat(0x7bff);
  const normal = i32x4.splat(0x03ff);
  const unit = f32x4.splat(<f32>5.9604644775390625e-8);
  while (from < wide) {
    const half = v128.load_ext<u16>(from);
    const value = v128.and(half, magnitude);
    const shifted = i32x4.add(i32x4.shl(value, 13), bias);
    const finite = i32x4.add(shifted, v128.and(i32x4.gt_s(value, infinite), bias));
    const subnormal = f32x4.mul(f32x4.convert_i32x4_s(value), unit);
    const bits = v128.bitselect(finite, subnormal, i32x4.gt_s(value, normal));
    v128.store(to, v128.or(bits, i32x4.shl(v128.andnot(half, magnitude), 16)));
    from += 8;
    to += 16;
  }
  for (; from < end; from += 2, to += 4) {
    const half = <u32>load<u16>(from);
    const value = half & 0x7fff;
    let bits: u32;
    if (value > 0x7bff) bits = (value << 13) + (224 << 23);
    else if (value > 0x03ff) bits = (value << 13) + (112 << 23);
    else bits = reinterpret<u32>(<f32>value * <f32>5.9604644775390625e-8);
    store<u32>(to, bits | ((half & 0x8000) << 16));
  }
}

export function float64ToFloat32(from: usize, to: usize, count: usize): void {
  const wide = from + ((count & ~3) << 3);
  const end = from + (count << 3);
  while (from < wide) {
    const low = f32x4.demote_f64x2_zero(v128.load(from));
    const high = f32x4.demote_f64x2_zero(v128.load(from, 16));
    v128.store(to, i64x2.shuffle(low, high, 0, 2));
    from += 32;
    to += 16;
  }
  for (; from < end; from += 8, to += 4) store<f32>(to, <f32>load<f64>(from));
}
