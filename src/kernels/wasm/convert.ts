// Conversion to float32, `count` values from one address to another, 16 bytes of output a step. Addresses are
// multiples of the element's size; source and target do not overlap. Rounding is to nearest, ties to even. What is
// extended to 32 bits is converted as signed: for unsigned numbers x86 has no instruction.

import { isSubnormal, magnitudeOf, upperBits, widened, widenOne } from "./half";

export function uint8ToFloat32(from: usize, to: usize, count: usize): void {
  const wide = from + (count & ~7);
  const end = from + count;
  while (from < wide) {
    const v = v128.load_ext<u8>(from);
    v128.store(to, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(v)));
    v128.store(to, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(v)), 16);
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
    v128.store(to, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(v)));
    v128.store(to, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(v)), 16);
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

export function float16ToFloat32(from: usize, to: usize, count: usize): void {
  const wide = from + ((count & ~7) << 1);
  const end = from + (count << 1);
  for (; from < wide; from += 16, to += 32) {
    const v = v128.load(from);
    const magnitude = magnitudeOf(v);
    const subnormal = isSubnormal(magnitude);
    const upper = upperBits(magnitude, subnormal);
    v128.store(to, widened(v, magnitude, subnormal, upper, false));
    v128.store(to, widened(v, magnitude, subnormal, upper, true), 16);
  }
  for (; from < end; from += 2, to += 4) store<f32>(to, widenOne(load<u16>(from)));
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
