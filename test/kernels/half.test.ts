import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bindKernels, kernelModule, sharedMemory } from "#spillway/kernels/kernels";
import { fromFloat16, toFloat16 } from "#spillway/tensor/float16";

const memory = sharedMemory(2 ** 20);
const kernels = bindKernels(kernelModule(), memory);
const target = 2 ** 19;

/** float16 bits of float32 bits; NaN as any NaN. */
function narrowed(words: ArrayLike<number>): Uint16Array {
  new Uint32Array(memory.buffer, 64, words.length).set(Array.from(words));
  const out = new Uint16Array(memory.buffer, target, words.length + 8).fill(0xabcd);
  kernels.float32ToFloat16(64, target, words.length);
  assert.ok(
    out.subarray(words.length).every((bits) => bits === 0xabcd),
    "what follows was written",
  );
  return out.slice(0, words.length);
}

function check(words: readonly number[]): void {
  const floats = new Float32Array(Uint32Array.from(words).buffer);
  narrowed(words).forEach((bits, k) => {
    const should = toFloat16(floats[k]!);
    if (Number.isNaN(floats[k]!))
      assert.ok(Number.isNaN(fromFloat16(bits)), `NaN became ${bits.toString(16)}`);
    else
      assert.equal(
        bits,
        should,
        `0x${words[k]!.toString(16)}: ${bits.toString(16)}, not ${should.toString(16)}`,
      );
  });
}

test("every float16 value comes back, and what lies half way to the next goes to the even one", () => {
  const words = new Uint32Array(1);
  const float = new Float32Array(words.buffer);
  const all: number[] = [];
  for (let bits = 0; bits < 65_536; bits += 1) {
    float[0] = fromFloat16(bits);
    all.push(words[0]!);
    if ((bits & 0x7fff) >= 0x7c00) continue;
    // Half way to the next larger number, and its neighbours; above the largest, 65520.
    const next = (bits & 0x7fff) === 0x7bff ? (bits & 0x8000 ? -65_536 : 65_536) : fromFloat16(bits + 1);
    float[0] = (fromFloat16(bits) + next) / 2;
    all.push(words[0]!, words[0]! - 1, words[0]! + 1);
  }
  for (let k = 0; k < all.length; k += 50_001) check(all.slice(k, k + 50_001));
});

test("any float32 is rounded to the nearest float16, whatever the count", () => {
  const bits = fc.oneof(
    fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    fc.integer({ min: 0x32000000, max: 0x48000000 }),
  );
  fc.assert(fc.property(fc.array(bits, { maxLength: 40 }), check), { numRuns: 2000 });
});

test("zeros keep their sign, what is too large becomes infinite, float32 subnormals become zeros", () => {
  const words = [
    0, 0x80000000, 0x7f800000, 0xff800000, 0x477fefff, 0x477ff000, 0x7f7fffff, 1, 0x807fffff, 0x7fc00001,
  ];
  assert.deepEqual(
    [...narrowed(words)],
    [0, 0x8000, 0x7c00, 0xfc00, 0x7bff, 0x7c00, 0x7c00, 0, 0x8000, 0x7e00],
  );
});
