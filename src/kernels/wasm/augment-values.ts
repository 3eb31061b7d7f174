// Values of a sample multiplied and mixed: by a factor per channel, by smooth curves, with another sample. A sample is
// `outer` blocks of `steps` rows of `inner` float32, and a channel is one place of (outer, inner).

/** Multiplies each channel by its factor, of which there are outer * inner as float32. */
export function scaleChannels(at: usize, outer: usize, steps: usize, inner: usize, factors: usize): void {
  const row = inner << 2;
  for (let o: usize = 0; o < outer; o += 1, factors += row) {
    if (inner == 1) {
      at = scaleRun(at, steps, load<f32>(factors));
      continue;
    }
    for (let t: usize = 0; t < steps; t += 1) {
      const end = factors + row;
      let factor = factors;
      for (; factor + 16 <= end; factor += 16, at += 16) v128.store(at, f32x4.mul(v128.load(at), v128.load(factor)));
      for (; factor < end; factor += 4, at += 4) store<f32>(at, load<f32>(at) * load<f32>(factor));
    }
  }
}

/** @returns the address behind them */
function scaleRun(at: usize, count: usize, factor: f32): usize {
  const end = at + (count << 2);
  const wide = f32x4.splat(factor);
  for (; at + 16 <= end; at += 16) v128.store(at, f32x4.mul(v128.load(at), wide));
  for (; at < end; at += 4) store<f32>(at, load<f32>(at) * factor);
  return at;
}

/**
 * Writes how much each of the four knots around a step counts in a smooth curve: cubic pieces through `knots` equally
 * spaced knots from the first step to the last, each with the slope between its neighbours (Catmull and Rom), beyond the
 * ends the line through the last two.
 *
 *   float32 [4][steps], then uint32 [knots - 1]: the step at which each piece ends
 */
export function writeCurveWeights(to: usize, steps: usize, knots: usize): void {
  const pace = steps > 1 ? <f64>(knots - 1) / <f64>(steps - 1) : 0;
  const row = steps << 2;
  const ends = to + 4 * row;
  memory.fill(ends, 0, (knots - 1) << 2);
  for (let t: usize = 0; t < steps; t += 1, to += 4) {
    const place = <f64>t * pace;
    const piece = min(<usize>place, knots - 2);
    const x = place - <f64>piece;
    store<f32>(to, <f32>(((2 - x) * x - 1) * x * 0.5));
    store<f32>(to + row, <f32>(((3 * x - 5) * x * x + 2) * 0.5));
    store<f32>(to + 2 * row, <f32>(((4 - 3 * x) * x + 1) * x * 0.5));
    store<f32>(to + 3 * row, <f32>((x - 1) * x * x * 0.5));
    store<u32>(ends + (piece << 2), <u32>t + 1);
  }
}

@inline
function weighted(a: v128, b: v128, c: v128, d: v128, p: v128, q: v128, r: v128, s: v128): v128 {
  return f32x4.add(f32x4.add(f32x4.mul(a, p), f32x4.mul(b, q)), f32x4.add(f32x4.mul(c, r), f32x4.mul(d, s)));
}

/** One value times its curve, by the weights at `w` (`line` bytes apart) and the knots at `knot` (`row` bytes apart). */
@inline
function multiplyOne(at: usize, w: usize, line: usize, knot: usize, row: usize): void {
  const factor =
    load<f32>(w) * load<f32>(knot) +
    load<f32>(w + line) * load<f32>(knot + row) +
    (load<f32>(w + 2 * line) * load<f32>(knot + 2 * row) + load<f32>(w + 3 * line) * load<f32>(knot + 3 * row));
  store<f32>(at, load<f32>(at) * factor);
}

/**
 * Multiplies each channel by its curve.
 *
 * @param curves float32 [knots + 2][outer * inner]: the knots of all channels, one knot beyond each end included
 * @param weights as writeCurveWeights writes them for these steps and knots
 */
export function multiplyCurves(
  at: usize,
  outer: usize,
  steps: usize,
  inner: usize,
  curves: usize,
  knots: usize,
  weights: usize,
): void {
  const row = (outer * inner) << 2;
  const line = steps << 2;
  for (let o: usize = 0; o < outer; o += 1) {
    let w = weights;
    for (let piece: usize = 0; piece < knots - 1; piece += 1) {
      const end = weights + (<usize>load<u32>(weights + 4 * line + (piece << 2)) << 2);
      const first = curves + piece * row + ((o * inner) << 2);
      if (inner == 1) {
        const p = v128.load32_splat(first);
        const q = v128.load32_splat(first + row);
        const r = v128.load32_splat(first + 2 * row);
        const s = v128.load32_splat(first + 3 * row);
        for (; w + 16 <= end; w += 16, at += 16) {
          const factor = weighted(
            v128.load(w),
            v128.load(w + line),
            v128.load(w + 2 * line),
            v128.load(w + 3 * line),
            p,
            q,
            r,
            s,
          );
          v128.store(at, f32x4.mul(v128.load(at), factor));
        }
        for (; w < end; w += 4, at += 4) multiplyOne(at, w, line, first, row);
        continue;
      }
      for (; w < end; w += 4) {
        const a = v128.load32_splat(w);
        const b = v128.load32_splat(w + line);
        const c = v128.load32_splat(w + 2 * line);
        const d = v128.load32_splat(w + 3 * line);
        let knot = first;
        const last = first + (inner << 2);
        for (; knot + 16 <= last; knot += 16, at += 16) {
          const factor = weighted(
            a,
            b,
            c,
            d,
            v128.load(knot),
            v128.load(knot + row),
            v128.load(knot + 2 * row),
            v128.load(knot + 3 * row),
          );
          v128.store(at, f32x4.mul(v128.load(at), factor));
        }
        for (; knot < last; knot += 4, at += 4) multiplyOne(at, w, line, knot, row);
      }
    }
  }
}

/** value * weight + other * (1 - weight), in place. */
export function blend(at: usize, other: usize, count: usize, weight: f32): void {
  const end = at + (count << 2);
  const rest: f32 = 1 - weight;
  const own = f32x4.splat(weight);
  const their = f32x4.splat(rest);
  for (; at + 16 <= end; at += 16, other += 16) {
    v128.store(at, f32x4.add(f32x4.mul(v128.load(at), own), f32x4.mul(v128.load(other), their)));
  }
  for (; at < end; at += 4, other += 4) store<f32>(at, load<f32>(at) * weight + load<f32>(other) * rest);
}
