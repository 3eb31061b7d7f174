import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { choose } from "#spillway/precision/choose";
import { Coder } from "#spillway/precision/coder";
import { bytesOf } from "#spillway/tensor/dtype";
import { fieldStride, type TensorField, tensor } from "#spillway/tensor/field";
import { analyse } from "./analyse.js";

const wholes = fc.array(fc.integer({ min: -200, max: 200 }), { minLength: 8, maxLength: 200 });
const number = fc.oneof(
  fc.double({ noNaN: true, min: -1e6, max: 1e6 }),
  fc.constantFrom(1, 0.1, 1 / 255, 0.001, 1e-300, 2 ** -1070, 5e-324, 3e5, -0.0012, -1),
);
const odd = fc.constantFrom(-0, Number.NaN, 1 / 0, -1 / 0, 0.3, 1e300, 2 ** 60);

test("whatever is claimed of a type holds for every value, of any signal, parted anyhow", () => {
  let smaller = 0;
  fc.assert(
    fc.property(
      wholes,
      number,
      fc.option(number, { nil: undefined }),
      fc.array(fc.tuple(fc.nat(200), odd), { maxLength: 3 }),
      fc.constantFrom<"float64" | "float32">("float64", "float64", "float32"),
      fc.constantFrom(0, 2),
      fc.boolean(),
      (steps, gain, offset, oddities, dtype, probe, lossy) => {
        const values = steps.map((q) => (offset === undefined ? q * gain : q * gain + offset));
        for (const [at, value] of oddities) if (at < values.length) values[at] = value;
        const field = tensor(dtype, [4, 2], { channelAxis: 1 });
        const samples = values.length >> 3;
        const numbers = dtype === "float64" ? Float64Array.from(values) : Float32Array.from(values);
        const bytes = bytesOf(numbers.subarray(0, samples * 8));
        const report = analyse({ field, bytes, samples }, { probe });
        const { dtype: stored, encoding } = choose(report, { lossy });
        if (!encoding) return;
        smaller += 1;
        const coder = new Coder({ ...field, dtype: stored, encoding } as TensorField);
        const target = new Uint8Array(fieldStride(coder.field));
        const stride = fieldStride(field);
        for (let at = 0; at < bytes.length; at += stride) {
          coder.encode(bytes.subarray(at, at + stride), target);
          const back = coder.decode(target);
          for (let k = 0; k < 8; k += 1) {
            const value = numbers[at / (stride / 8) + k]!;
            if (encoding.claim === "lossless") assert.ok(Object.is(back[k], value), `${value}: ${back[k]}`);
            if (encoding.claim === "exact")
              assert.ok(Object.is(Math.fround(back[k]!), Math.fround(value)), `${value}`);
          }
        }
        assert.ok(coder.tallies.every(({ clipped }) => clipped === 0));
      },
    ),
    { numRuns: 1500 },
  );
  assert.ok(smaller > 1000, `${smaller}`);
});
