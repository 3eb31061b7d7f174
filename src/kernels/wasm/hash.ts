// XXH64 (Yann Collet, xxHash specification 0.1.1), seed 0, one-shot and streaming.
// State, 40 bytes at an address that is a multiple of 8: four accumulators, then the number of bytes so far.

const P1: u64 = 0x9e3779b185ebca87;
const P2: u64 = 0xc2b2ae3d27d4eb4f;
const P3: u64 = 0x165667b19e3779f9;
const P4: u64 = 0x85ebca77c2b2ae63;
const P5: u64 = 0x27d4eb2f165667c5;

@inline
function round(acc: u64, input: u64): u64 {
  return rotl<u64>(acc + input * P2, 31) * P1;
}

@inline
function merge(hash: u64, acc: u64): u64 {
  return (hash ^ round(0, acc)) * P1 + P4;
}

/** Sets a state to its start. */
export function xxh64Start(state: usize): void {
  store<u64>(state, P1 + P2);
  store<u64>(state, P2, 8);
  store<u64>(state, 0, 16);
  store<u64>(state, 0 - P1, 24);
  store<u64>(state, 0, 32);
}

/** Takes in `length` bytes, a multiple of 32. */
export function xxh64Update(state: usize, at: usize, length: usize): void {
  let a = load<u64>(state);
  let b = load<u64>(state, 8);
  let c = load<u64>(state, 16);
  let d = load<u64>(state, 24);
  const end = at + length;
  while (at < end) {
    a = round(a, load<u64>(at));
    b = round(b, load<u64>(at, 8));
    c = round(c, load<u64>(at, 16));
    d = round(d, load<u64>(at, 24));
    at += 32;
  }
  store<u64>(state, a);
  store<u64>(state, b, 8);
  store<u64>(state, c, 16);
  store<u64>(state, d, 24);
  store<u64>(state, load<u64>(state, 32) + length, 32);
}

/** Takes in the last `length` bytes (fewer than 32) and gives the hash. */
export function xxh64Finish(state: usize, at: usize, length: usize): u64 {
  const before = load<u64>(state, 32);
  const c = load<u64>(state, 16);
  let hash: u64;
  if (before > 0) {
    const a = load<u64>(state);
    const b = load<u64>(state, 8);
    const d = load<u64>(state, 24);
    hash = rotl<u64>(a, 1) + rotl<u64>(b, 7) + rotl<u64>(c, 12) + rotl<u64>(d, 18);
    hash = merge(merge(merge(merge(hash, a), b), c), d);
  } else {
    hash = P5;
  }
  return tail(hash + before + length, at, length);
}

function tail(start: u64, at: usize, length: usize): u64 {
  let hash = start;
  const end = at + length;
  while (at + 8 <= end) {
    hash = rotl<u64>(hash ^ round(0, load<u64>(at)), 27) * P1 + P4;
    at += 8;
  }
  if (at + 4 <= end) {
    hash = rotl<u64>(hash ^ (<u64>load<u32>(at) * P1), 23) * P2 + P3;
    at += 4;
  }
  while (at < end) {
    hash = rotl<u64>(hash ^ (<u64>load<u8>(at) * P5), 11) * P1;
    at += 1;
  }
  hash = (hash ^ (hash >> 33)) * P2;
  hash = (hash ^ (hash >> 29)) * P3;
  return hash ^ (hash >> 32);
}

/** XXH64 of `length` bytes. */
function xxh64(at: usize, length: usize): u64 {
  if (length < 32) return tail(P5 + length, at, length);
  let a: u64 = P1 + P2;
  let b: u64 = P2;
  let c: u64 = 0;
  let d: u64 = 0 - P1;
  const end = at + length;
  const stripes = at + (length & ~31);
  while (at < stripes) {
    a = round(a, load<u64>(at));
    b = round(b, load<u64>(at, 8));
    c = round(c, load<u64>(at, 16));
    d = round(d, load<u64>(at, 24));
    at += 32;
  }
  let hash = rotl<u64>(a, 1) + rotl<u64>(b, 7) + rotl<u64>(c, 12) + rotl<u64>(d, 18);
  hash = merge(merge(merge(merge(hash, a), b), c), d);
  return tail(hash + length, at, end - at);
}

/** 1 if the hash of `length` bytes is the one stored, little-endian, at `sum`. */
export function xxh64Matches(at: usize, length: usize, sum: usize): i32 {
  return i32(xxh64(at, length) == load<u64>(sum));
}

/** Writes the hash of each run of `runLength` bytes (the last may be shorter), 8 bytes each, to `to`. */
export function xxh64Runs(at: usize, runLength: usize, length: usize, to: usize): void {
  const end = at + length;
  for (; at < end; at += runLength, to += 8) {
    const left = end - at;
    store<u64>(to, xxh64(at, left < runLength ? left : runLength));
  }
}
