// A set of rows as one bit each, with rank and select: which row is the k-th of the set, found in a few steps. The bits
// are those of the file in splits/: row r is bit r % 8 of byte floor(r / 8), lowest bit first.
// The directory counts the rows before each block of 2,048: 1.6 % on top of the bits.
// Sets that are still being put together are bytes, as in the file: counted, met, left out of each other, and cut.

const blockBits = 2048;
const blockWords = blockBits / 32;

/** Bytes that the bits of `rows` rows take, padded to whole 32-bit words. */
export function bitmapBytes(rows: number): number {
  return Math.ceil(rows / 32) * 4;
}

/** Bytes that the directory takes: one float64 per block, and the total. */
export function directoryBytes(rows: number): number {
  return (Math.ceil(rows / blockBits) + 1) * 8;
}

/** Set bits of a 32-bit word. */
function popcount(word: number): number {
  let w = word - ((word >>> 1) & 0x55555555);
  w = (w & 0x33333333) + ((w >>> 2) & 0x33333333);
  return Math.imul((w + (w >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Fills the directory of a bitmap and gives the number of rows in the set. */
export function fillDirectory(bits: Uint32Array, directory: Float64Array): number {
  let total = 0;
  for (let block = 0; block < directory.length - 1; block += 1) {
    directory[block] = total;
    const end = Math.min(bits.length, (block + 1) * blockWords);
    for (let word = block * blockWords; word < end; word += 1) total += popcount(bits[word]!);
  }
  directory[directory.length - 1] = total;
  return total;
}

/** The row that has `index` rows of the set before it; `index` must be below the set's size. */
export function select(bits: Uint32Array, directory: Float64Array, index: number): number {
  let low = 0;
  let high = directory.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (directory[middle]! <= index) low = middle;
    else high = middle;
  }
  let left = index - directory[low]!;
  for (let word = low * blockWords; word < bits.length; word += 1) {
    const count = popcount(bits[word]!);
    if (left >= count) {
      left -= count;
      continue;
    }
    let w = bits[word]!;
    while (left > 0) {
      w &= w - 1;
      left -= 1;
    }
    return word * 32 + (31 - Math.clz32(w & -w));
  }
  throw new RangeError(`select(${index}) is beyond the set`);
}

/** Bytes that the bits of `rows` rows take in a file. */
export function bitBytes(rows: number): number {
  return Math.ceil(rows / 8);
}

const bitCounts = Uint8Array.from({ length: 256 }, (_, byte) => popcount(byte));

/** Rows of a set that is given as bytes. */
export function countBits(bits: Uint8Array): number {
  let total = 0;
  for (let at = 0; at < bits.length; at += 1) total += bitCounts[bits[at]!]!;
  return total;
}

/** Puts one row into a set. */
export function setBit(bits: Uint8Array, row: number): void {
  bits[Math.floor(row / 8)]! |= 1 << (row % 8);
}

/** Whether a row is in a set; rows beyond its bytes are not. */
export function hasBit(bits: Uint8Array, row: number): boolean {
  return ((bits[Math.floor(row / 8)] ?? 0) & (1 << (row % 8))) !== 0;
}

/** Leaves in `bits` what is in `other` as well, and gives `bits`. Bytes that `other` does not have are zeros. */
export function andBits(bits: Uint8Array, other: Uint8Array): Uint8Array {
  for (let at = 0; at < bits.length; at += 1) bits[at]! &= other[at] ?? 0;
  return bits;
}

/** Takes out of `bits` what is in `other`, and gives `bits`. */
export function andNotBits(bits: Uint8Array, other: Uint8Array): Uint8Array {
  for (let at = Math.min(bits.length, other.length) - 1; at >= 0; at -= 1) bits[at]! &= ~other[at]!;
  return bits;
}

/** Adds to `bits` what is in `other`, as far as `bits` has bytes for it, and gives `bits`. */
export function orBits(bits: Uint8Array, other: Uint8Array): Uint8Array {
  for (let at = Math.min(bits.length, other.length) - 1; at >= 0; at -= 1) bits[at]! |= other[at]!;
  return bits;
}

/**
 * The set without its rows from `rows` on: the first bytes, the bits beyond cleared. A copy unless nothing is cut.
 *
 * @param rows at most 8 for each byte of `bits`
 */
export function cutBits(bits: Uint8Array, rows: number): Uint8Array {
  const rest = rows % 8;
  const length = bitBytes(rows);
  const last = bits[length - 1] ?? 0;
  if (bits.length === length && (rest === 0 || last >> rest === 0)) return bits;
  const cut = bits.slice(0, length);
  if (rest !== 0) cut[length - 1] = last & ((1 << rest) - 1);
  return cut;
}
