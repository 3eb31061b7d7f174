import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fromFloat16, toFloat16 } from "#spillway/tensor/float16";

test("every float16 becomes itself", () => {
  for (let bits = 0; bits < 65_536; bits++) {
    const value = fromFloat16(bits);
    if (Number.isNaN(value)) assert.ok(Number.isNaN(fromFloat16(toFloat16(value))));
    else assert.equal(toFloat16(value), bits);
  }
});

test("a number becomes the nearest float16, and of two as near the even one", () => {
  fc.assert(
    fc.property(fc.double({ min: -65_504, max: 65_504, noNaN: true }), (value) => {
      const bits = toFloat16(value);
      const error = Math.abs(fromFloat16(bits) - value);
      const magnitude = bits & 0x7fff;
      for (const other of [magnitude - 1, magnitude + 1]) {
        if (other < 0 || other > 0x7bff) continue;
        const rival = Math.abs(fromFloat16(other | (bits & 0x8000)) - value);
        assert.ok(
          error < rival || (error === rival && magnitude % 2 === 0),
          `${value} became ${fromFloat16(bits)}`,
        );
      }
    }),
    { numRuns: 2000 },
  );
});

test("ties, overflow and the smallest numbers are as IEEE 754 says", () => {
  const expected: [number, number][] = [
    [1 + 2 ** -11, 0x3c00],
    [1 + 2 ** -11 + 1e-14, 0x3c01],
    [1 + 3 * 2 ** -11, 0x3c02],
    [65_519.99, 0x7bff],
    [65_520, 0x7c00],
    [-1e308, 0xfc00],
    [2 ** -25, 0],
    [2 ** -25 * (1 + 2 ** -50), 1],
    [-1e-300, 0x8000],
    [-0, 0x8000],
  ];
  for (const [value, bits] of expected) assert.equal(toFloat16(value), bits, String(value));
});
