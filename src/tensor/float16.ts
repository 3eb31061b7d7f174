// float16 as raw bits, since Node 20 has no Float16Array: IEEE 754 binary16, rounded to nearest, ties to even.

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/**
 * The 16 bits of the float16 nearest to a number. 65520 and above become infinity, NaN stays NaN.
 *
 * A double is rounded to float32 first, and to odd, so that rounding twice gives what rounding once would.
 */
export function toFloat16(value: number): number {
  float[0] = value;
  let word = bits[0]!;
  const rest = value - float[0]!;
  // Round to odd: float32 cut towards zero, its last bit set where anything was cut.
  if (rest !== 0 && Number.isFinite(float[0]!)) {
    if (rest < 0 !== value < 0) word -= 1;
    word |= 1;
  }
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) {
    // Normal: 13 bits of the fraction go; a carry runs into the exponent, up to infinity, as it should.
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  }
  if (magnitude < 0x33000000) return sign;
  // Subnormal: the fraction with its leading one, shifted to units of 2^-24.
  const shift = 126 - (magnitude >>> 23);
  const fraction = (magnitude & 0x7fffff) | 0x800000;
  const half = fraction >>> shift;
  const cut = fraction & ((1 << shift) - 1);
  const tie = 1 << (shift - 1);
  return sign | (half + (cut > tie || (cut === tie && (half & 1) === 1) ? 1 : 0));
}

/** The number that 16 bits of a float16 stand for. */
export function fromFloat16(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
