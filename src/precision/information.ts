// Real information in the bits of values, after Kloewer et al. 2021 (Nature Computational Science 1, 713): a bit is worth
// keeping as far as it tells something of the same bit of the next value. Bits of noise tell nothing.

/** Information by bit of float64, from the sign down to the last bit of the fraction. */
export interface Information {
  /** Mutual information with the next value's bit, in bits; 0 where it is not significant (99 %). */
  byBit: number[];
  /** Sum of it. */
  bits: number;
  /** Bits from the sign on that hold 99 % of it. */
  keptBits: number;
  /** Pairs of neighbours that were counted. */
  pairs: number;
}

const mostPairs = 16_384;

/** @param length values in a stretch: neighbours are looked for within stretches alone */
export function informationOf(values: Float64Array, length: number): Information | null {
  if (length < 2) return null;
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  // How often a bit is set in the first of two, in the second, in both.
  const first = new Float64Array(64);
  const second = new Float64Array(64);
  const both = new Float64Array(64);
  const stretches = Math.floor(values.length / length);
  const stride = Math.max(1, Math.floor((stretches * length) / mostPairs));
  let pairs = 0;
  for (let stretch = 0; stretch < stretches; stretch += stride) {
    for (let k = stretch * length; k < (stretch + 1) * length - 1; k += 1) {
      if (values[k]! - values[k]! !== 0 || values[k + 1]! - values[k + 1]! !== 0) continue;
      pairs += 1;
      for (let half = 0; half < 2; half += 1) {
        const a = words[2 * k + 1 - half]!;
        const b = words[2 * k + 3 - half]!;
        for (let bit = 0; bit < 32; bit += 1) {
          const x = (a >>> (31 - bit)) & 1;
          const y = (b >>> (31 - bit)) & 1;
          first[32 * half + bit]! += x;
          second[32 * half + bit]! += y;
          both[32 * half + bit]! += x & y;
        }
      }
    }
  }
  if (pairs === 0) return null;
  // What two coins would seem to tell of each other by chance, at 99 %.
  const chance = 1 - entropy(0.5 + 2.5758 / (2 * Math.sqrt(pairs)));
  const byBit = Array.from({ length: 64 }, (_, k) => {
    const told = mutual(first[k]! / pairs, second[k]! / pairs, both[k]! / pairs);
    return told > chance ? told : 0;
  });
  const bits = byBit.reduce((sum, one) => sum + one, 0);
  let keptBits = 0;
  for (let sum = 0; keptBits < 64 && sum < 0.99 * bits; keptBits += 1) sum += byBit[keptBits]!;
  return { byBit, bits, keptBits, pairs };
}

function entropy(p: number): number {
  return p <= 0 || p >= 1 ? 0 : -p * Math.log2(p) - (1 - p) * Math.log2(1 - p);
}

/** Mutual information of two bits that are set with chances p and q, and both with chance r. */
function mutual(p: number, q: number, r: number): number {
  const cell = (joint: number, a: number, b: number) => (joint <= 0 ? 0 : joint * Math.log2(joint / (a * b)));
  return cell(r, p, q) + cell(p - r, p, 1 - q) + cell(q - r, 1 - p, q) + cell(1 - p - q + r, 1 - p, 1 - q);
}
