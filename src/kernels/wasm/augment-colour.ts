// Colours of an image of float32: values drawn towards a grey or away from it, and hues turned. Red, green and blue of a
// pixel are `channelStride` bytes apart, pixels `pixelStride`. `low` and `high` are black and white: what comes out lies
// between them; NaN stays NaN.

const redShare: f64 = 0.299;
const greenShare: f64 = 0.587;
const blueShare: f64 = 0.114;

/** Mean of `count` float32. */
export function meanOf(at: usize, count: usize): f64 {
  let sum: f64 = 0;
  for (const end = at + (count << 2); at < end; at += 4) sum += <f64>load<f32>(at);
  return sum / <f64>count;
}

@inline
function grey(at: usize, channelStride: usize): f64 {
  return (
    redShare * <f64>load<f32>(at) +
    greenShare * <f64>load<f32>(at + channelStride) +
    blueShare * <f64>load<f32>(at + 2 * channelStride)
  );
}

/** Mean brightness of colour pixels: 0.299 red, 0.587 green, 0.114 blue. */
export function meanGrey(at: usize, pixels: usize, pixelStride: usize, channelStride: usize): f64 {
  let sum: f64 = 0;
  for (let k: usize = 0; k < pixels; k += 1, at += pixelStride) sum += grey(at, channelStride);
  return sum / <f64>pixels;
}

@inline
function between(value: f32, low: f32, high: f32): f32 {
  return value < low ? low : value > high ? high : value;
}

/** centre + (value - centre) * factor of `count` float32, cut to [low, high]. */
export function stretchValues(at: usize, count: usize, centre: f32, factor: f32, low: f32, high: f32): void {
  const end = at + (count << 2);
  const middle = f32x4.splat(centre);
  const by = f32x4.splat(factor);
  const least = f32x4.splat(low);
  const most = f32x4.splat(high);
  for (; at + 16 <= end; at += 16) {
    const v = f32x4.add(middle, f32x4.mul(f32x4.sub(v128.load(at), middle), by));
    v128.store(at, f32x4.pmin(f32x4.pmax(v, least), most));
  }
  for (; at < end; at += 4) store<f32>(at, between(centre + (load<f32>(at) - centre) * factor, low, high));
}

/** Each pixel drawn away from its own grey by `factor`, cut to [low, high]. */
export function saturatePixels(
  at: usize,
  pixels: usize,
  pixelStride: usize,
  channelStride: usize,
  factor: f32,
  low: f32,
  high: f32,
): void {
  for (let k: usize = 0; k < pixels; k += 1, at += pixelStride) {
    const own = <f32>grey(at, channelStride);
    for (let c: usize = 0; c < 3; c += 1) {
      const place = at + c * channelStride;
      store<f32>(place, between(own + (load<f32>(place) - own) * factor, low, high));
    }
  }
}

/** Turns hues by `turns` of the circle; lightness and saturation in the sense of HSV stay. */
export function turnHues(
  at: usize,
  pixels: usize,
  pixelStride: usize,
  channelStride: usize,
  turns: f32,
  low: f32,
  high: f32,
): void {
  for (let k: usize = 0; k < pixels; k += 1, at += pixelStride) {
    const green = at + channelStride;
    const blue = green + channelStride;
    const r = load<f32>(at);
    const g = load<f32>(green);
    const b = load<f32>(blue);
    const most = r > g ? (r > b ? r : b) : g > b ? g : b;
    const least = r < g ? (r < b ? r : b) : g < b ? g : b;
    const spread = most - least;
    // Greys have no hue, and NaN none either.
    if (!(spread > 0)) continue;
    let hue = r == most ? (g - b) / spread : g == most ? 2 + (b - r) / spread : 4 + (r - g) / spread;
    hue += turns * 6;
    hue -= floor(hue / 6) * 6;
    const sector = min(floor(hue), <f32>5);
    const part = hue - sector;
    const falling = most - spread * part;
    const rising = least + spread * part;
    const which = <i32>sector;
    const newRed = which == 0 || which == 5 ? most : which == 1 ? falling : which == 4 ? rising : least;
    const newGreen = which == 1 || which == 2 ? most : which == 3 ? falling : which == 0 ? rising : least;
    const newBlue = which == 3 || which == 4 ? most : which == 5 ? falling : which == 2 ? rising : least;
    store<f32>(at, between(newRed, low, high));
    store<f32>(green, between(newGreen, low, high));
    store<f32>(blue, between(newBlue, low, high));
  }
}
