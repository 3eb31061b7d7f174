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
 * Multiplies each channel by a smooth curve: cubic Hermite pieces through `knots` equally spaced knots from the first
 * step to the last, each with the slope between its neighbours (Catmull and Rom), beyond the ends the line through the
 * last two.
 *
 * @param curves float32 [knots + 2][outer * inner]: the knots of all channels, one knot beyond each end included
 */
export function multiplyCurves(
  at: usize,
  outer: usize,
  steps: usize,
  inner: usize,
  curves: usize,
  knots: usize,
): void {
  const row = (outer * inner) << 2;
  const pace = steps > 1 ? <f64>(knots - 1) / <f64>(steps - 1) : 0;
  for (let o: usize = 0; o < outer; o += 1) {
    const channel = curves + ((o * inner) << 2);
    for (let t: usize = 0; t < steps; t += 1) {
      const place = <f64>t * pace;
      const piece = min(<usize>place, knots - 2);
      const x = place - <f64>piece;
      const a = <f32>(((2 - x) * x - 1) * x * 0.5);
      const b = <f32>(((3 * x - 5) * x * x + 2) * 0.5);
      const c = <f32>(((4 - 3 * x) * x + 1) * x * 0.5);
      const d = <f32>((x - 1) * x * x * 0.5);
      let knot = channel + piece * row;
      const end = knot + (inner << 2);
      for (; knot + 16 <= end; knot += 16, at += 16) {
        const factor = f32x4.add(
          f32x4.add(
            f32x4.mul(f32x4.splat(a), v128.load(knot)),
            f32x4.mul(f32x4.splat(b), v128.load(knot + row)),
          ),
          f32x4.add(
            f32x4.mul(f32x4.splat(c), v128.load(knot + 2 * row)),
            f32x4.mul(f32x4.splat(d), v128.load(knot + 3 * row)),
          ),
        );
        v128.store(at, f32x4.mul(v128.load(at), factor));
      }
      for (; knot < end; knot += 4, at += 4) {
        const factor =
          a * load<f32>(knot) + b * load<f32>(knot + row) + (c * load<f32>(knot + 2 * row) + d * load<f32>(knot + 3 * row));
        store<f32>(at, load<f32>(at) * factor);
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
