// Logarithm, exponential, sine and cosine of float64 by fdlibm's polynomials, so that what is drawn by them has the same
// bits on every machine: the functions of JavaScript differ between engines, and those of AssemblyScript keep tables in
// memory that is not theirs. Errors are below two units in the last place.

/** Natural logarithm of a normal number above 0. */
export function naturalLog(x: f64): f64 {
  const bits = reinterpret<u64>(x) + ((<u64>(0x3ff00000 - 0x3fe6a09e)) << 32);
  const exponent = <f64>(<i32>(bits >> 52) - 1023);
  const m = reinterpret<f64>((bits & 0xfffffffffffff) + ((<u64>0x3fe6a09e) << 32));
  const f = m - 1;
  const half = 0.5 * f * f;
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const even = w * (0.3999999999940941908 + w * (0.2222219843214978396 + w * 0.1531383769920937332));
  const odd =
    z * (0.6666666666666735130 + w * (0.2857142874366239149 + w * (0.1818357216161805012 + w * 0.1479819860511658591)));
  return s * (half + even + odd) + exponent * 1.90821492927058770002e-10 - half + f + exponent * 6.93147180369123816490e-1;
}

/** e to the power of x; 0 below -700 and infinite above 700. */
export function exponential(x: f64): f64 {
  if (x < -700) return 0;
  if (x > 700) return Infinity;
  const k = nearest(x * 1.44269504088896338700);
  const high = x - k * 6.93147180369123816490e-1;
  const low = k * 1.90821492927058770002e-10;
  const r = high - low;
  const z = r * r;
  const c =
    r -
    z *
      (1.66666666666666019037e-1 +
        z * (-2.77777777770155933842e-3 + z * (6.61375632143793436117e-5 + z * (-1.65339022054652515390e-6 + z * 4.13813679705723846039e-8))));
  const y = 1 + ((r * c) / (2 - c) - low + high);
  return reinterpret<f64>(reinterpret<u64>(y) + ((<u64>(<i64>k)) << 52));
}

@inline
function sinePolynomial(x: f64): f64 {
  const z = x * x;
  return (
    x +
    x *
      z *
      (-1.66666666666666324348e-1 +
        z * (8.33333333332248946124e-3 + z * (-1.98412698298579493134e-4 + z * (2.75573137070700676789e-6 + z * (-2.50507602534068634195e-8 + z * 1.58969099521155010221e-10)))))
  );
}

@inline
function cosinePolynomial(x: f64): f64 {
  const z = x * x;
  const r =
    z *
    (4.16666666666666019037e-2 +
      z * (-1.38888888888741095749e-3 + z * (2.48015872894767294178e-5 + z * (-2.75573143513906633035e-7 + z * (2.08757232129817482790e-9 + z * -1.13596475577881948265e-11)))));
  const half = 0.5 * z;
  const w = 1 - half;
  return w + (1 - w - half + z * r);
}

/** Sine of an angle in turns: 1 is the whole circle. */
export function sineOfTurns(turns: f64): f64 {
  const part = turns - nearest(turns);
  const quarter = nearest(part * 4);
  const angle = (part - quarter * 0.25) * 6.283185307179586;
  const which = <i32>quarter & 3;
  const value = which & 1 ? cosinePolynomial(angle) : sinePolynomial(angle);
  return which & 2 ? -value : value;
}

/** Cosine of an angle in turns. */
export function cosineOfTurns(turns: f64): f64 {
  const part = turns - nearest(turns);
  const quarter = nearest(part * 4);
  const angle = (part - quarter * 0.25) * 6.283185307179586;
  const which = (<i32>quarter + 1) & 3;
  const value = which & 1 ? cosinePolynomial(angle) : sinePolynomial(angle);
  return which & 2 ? -value : value;
}
