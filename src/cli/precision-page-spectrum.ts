// Power over frequency of stretches of values, after Welch: segments of one length under a Hann window, their mean taken
// off, their powers averaged. Power is one-sided and sums up to the mean square of the segments.

/** Mean power in each frequency k / size, k from 0 to size / 2; undefined where there is no segment. */
export function meanPower(segments: readonly Float64Array[]): Float64Array | undefined {
  const size = segments[0]?.length ?? 0;
  if (size < 2) return undefined;
  const window = Float64Array.from(
    { length: size },
    (_, k) => 0.5 - 0.5 * Math.cos((2 * Math.PI * k) / size),
  );
  const weight = window.reduce((sum, one) => sum + one * one, 0) * size;
  const powers = new Float64Array(size / 2 + 1);
  for (const segment of segments) {
    const mean = segment.reduce((sum, one) => sum + one / size, 0);
    const real = segment.map((one, k) => (one - mean) * window[k]!);
    const imaginary = new Float64Array(size);
    transform(real, imaginary);
    for (let k = 0; k < powers.length; k += 1) {
      const sides = k === 0 || k === size / 2 ? 1 : 2;
      powers[k]! += (sides * (real[k]! ** 2 + imaginary[k]! ** 2)) / weight / segments.length;
    }
  }
  return powers;
}

/** Fast Fourier transform in place; the length is a power of two. */
export function transform(real: Float64Array, imaginary: Float64Array): void {
  const size = real.length;
  for (let k = 1, mirrored = 0; k < size; k += 1) {
    let bit = size >> 1;
    for (; mirrored & bit; bit >>= 1) mirrored ^= bit;
    mirrored |= bit;
    if (k < mirrored) {
      [real[k], real[mirrored]] = [real[mirrored]!, real[k]!];
      [imaginary[k], imaginary[mirrored]] = [imaginary[mirrored]!, imaginary[k]!];
    }
  }
  for (let half = 1; half < size; half *= 2) {
    for (let k = 0; k < half; k += 1) {
      const angle = (-Math.PI * k) / half;
      const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
      for (let upper = k; upper < size; upper += 2 * half) {
        const lower = upper + half;
        const x = real[lower]! * cosine - imaginary[lower]! * sine;
        const y = real[lower]! * sine + imaginary[lower]! * cosine;
        real[lower] = real[upper]! - x;
        imaginary[lower] = imaginary[upper]! - y;
        real[upper]! += x;
        imaginary[upper]! += y;
      }
    }
  }
}

/**
 * Stretches without a gap, of one length: as long a power of two as there is one of, at most `longest`.
 *
 * @param values stretch after stretch
 * @param length values in a stretch
 * @param most segments at most, spread over all stretches
 * @returns places of their first values, and their length; none below 16 values
 */
export function wholeSegments(
  values: Float64Array,
  length: number,
  { longest, most }: { longest: number; most: number },
): { starts: number[]; size: number } {
  for (let size = 2 ** Math.floor(Math.log2(Math.min(length, longest))); size >= 16; size /= 2) {
    const starts: number[] = [];
    for (let stretch = 0; stretch + length <= values.length; stretch += length) {
      let since = 0;
      for (let k = 0; k < length; k += 1) {
        const value = values[stretch + k]!;
        since = value - value === 0 ? since + 1 : 0;
        if (since === size) {
          starts.push(stretch + k + 1 - size);
          since = 0;
        }
      }
    }
    if (starts.length > 0) {
      const stride = Math.max(1, starts.length / most);
      const count = Math.min(starts.length, most);
      return { starts: Array.from({ length: count }, (_, k) => starts[Math.floor(k * stride)]!), size };
    }
  }
  return { starts: [], size: 0 };
}
