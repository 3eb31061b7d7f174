// Normally distributed noise: a counter is hashed (a Weyl sequence from the first key, then two multiplications
// with the second key between them), and two such hashes give two normal numbers by Box and Muller's method, eight at a
// time. What value k gets depends on the keys and k alone.
//
//   hashes  h0..h3 of k..k+3 -> radius sqrt(-2 ln u)     h4..h7 -> angle, swap and signs
//   values  k..k+3: radius * cosine                      k+4..k+7: radius * sine
//
// Rule: only operations that IEEE 754 fixes to the bit, so that the same seed gives the same values everywhere.

const golden: u32 = 0x9e3779b9;

/** A constant that the compiler cannot know: it would make it anew in each round of a loop, which takes longer than all else. */
@inline
function ints(value: i32, none: i32): v128 {
  return i32x4.splat(value + none);
}

@inline
function floats(value: f32, none: i32): v128 {
  return f32x4.splat(value + <f32>none);
}

/** Adds to float32 (T is f32) or writes as float64 (T is f64) the normal numbers of the places `begin`, begin + 1, ... */
@inline
function normals<T>(at: usize, count: usize, begin: u32, sigma: f32, key0: u32, key1: u32): void {
  // Counts are below 2^31.
  const none = <i32>(count >>> 31);
  const size = f32x4.splat(sigma);
  const inner = i32x4.splat(key1);
  const step = ints(8 * golden, none);
  const step4 = ints(4 * golden, none);
  const by1 = ints(0x7feb352d, none);
  const by2 = ints(0x846ca68b, none);
  const one = floats(1, none);
  const turn = floats(2.9258361585343192e-9, none);
  const rebase = ints(0x3f800000 - 0x3f3504f3, none);
  const bias = ints(127 + 31, none);
  const fraction = ints(0x7fffff, none);
  const root = ints(0x3f3504f3, none);
  const ln4 = floats(-1.3862943611198906, none);
  const l0 = floats(-2.00000205, none);
  const l1 = floats(1.00001755, none);
  const l2 = floats(-0.66627127, none);
  const l3 = floats(0.49840673, none);
  const l4 = floats(-0.41050887, none);
  const l5 = floats(0.3714768, none);
  const l6 = floats(-0.23315612, none);
  const s0 = floats(0.99999856, none);
  const s1 = floats(-0.16662472, none);
  const s2 = floats(0.00815151, none);
  const c1 = floats(-0.49999856, none);
  const c2 = floats(0.04165501, none);
  const c3 = floats(-0.00135858, none);
  let counter = i32x4.add(
    i32x4.splat(key0 + begin * golden),
    i32x4(0, 0x9e3779b9, 0x3c6ef372, 0xdaa66d2b),
  );
  for (let left = count; left > 0; ) {
    let h = v128.xor(counter, i32x4.shr_u(counter, 16));
    h = i32x4.add(i32x4.mul(h, by1), inner);
    h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 15)), by2);
    h = v128.xor(h, i32x4.shr_u(h, 16));
    const next = i32x4.add(counter, step4);
    counter = i32x4.add(counter, step);
    let g = v128.xor(next, i32x4.shr_u(next, 16));
    g = i32x4.add(i32x4.mul(g, by1), inner);
    g = i32x4.mul(v128.xor(g, i32x4.shr_u(g, 15)), by2);
    g = v128.xor(g, i32x4.shr_u(g, 16));

    // u = (h + 1) / 2^31 of the upper 31 bits: radii up to 6.6. u = 2^e (1 + f), f from sqrt(1/2) - 1 to sqrt(2) - 1, and
    // -2 ln(1 + f) = f P(f), P below 0 everywhere: what the root is taken of is never below 0.
    const bits = i32x4.add(f32x4.add(f32x4.convert_i32x4_s(i32x4.shr_u(h, 1)), one), rebase);
    const exponent = f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_u(bits, 23), bias));
    const f = f32x4.sub(i32x4.add(v128.and(bits, fraction), root), one);
    const ff = f32x4.mul(f, f);
    const low = f32x4.add(f32x4.add(l0, f32x4.mul(f, l1)), f32x4.mul(ff, f32x4.add(l2, f32x4.mul(f, l3))));
    const high = f32x4.add(f32x4.add(l4, f32x4.mul(f, l5)), f32x4.mul(ff, l6));
    const polynomial = f32x4.add(low, f32x4.mul(f32x4.mul(ff, ff), high));
    const radius = f32x4.mul(f32x4.sqrt(f32x4.add(f32x4.mul(exponent, ln4), f32x4.mul(f, polynomial))), size);

    // An angle from -45 to 45 degrees of the upper 29 bits; bit 0 exchanges sine and cosine, bit 1 is the cosine's sign.
    const x = f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_s(g, 3)), turn);
    const xx = f32x4.mul(x, x);
    const sine = f32x4.mul(x, f32x4.add(s0, f32x4.mul(xx, f32x4.add(s1, f32x4.mul(xx, s2)))));
    const positive = f32x4.add(
      one,
      f32x4.mul(xx, f32x4.add(c1, f32x4.mul(xx, f32x4.add(c2, f32x4.mul(xx, c3))))),
    );
    const cosine = v128.xor(positive, i32x4.shl(i32x4.shr_u(g, 1), 31));
    const swapped = v128.and(v128.xor(sine, cosine), i32x4.shr_s(i32x4.shl(g, 31), 31));
    const a = f32x4.mul(v128.xor(cosine, swapped), radius);
    const b = f32x4.mul(v128.xor(sine, swapped), radius);

    if (sizeof<T>() == 8) {
      v128.store(at, f64x2.promote_low_f32x4(a));
      v128.store(at, f64x2.promote_low_f32x4(i64x2.shuffle(a, a, 1, 1)), 16);
      v128.store(at, f64x2.promote_low_f32x4(b), 32);
      v128.store(at, f64x2.promote_low_f32x4(i64x2.shuffle(b, b, 1, 1)), 48);
      at += 64;
      left -= 8;
    } else if (left >= 8) {
      v128.store(at, f32x4.add(v128.load(at), a));
      v128.store(at, f32x4.add(v128.load(at, 16), b), 16);
      at += 32;
      left -= 8;
    } else {
      addLanes(at, a, left);
      if (left > 4) addLanes(at + 16, b, left - 4);
      left = 0;
    }
  }
}

/** Adds the first `count` lanes, four at most, to float32. */
function addLanes(at: usize, v: v128, count: usize): void {
  store<f32>(at, load<f32>(at) + f32x4.extract_lane(v, 0));
  if (count > 1) store<f32>(at, load<f32>(at, 4) + f32x4.extract_lane(v, 1), 4);
  if (count > 2) store<f32>(at, load<f32>(at, 8) + f32x4.extract_lane(v, 2), 8);
  if (count > 3) store<f32>(at, load<f32>(at, 12) + f32x4.extract_lane(v, 3), 12);
}

/** Adds normal noise of standard deviation `sigma` to `count` float32. */
export function addNormals(at: usize, count: usize, sigma: f32, key0: u32, key1: u32): void {
  normals<f32>(at, count, 0, sigma, key0, key1);
}

/** Writes `count` standard normal numbers, a multiple of 8, as float64: those of the places `begin`, begin + 1, ... */
export function writeNormals(to: usize, count: usize, begin: u32, key0: u32, key1: u32): void {
  normals<f64>(to, count, begin, 1, key0, key1);
}
