// Gradients of convolutions and max pooling, one sample at a time, float32, channels last. Sizes are counts, not bytes.
// The filter's gradient is a sum of outer products: at every place of dy, the numbers of x that one row of the filter
// covers lie side by side, and each meets each channel of dy. Blocks of 4 x 8 of these sums stay in registers while all
// places go by.

/**
 * Adds a sample's part to the gradient of a filter.
 *
 * @param x rows of `rowLength` numbers, padding included; 12 bytes after the last may be read
 * @param dy [outHeight, outWidth, outChannels]; outChannels is a multiple of 8
 * @param out [filterHeight, covered, outChannels]; covered, the numbers of x in a row of the filter, is rounded up to 4
 * @param rowStep numbers of x from one row of dy to the next; columnStep from one column to the next
 */
export function addFilterGradient(
  x: usize,
  dy: usize,
  out: usize,
  rowLength: usize,
  rowStep: usize,
  columnStep: usize,
  outHeight: usize,
  outWidth: usize,
  outChannels: usize,
  filterHeight: usize,
  covered: usize,
): void {
  const xStep = columnStep << 2;
  const dyStep = outChannels << 2;
  for (let i: usize = 0; i < filterHeight; i += 1) {
    for (let r: usize = 0; r < covered; r += 4) {
      for (let o: usize = 0; o < outChannels; o += 8) {
        let a0 = v128.load(out);
        let b0 = v128.load(out, 16);
        let at = out + dyStep;
        let a1 = v128.load(at);
        let b1 = v128.load(at, 16);
        at += dyStep;
        let a2 = v128.load(at);
        let b2 = v128.load(at, 16);
        at += dyStep;
        let a3 = v128.load(at);
        let b3 = v128.load(at, 16);
        let d = dy + (o << 2);
        for (let y: usize = 0; y < outHeight; y += 1) {
          let p = x + ((y * rowStep + i * rowLength + r) << 2);
          const end = d + outWidth * dyStep;
          while (d < end) {
            const da = v128.load(d);
            const db = v128.load(d, 16);
            const x0 = v128.load32_splat(p);
            a0 = f32x4.add(a0, f32x4.mul(x0, da));
            b0 = f32x4.add(b0, f32x4.mul(x0, db));
            const x1 = v128.load32_splat(p, 4);
            a1 = f32x4.add(a1, f32x4.mul(x1, da));
            b1 = f32x4.add(b1, f32x4.mul(x1, db));
            const x2 = v128.load32_splat(p, 8);
            a2 = f32x4.add(a2, f32x4.mul(x2, da));
            b2 = f32x4.add(b2, f32x4.mul(x2, db));
            const x3 = v128.load32_splat(p, 12);
            a3 = f32x4.add(a3, f32x4.mul(x3, da));
            b3 = f32x4.add(b3, f32x4.mul(x3, db));
            d += dyStep;
            p += xStep;
          }
        }
        v128.store(at, a3);
        v128.store(at, b3, 16);
        at -= dyStep;
        v128.store(at, a2);
        v128.store(at, b2, 16);
        at -= dyStep;
        v128.store(at, a1);
        v128.store(at, b1, 16);
        v128.store(out, a0);
        v128.store(out, b0, 16);
        out += 32;
      }
      // The first row of sums is done; the three after it are too.
      out += dyStep * 3;
    }
  }
}

/**
 * Gives each window's gradient to the place of its maximum, the first of equal ones, and 0 to all others.
 *
 * @param x [inHeight, inWidth, channels]; channels is a multiple of 4, and so for all
 * @param dy [outHeight, outWidth, channels]
 * @param dx written: the shape of x
 * @param top rows of padding above x; left columns of padding before it
 */
export function maxPoolGradient(
  x: usize,
  dy: usize,
  dx: usize,
  channels: usize,
  inHeight: i32,
  inWidth: i32,
  outHeight: i32,
  outWidth: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  top: i32,
  left: i32,
): void {
  const step = channels << 2;
  const rowBytes = <usize>inWidth * step;
  memory.fill(dx, 0, <usize>inHeight * rowBytes);
  const toDx = dx - x;
  for (let y = 0; y < outHeight; y += 1) {
    const firstRow = y * strideHeight - top;
    const startRow = max(0, firstRow);
    const endRow = min(inHeight, firstRow + filterHeight);
    for (let z = 0; z < outWidth; z += 1) {
      const firstColumn = z * strideWidth - left;
      const startColumn = max(0, firstColumn);
      const endColumn = min(inWidth, firstColumn + filterWidth);
      const isEmpty = startRow >= endRow || startColumn >= endColumn;
      const corner = x + <usize>startRow * rowBytes + <usize>startColumn * step;
      const windowBytes = <usize>(endColumn - startColumn) * step;
      for (let c: usize = 0; c < step; c += 16, dy += 16) {
        if (isEmpty) continue;
        let largest = v128.load(corner + c);
        let place = i32x4.splat(0);
        let number = 0;
        let line = corner + c;
        for (let row = startRow; row < endRow; row += 1, line += rowBytes) {
          for (let at = line, end = line + windowBytes; at < end; at += step, number += 1) {
            const value = v128.load(at);
            const isLarger = f32x4.gt(value, largest);
            largest = v128.bitselect(value, largest, isLarger);
            place = v128.bitselect(i32x4.splat(number), place, isLarger);
          }
        }
        const given = v128.load(dy);
        number = 0;
        line = corner + c + toDx;
        for (let row = startRow; row < endRow; row += 1, line += rowBytes) {
          for (let at = line, end = line + windowBytes; at < end; at += step, number += 1) {
            const share = v128.and(given, i32x4.eq(place, i32x4.splat(number)));
            v128.store(at, f32x4.add(v128.load(at), share));
          }
        }
      }
    }
  }
}
