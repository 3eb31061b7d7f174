// The order of a run: the same keyed Feistel network as order/permutation.ts, which is its reference and its
// documentation. Here for speed: a reader asks for a whole run at once.

@inline
function mix(value: u32, key: u32): u32 {
  let v = value ^ key;
  v = (v ^ (v >> 16)) * 0x85ebca6b;
  v = (v ^ (v >> 13)) * 0xc2b2ae35;
  return v ^ (v >> 16);
}

/**
 * Writes the values at places start, start + 1, ... (each modulo n) as float64 to `to`.
 * `keys`: address of `rounds` uint32 round keys; `leftBits` and `rightBits`: the halves of the network's domain.
 */
export function permuteRun(
  start: f64,
  count: u32,
  n: f64,
  keys: usize,
  rounds: u32,
  leftBits: u32,
  rightBits: u32,
  to: usize,
): void {
  const size = <u64>n;
  const leftMask: u32 = (1 << leftBits) - 1;
  const rightMask: u32 = (1 << rightBits) - 1;
  let place = <u64>start % size;
  for (let i: u32 = 0; i < count; i += 1) {
    let x = place;
    do {
      let left = <u32>(x >> rightBits);
      let right = <u32>x & rightMask;
      for (let r: u32 = 0; r < rounds; r += 2) {
        left = (left ^ mix(right, load<u32>(keys + (r << 2)))) & leftMask;
        right = (right ^ mix(left, load<u32>(keys + (r << 2), 4))) & rightMask;
      }
      x = (<u64>left << rightBits) | right;
    } while (x >= size);
    store<f64>(to + (i << 3), <f64>x);
    place += 1;
    if (place == size) place = 0;
  }
}

/**
 * Turns `count` values (float64 at `at`, each below n) into their places, in place: the inverse of `permuteRun`.
 */
export function placesOf(
  at: usize,
  count: u32,
  n: f64,
  keys: usize,
  rounds: u32,
  leftBits: u32,
  rightBits: u32,
): void {
  const size = <u64>n;
  const leftMask: u32 = (1 << leftBits) - 1;
  const rightMask: u32 = (1 << rightBits) - 1;
  for (let i: u32 = 0; i < count; i += 1) {
    let x = <u64>load<f64>(at + (i << 3));
    do {
      let left = <u32>(x >> rightBits);
      let right = <u32>x & rightMask;
      for (let r = rounds; r > 0; r -= 2) {
        right = (right ^ mix(left, load<u32>(keys + ((r - 1) << 2)))) & rightMask;
        left = (left ^ mix(right, load<u32>(keys + ((r - 2) << 2)))) & leftMask;
      }
      x = (<u64>left << rightBits) | right;
    } while (x >= size);
    store<f64>(at + (i << 3), <f64>x);
  }
}
