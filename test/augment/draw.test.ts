import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Draw, purposes } from "#spillway/augment/draw";
import { bindKernels, kernelModule, sharedMemory } from "#spillway/kernels/kernels";
import { chiSquareBound } from "../order/chi-square.js";

const memory = sharedMemory(2 ** 16);
const kernels = bindKernels(kernelModule(), memory);

function draws(seed: number): Draw {
  return new Draw(kernels, purposes.sample, seed);
}

/** Chi-square of counts that should all be alike. */
function assertEven(counts: ArrayLike<number>, what: string): void {
  const list = Array.from(counts);
  const expected = list.reduce((sum, count) => sum + count, 0) / list.length;
  const chi = list.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  assert.ok(chi < chiSquareBound(list.length - 1), `${what}: chi-square ${chi}`);
}

test("the first numbers of neighbouring samples, epochs, seeds and places are uniform and independent in pairs", () => {
  const draw = draws(1);
  const others = Array.from({ length: 100_001 }, (_, seed) => (seed < 3000 ? draws(seed) : draw));
  const walks: Record<string, (k: number) => number> = {
    samples: (k) => {
      draw.begin(3, k);
      draw.open(0);
      return draw.fraction();
    },
    "samples 2^32 apart": (k) => {
      draw.begin(3, k * 2 ** 32);
      draw.open(0);
      return draw.fraction();
    },
    epochs: (k) => {
      draw.begin(k, 7);
      draw.open(0);
      return draw.fraction();
    },
    places: (k) => {
      draw.begin(3, 7);
      draw.open(k);
      return draw.fraction();
    },
    "one stream": (k) => {
      if (k === 0) {
        draw.begin(5, 5);
        draw.open(1);
      }
      return draw.fraction();
    },
    seeds: (k) => {
      const other = others[k % 3000]!;
      other.begin(Math.floor(k / 3000), 0);
      other.open(0);
      return other.fraction();
    },
  };
  for (const [name, next] of Object.entries(walks)) {
    const [single, pairs] = [new Float64Array(256), new Float64Array(1024)];
    let before = next(0);
    for (let k = 1; k <= 100_000; k += 1) {
      const value = next(k);
      assert.ok(value >= 0 && value < 1);
      single[Math.floor(value * 256)]! += 1;
      pairs[Math.floor(before * 32) * 32 + Math.floor(value * 32)]! += 1;
      before = value;
    }
    assertEven(single, name);
    assertEven(pairs, `${name}, in pairs`);
  }
});

test("the low bits of numbers are as uniform as the high ones", () => {
  const draw = draws(9);
  const low = new Float64Array(256);
  for (let k = 0; k < 100_000; k += 1) {
    draw.begin(0, k);
    draw.open(0);
    low[(draw.fraction() * 2 ** 53) % 256]! += 1;
  }
  assertEven(low, "low bits");
});

test("seed and epoch are not added: run (42, epoch 1) has nothing of run (43, epoch 0)", () => {
  const [a, b] = [draws(42), draws(43)];
  a.begin(1, 5);
  b.begin(0, 5);
  a.open(0);
  b.open(0);
  assert.ok(a.key0 !== b.key0 && a.key1 !== b.key1);
});

test("normal noise of neighbouring samples is uncorrelated, value by value and shifted", () => {
  const count = 4096;
  const noise = (id: number) => {
    const values = new Float32Array(memory.buffer, 1024, count);
    const draw = draws(3);
    draw.begin(0, id);
    draw.open(0);
    values.fill(0);
    kernels.addNormals(1024, count, 1, draw.key0, draw.key1);
    return values.slice();
  };
  for (let id = 0; id < 50; id += 1) {
    const [a, b] = [noise(id), noise(id + 1)];
    for (let shift = -8; shift <= 8; shift += 1) {
      let sum = 0;
      for (let k = 8; k < count - 8; k += 1) sum += a[k]! * b[k + shift]!;
      assert.ok(Math.abs(sum) < 6 * Math.sqrt(count), `samples ${id} and ${id + 1}, ${shift}: ${sum}`);
    }
  }
});

test("value k of normal noise depends on the keys and k alone: longer noise begins alike", () => {
  const long = new Float32Array(memory.buffer, 1024, 1000);
  long.fill(0);
  kernels.addNormals(1024, 1000, 1, 11, 12);
  const all = long.slice();
  const wide = new Float64Array(memory.buffer, 16_384, 1000);
  for (let count = 1; count < 70; count += 1) {
    long.fill(0);
    kernels.addNormals(1024, count, 1, 11, 12);
    assert.deepEqual(long.slice(0, count), all.slice(0, count));
    assert.equal(long[count], 0);
  }
  for (const begin of [0, 8, 640]) {
    kernels.writeNormals(16_384, 64, begin, 11, 12);
    assert.deepEqual(Float32Array.from(wide.slice(0, 64)), all.slice(begin, begin + 64));
  }
});

test("logarithm, exponential, sine and cosine are those of the engine to 2e-16 of their size", () => {
  const close = (own: number, engine: number, size: number) =>
    assert.ok(Math.abs(own - engine) <= 4.5e-16 * size, `${own} is not ${engine}`);
  fc.assert(
    fc.property(fc.double({ min: 1e-300, max: 1e300, noNaN: true }), (x) =>
      close(kernels.naturalLog(x), Math.log(x), Math.abs(Math.log(x))),
    ),
  );
  fc.assert(
    fc.property(fc.double({ min: -699, max: 699, noNaN: true }), (x) =>
      close(kernels.exponential(x), Math.exp(x), Math.exp(x)),
    ),
  );
  fc.assert(
    fc.property(fc.double({ min: -2, max: 2, noNaN: true }), (turns) => {
      // The engine's angle is rounded: up to 2 pi times that of one.
      close(kernels.sineOfTurns(turns), Math.sin(2 * Math.PI * turns), 8);
      close(kernels.cosineOfTurns(turns), Math.cos(2 * Math.PI * turns), 8);
    }),
  );
  const exact = [0, 0.25, 0.5, 0.75, 1].map((turns) => [
    kernels.sineOfTurns(turns),
    kernels.cosineOfTurns(turns),
  ]);
  assert.deepEqual(
    exact.flat().map((value) => value + 0),
    [0, 1, 1, 0, 0, -1, -1, 0, 0, 1],
  );
});
