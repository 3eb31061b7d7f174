// A set of rows as one bit each, with rank and select: which row is the k-th of the set, found in a few steps. The bits
// are those of the file in splits/: row r is bit r % 8 of byte floor(r / 8), lowest bit first.
// The directory counts the rows before each block of 2,048: 1.6 % on top of the bits.

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
