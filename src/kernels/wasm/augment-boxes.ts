// Boxes of a sample moved, filled and mirrored. A sample is seen as `outer` blocks of `rows` rows; a box takes as many
// bytes of each row. Shapes of waveforms and images become these numbers in augment/geometry.ts.

/** Copies a box; source and target may overlap within a row, not from row to row. */
export function copyBox(
  from: usize,
  to: usize,
  outer: usize,
  outerStride: usize,
  rows: usize,
  rowStride: usize,
  byteLength: usize,
): void {
  for (let o: usize = 0; o < outer; o += 1) {
    let source = from + o * outerStride;
    let target = to + o * outerStride;
    for (let r: usize = 0; r < rows; r += 1, source += rowStride, target += rowStride) {
      memory.copy(target, source, byteLength);
    }
  }
}

/** Fills a box of float32 with one value. */
export function fillBox(
  at: usize,
  outer: usize,
  outerStride: usize,
  rows: usize,
  rowStride: usize,
  byteLength: usize,
  value: f32,
): void {
  const wide = f32x4.splat(value);
  for (let o: usize = 0; o < outer; o += 1) {
    let row = at + o * outerStride;
    for (let r: usize = 0; r < rows; r += 1, row += rowStride) {
      let k: usize = 0;
      for (; k + 16 <= byteLength; k += 16) v128.store(row + k, wide);
      for (; k < byteLength; k += 4) store<f32>(row + k, value);
    }
  }
}

/** Copies one element (of `byteLength` bytes) to `count` places that lie together, in each block. */
export function repeatElement(
  from: usize,
  to: usize,
  outer: usize,
  outerStride: usize,
  count: usize,
  byteLength: usize,
): void {
  for (let o: usize = 0; o < outer; o += 1) {
    const source = from + o * outerStride;
    let target = to + o * outerStride;
    for (let k: usize = 0; k < count; k += 1, target += byteLength) memory.copy(target, source, byteLength);
  }
}

/** Mirrors `count` elements of `inner` float32 each, in place, in each of `rows` rows that lie one after another. */
export function mirrorRows(at: usize, rows: usize, count: usize, inner: usize): void {
  const bytes = inner << 2;
  for (let r: usize = 0; r < rows; r += 1) {
    let left = at + r * count * bytes;
    let right = left + (count - 1) * bytes;
    for (; left < right; left += bytes, right -= bytes) {
      for (let k: usize = 0; k < bytes; k += 4) {
        const value = load<f32>(left + k);
        store<f32>(left + k, load<f32>(right + k));
        store<f32>(right + k, value);
      }
    }
  }
}
