// Finding a member of a class in a column of labels, 32 rows a step: which of them have the label, which of these are of
// the view, and how many that makes. order/class-directory.ts has the reference.

/** One bit per row of 32: whether it has the label, of which `wanted` is one v128 full. */
@inline
function matches(at: usize, width: u32, wanted: v128): u32 {
  if (width == 1) {
    return (
      i8x16.bitmask(i8x16.eq(v128.load(at), wanted)) | (i8x16.bitmask(i8x16.eq(v128.load(at, 16), wanted)) << 16)
    );
  }
  if (width == 2) {
    const low = i8x16.narrow_i16x8_s(i16x8.eq(v128.load(at), wanted), i16x8.eq(v128.load(at, 16), wanted));
    const high = i8x16.narrow_i16x8_s(i16x8.eq(v128.load(at, 32), wanted), i16x8.eq(v128.load(at, 48), wanted));
    return i8x16.bitmask(low) | (i8x16.bitmask(high) << 16);
  }
  return half(at, wanted) | (half(at + 64, wanted) << 16);
}

/** The same for 16 rows of 32-bit labels. */
@inline
function half(at: usize, wanted: v128): u32 {
  const low = i16x8.narrow_i32x4_s(i32x4.eq(v128.load(at), wanted), i32x4.eq(v128.load(at, 16), wanted));
  const high = i16x8.narrow_i32x4_s(i32x4.eq(v128.load(at, 32), wanted), i32x4.eq(v128.load(at, 48), wanted));
  return i8x16.bitmask(i8x16.narrow_i16x8_s(low, high));
}

/** The same for the last rows of a column, fewer than 32, beyond which nothing may be read. */
@inline
function matchesOfTail(at: usize, width: u32, label: u32, count: u32): u32 {
  let found: u32 = 0;
  for (let k: u32 = 0; k < count; k += 1) {
    const value: u32 =
      width == 1 ? load<u8>(at + k) : width == 2 ? load<u16>(at + (k << 1)) : load<u32>(at + (k << 2));
    if (value == label) found |= (<u32>1) << k;
  }
  return found;
}

@inline
function find(
  labels: usize,
  width: u32,
  rows: u32,
  bits: usize,
  label: u32,
  wanted: v128,
  row: u32,
  skip: u32,
): u32 {
  let at = row & ~31;
  // Rows up to and with `row` are none of those that follow it.
  let asked: u32 = 0xfffffffe << (row & 31);
  let left = skip;
  while (at < rows) {
    const from = labels + <usize>at * width;
    let found = rows - at >= 32 ? matches(from, width, wanted) : matchesOfTail(from, width, label, rows - at);
    found &= asked;
    if (bits != 0) found &= load<u32>(bits + (at >> 3));
    asked = 0xffffffff;
    const count = popcnt(found);
    if (left < count) {
      for (; left > 0; left -= 1) found &= found - 1;
      return at + ctz(found);
    }
    left -= count;
    at += 32;
  }
  return 0xffffffff;
}

/**
 * The `skip`-th row after `row` (0: the next) that has a label and is of the view; 2^32 - 1 if there is none.
 *
 * `labels`: address of the first row's label, a multiple of 4; `width`: bytes of a label, 1, 2 or 4; `rows`: how many
 * labels there are; `bits`: address of one bit per row, or 0 where all rows are of the view.
 */
export function nextOfClass(
  labels: usize,
  width: u32,
  rows: u32,
  bits: usize,
  label: u32,
  row: u32,
  skip: u32,
): u32 {
  if (width == 1) return find(labels, 1, rows, bits, label, i8x16.splat(<i8>label), row, skip);
  if (width == 2) return find(labels, 2, rows, bits, label, i16x8.splat(<i16>label), row, skip);
  return find(labels, 4, rows, bits, label, i32x4.splat(<i32>label), row, skip);
}
