// Values between values: steps of a waveform by linear interpolation, pixels of an image by bilinear interpolation.
// Places are float64, weights float32; source and target do not overlap.

/** Places start, start + pace, ... of `steps` steps as float64. */
export function evenPlaces(to: usize, steps: usize, start: f64, pace: f64): void {
  for (let t: usize = 0; t < steps; t += 1) store<f64>(to + (t << 3), start + <f64>t * pace);
}

/**
 * Places from 0 to steps - 1 at which a clock stands that runs at `knots` speeds, equally spaced from the first step to
 * the last, with straight lines between them.
 *
 * @param speeds float64, above 0
 */
export function warpedPlaces(to: usize, steps: usize, speeds: usize, knots: usize): void {
  const pace = <f64>(knots - 1) / <f64>(steps - 1);
  let sum: f64 = 0;
  let before: f64 = 0;
  for (let t: usize = 0; t < steps; t += 1) {
    const place = <f64>t * pace;
    const piece = min(<usize>place, knots - 2);
    const part = place - <f64>piece;
    const speed = load<f64>(speeds + (piece << 3)) * (1 - part) + load<f64>(speeds + (piece << 3), 8) * part;
    if (t > 0) sum += 0.5 * (before + speed);
    before = speed;
    store<f64>(to + (t << 3), sum);
  }
  const factor = <f64>(steps - 1) / sum;
  for (let t: usize = 0; t < steps; t += 1) store<f64>(to + (t << 3), load<f64>(to + (t << 3)) * factor);
}

/** Takes steps at places, which lie from 0 to steps - 1: `outer` blocks of `steps` rows of `inner` float32. */
export function takeSteps(from: usize, to: usize, outer: usize, steps: usize, inner: usize, places: usize): void {
  const row = inner << 2;
  const block = steps * row;
  const last = <f64>(steps - 1);
  for (let o: usize = 0; o < outer; o += 1, from += block) {
    for (let t: usize = 0; t < steps; t += 1) {
      const place = min(load<f64>(places + (t << 3)), last);
      const step = <usize>place;
      const part = <f32>(place - <f64>step);
      const rest: f32 = 1 - part;
      let low = from + step * row;
      const next = step + 1 < steps ? row : 0;
      const end = low + row;
      for (; low + 16 <= end; low += 16, to += 16) {
        v128.store(
          to,
          f32x4.add(
            f32x4.mul(v128.load(low), f32x4.splat(rest)),
            f32x4.mul(v128.load(low + next), f32x4.splat(part)),
          ),
        );
      }
      for (; low < end; low += 4, to += 4) store<f32>(to, load<f32>(low) * rest + load<f32>(low + next) * part);
    }
  }
}

/**
 * Takes each pixel (y, x) from (top + x * yx + y * yy, left + x * xx + y * xy), between four pixels.
 *
 * @param isEdge 1: places outside take the nearest pixel; 0: pixels outside have the value `fill`
 */
export function takePixels(
  from: usize,
  to: usize,
  outer: usize,
  height: usize,
  width: usize,
  inner: usize,
  left: f64,
  xx: f64,
  xy: f64,
  top: f64,
  yx: f64,
  yy: f64,
  isEdge: i32,
  fill: f32,
): void {
  const pixel = inner << 2;
  const row = width * pixel;
  const rightmost = <u32>width - 1;
  const lowest = <u32>height - 1;
  const lastX = <f64>rightmost;
  const lastY = <f64>lowest;
  for (let o: usize = 0; o < outer; o += 1, from += height * row) {
    for (let y: usize = 0; y < height; y += 1) {
      for (let x: usize = 0; x < width; x += 1) {
        let sx = left + <f64>x * xx + <f64>y * xy;
        let sy = top + <f64>x * yx + <f64>y * yy;
        if (isEdge) {
          sx = max(0.0, min(sx, lastX));
          sy = max(0.0, min(sy, lastY));
        }
        const x0 = <i32>floor(sx);
        const y0 = <i32>floor(sy);
        const fx = <f32>(sx - <f64>x0);
        const fy = <f32>(sy - <f64>y0);
        const gx: f32 = 1 - fx;
        const gy: f32 = 1 - fy;
        const at = from + <usize>(y0 * <i32>row + x0 * <i32>pixel);
        if (<u32>x0 < rightmost && <u32>y0 < lowest) {
          for (let k: usize = 0; k < pixel; k += 4, to += 4) {
            const upper = load<f32>(at + k) * gx + load<f32>(at + k + pixel) * fx;
            const lower = load<f32>(at + k + row) * gx + load<f32>(at + k + row + pixel) * fx;
            store<f32>(to, upper * gy + lower * fy);
          }
          continue;
        }
        // Beyond the last pixel the weight is 0 where edges repeat.
        const isLeft = <u32>x0 <= rightmost;
        const isRight = <u32>(x0 + 1) <= rightmost;
        const isUpper = <u32>y0 <= lowest;
        const isLower = <u32>(y0 + 1) <= lowest;
        const isBeside = isEdge && !isRight;
        const isBelow = isEdge && !isLower;
        const right: usize = isBeside ? 0 : pixel;
        const below: usize = isBelow ? 0 : row;
        for (let k: usize = 0; k < pixel; k += 4, to += 4) {
          const a = isLeft && isUpper ? load<f32>(at + k) : fill;
          const b = (isRight || isBeside) && isUpper ? load<f32>(at + k + right) : fill;
          const c = isLeft && (isLower || isBelow) ? load<f32>(at + k + below) : fill;
          const d = (isRight || isBeside) && (isLower || isBelow) ? load<f32>(at + k + right + below) : fill;
          store<f32>(to, (a * gx + b * fx) * gy + (c * gx + d * fx) * fy);
        }
      }
    }
  }
}
