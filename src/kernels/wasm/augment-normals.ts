// Normally distributed noise: a counter is hashed twice (MurmurHash3's finaliser, keyed), two such hashes give two normal
// numbers by Box and Muller's method, eight at a time. What value k gets depends on the keys and k alone.
//
//   hashes  h0..h3 of k..k+3 -> radius sqrt(-2 ln u)     h4..h7 -> angle, swap and signs
//   values  k..k+3: radius * cosine                      k+4..k+7: radius * sine
//
// Rule: only operations that IEEE 754 fixes to the bit, so that the same seed gives the same values everywhere.

@inline
function mix(v: v128): v128 {
  let x = i32x4.mul(v128.xor(v, i32x4.shr_u(v, 16)), i32x4.splat(0x85ebca6b));
  x = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 13)), i32x4.splat(0xc2b2ae35));
  return v128.xor(x, i32x4.shr_u(x, 16));
}

@inline
function hash(counters: v128, key0: v128, key1: v128): v128 {
  return mix(v128.xor(mix(v128.xor(counters, key0)), key1));
}

/** sqrt(-2 ln u), u = (h + 1) / 2^31 of the upper 31 bits: up to 6.6. The logarithm is musl's logf. */
@inline
function radius(hashes: v128): v128 {
  const u = f32x4.mul(
    f32x4.add(f32x4.convert_i32x4_s(i32x4.shr_u(hashes, 1)), f32x4.splat(1)),
    f32x4.splat(4.656612873077393e-10),
  );
  const bits = i32x4.add(u, i32x4.splat(0x3f800000 - 0x3f3504f3));
  const exponent = f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_u(bits, 23), i32x4.splat(127)));
  const m = i32x4.add(v128.and(bits, i32x4.splat(0x7fffff)), i32x4.splat(0x3f3504f3));
  const f = f32x4.sub(m, f32x4.splat(1));
  const s = f32x4.div(f, f32x4.add(f32x4.splat(2), f));
  const z = f32x4.mul(s, s);
  const w = f32x4.mul(z, z);
  const even = f32x4.mul(w, f32x4.add(f32x4.splat(0.40000972152), f32x4.mul(w, f32x4.splat(0.24279078841))));
  const odd = f32x4.mul(z, f32x4.add(f32x4.splat(0.66666662693), f32x4.mul(w, f32x4.splat(0.28498786688))));
  const half = f32x4.mul(f32x4.splat(0.5), f32x4.mul(f, f));
  let log = f32x4.add(
    f32x4.mul(s, f32x4.add(half, f32x4.add(even, odd))),
    f32x4.mul(exponent, f32x4.splat(9.0580006145e-6)),
  );
  log = f32x4.add(f32x4.add(f32x4.sub(log, half), f), f32x4.mul(exponent, f32x4.splat(0.69313812256)));
  return f32x4.sqrt(f32x4.max(f32x4.mul(log, f32x4.splat(-2)), f32x4.splat(0)));
}

/** Sine of an angle from -45 to 45 degrees, of which bits 3 to 31 are the fraction. */
@inline
function angleOf(hashes: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_s(hashes, 3)), f32x4.splat(2.9258361585343192e-9));
}

@inline
function sine(x: v128, z: v128): v128 {
  const p = f32x4.add(
    f32x4.mul(f32x4.add(f32x4.mul(f32x4.splat(-1.9515295891e-4), z), f32x4.splat(8.3321608736e-3)), z),
    f32x4.splat(-1.6666654611e-1),
  );
  return f32x4.add(x, f32x4.mul(f32x4.mul(x, z), p));
}

@inline
function cosine(z: v128): v128 {
  const p = f32x4.add(
    f32x4.mul(f32x4.add(f32x4.mul(f32x4.splat(2.443315711809948e-5), z), f32x4.splat(-1.388731625493765e-3)), z),
    f32x4.splat(4.166664568298827e-2),
  );
  return f32x4.add(f32x4.sub(f32x4.splat(1), f32x4.mul(f32x4.splat(0.5), z)), f32x4.mul(f32x4.mul(z, z), p));
}

/** Cosine (`first`) or sine of an angle on the whole circle: an eighth of it, turned by bit 0 and signed by bits 1 and 2. */
@inline
function direction(hashes: v128, first: bool): v128 {
  const x = angleOf(hashes);
  const z = f32x4.mul(x, x);
  const swapped = i32x4.shr_s(i32x4.shl(hashes, 31), 31);
  const value = first
    ? v128.bitselect(sine(x, z), cosine(z), swapped)
    : v128.bitselect(cosine(z), sine(x, z), swapped);
  return v128.xor(value, v128.and(i32x4.shl(hashes, first ? 30 : 29), i32x4.splat(0x80000000)));
}

/** Adds the first `count` lanes of `v` times `sigma` to float32. */
function addLanes(at: usize, v: v128, count: usize): void {
  if (count > 0) store<f32>(at, load<f32>(at) + f32x4.extract_lane(v, 0));
  if (count > 1) store<f32>(at, load<f32>(at, 4) + f32x4.extract_lane(v, 1), 4);
  if (count > 2) store<f32>(at, load<f32>(at, 8) + f32x4.extract_lane(v, 2), 8);
  if (count > 3) store<f32>(at, load<f32>(at, 12) + f32x4.extract_lane(v, 3), 12);
}

/** Adds normal noise of standard deviation `sigma` to `count` float32. */
export function addNormals(at: usize, count: usize, sigma: f32, key0: u32, key1: u32): void {
  const wide = at + ((count & ~7) << 2);
  const end = at + (count << 2);
  const first = i32x4.splat(key0);
  const second = i32x4.splat(key1);
  const size = f32x4.splat(sigma);
  const step = i32x4.splat(8);
  let counters = i32x4(0, 1, 2, 3);
  for (; at < end; at += 32) {
    const r = f32x4.mul(radius(hash(counters, first, second)), size);
    const angles = hash(i32x4.add(counters, i32x4.splat(4)), first, second);
    const a = f32x4.mul(r, direction(angles, true));
    const b = f32x4.mul(r, direction(angles, false));
    if (at < wide) {
      v128.store(at, f32x4.add(v128.load(at), a));
      v128.store(at, f32x4.add(v128.load(at, 16), b), 16);
    } else {
      const left = (end - at) >> 2;
      addLanes(at, a, left);
      if (left > 4) addLanes(at + 16, b, left - 4);
    }
    counters = i32x4.add(counters, step);
  }
}

/** Writes `count` standard normal numbers, a multiple of 8, as float64: those of the places `begin`, begin + 1, ... */
export function writeNormals(to: usize, count: usize, begin: u32, key0: u32, key1: u32): void {
  const end = to + (count << 3);
  const first = i32x4.splat(key0);
  const second = i32x4.splat(key1);
  let counters = i32x4.add(i32x4.splat(begin), i32x4(0, 1, 2, 3));
  for (; to < end; to += 64) {
    const r = radius(hash(counters, first, second));
    const angles = hash(i32x4.add(counters, i32x4.splat(4)), first, second);
    const a = f32x4.mul(r, direction(angles, true));
    const b = f32x4.mul(r, direction(angles, false));
    v128.store(to, f64x2.promote_low_f32x4(a));
    v128.store(to, f64x2.promote_low_f32x4(i64x2.shuffle(a, a, 1, 1)), 16);
    v128.store(to, f64x2.promote_low_f32x4(b), 32);
    v128.store(to, f64x2.promote_low_f32x4(i64x2.shuffle(b, b, 1, 1)), 48);
    counters = i32x4.add(counters, i32x4.splat(8));
  }
}
