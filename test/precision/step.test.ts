import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Coder } from "#spillway/precision/coder";
import { exactStep, gridOf, levelsOf, stepped, ulpOf } from "#spillway/precision/levels";
import { bytesForSteps, findCode } from "#spillway/precision/step";
import { bytesOf, type DType } from "#spillway/tensor/dtype";
import type { ChannelCode } from "#spillway/tensor/encoding";
import { Lot } from "./signals.js";

const integers: Record<number, { dtype: DType; least: number }> = {
  1: { dtype: "uint8", least: 0 },
  2: { dtype: "int16", least: -(2 ** 15) },
  4: { dtype: "int32", least: -(2 ** 31) },
};

/** Encodes values with a formula and says which bytes come back. */
function roundTrip(values: Float64Array, code: ChannelCode, low: number, bytes: number) {
  const { dtype, least } = integers[bytes]!;
  const whole = { ...code, zero: low - least };
  const coder = new Coder({
    kind: "tensor",
    dtype,
    shape: [values.length],
    encoding: { original: "float64", claim: "lossless", channels: [whole] },
  });
  const stored = new Uint8Array(values.length * bytes);
  coder.encode(bytesOf(values), stored);
  const back = new Uint8Array(values.length * 8);
  coder.restore(stored, back);
  return { back: new Float64Array(back.buffer), tally: coder.tallies[0]! };
}

/** Least whole number that a formula has for values. */
function leastWhole(values: Float64Array, code: ChannelCode): number {
  const wholes = values.map((value) =>
    Math.round(
      code.kind === "divided" ? value * code.divisor : (value - (code.offset ?? 0)) / (code.scale ?? 1),
    ),
  );
  return wholes.reduce((least, one) => Math.min(least, one), Number.POSITIVE_INFINITY);
}

interface Recorder {
  kind: string;
  bits: number;
  gain: number;
  offset?: number;
}

/** A recorder drawn by lot: scales of any size, subnormal ones too, of either sign, with and without offset. */
function anyRecorder(lot: Lot): Recorder {
  const bits = [4, 8, 8, 10, 12, 12, 14, 16][lot.below(8)]!;
  const sign = lot.next() < 0.5 ? -1 : 1;
  const offsets = [undefined, undefined, 0, lot.between(-1, 1), lot.below(1000) / 10];
  const kinds: (() => Recorder)[] = [
    () => ({ kind: "any gain", bits, gain: sign * 10 ** lot.between(-12, 6) }),
    () => {
      const gain = sign * 10 ** lot.between(-9, 3);
      return { kind: "gain and offset", bits, gain, offset: lot.between(-3, 3) * gain * 2 ** bits };
    },
    () => ({
      kind: "large offset",
      bits: Math.min(bits, 12),
      gain: lot.between(0.001, 0.01),
      offset: lot.between(-1e5, 1e5),
    }),
    () => ({
      kind: "short numbers",
      bits,
      gain: (sign * (1 + lot.below(999))) / 10 ** (1 + lot.below(6)),
      ...maybe(offsets[lot.below(5)]),
    }),
    () => ({
      kind: "power of two",
      bits,
      gain: sign * 2 ** (lot.below(80) - 60),
      ...maybe(offsets[lot.below(3)]),
    }),
    () => ({ kind: "subnormal", bits, gain: sign * (1 + lot.below(2000)) * 2 ** -1074 }),
    () => ({ kind: "barely normal", bits, gain: sign * lot.between(1, 9) * 2 ** -1024 }),
    () => ({
      kind: "full scale",
      bits,
      gain: (1 + lot.below(50)) / 10 / (2 ** bits - 1),
      ...maybe(offsets[lot.below(5)]),
    }),
  ];
  return kinds[lot.below(kinds.length)]!();
}

function maybe(offset: number | undefined): { offset?: number } {
  return offset === undefined ? {} : { offset };
}

function record(lot: Lot, { bits, gain, offset }: Recorder, count: number): Float64Array {
  const shift = lot.next() < 0.5 ? 0 : -(2 ** (bits - 1));
  return Float64Array.from({ length: count }, () => {
    const q = lot.below(2 ** bits) + shift;
    return offset === undefined ? q * gain : q * gain + offset;
  });
}

test("what is claimed lossless comes back bit for bit: 10,000 recorders, of which 99 % are found", () => {
  const lot = new Lot(20);
  const kinds = new Map<string, [found: number, all: number]>();
  let found = 0;
  const count = 10_000;
  for (let k = 0; k < count; k += 1) {
    const recorder = anyRecorder(lot);
    const values = record(lot, recorder, 250);
    const result = findCode(values);
    const tally = kinds.get(recorder.kind) ?? [0, 0];
    kinds.set(recorder.kind, tally);
    tally[1] += 1;
    if (!result || result.steps >= 2 ** 32) continue;
    const bytes = bytesForSteps(result.steps);
    const { back, tally: coded } = roundTrip(values, result.code, leastWhole(values, result.code), bytes);
    assert.deepEqual([coded.changed, coded.clipped], [0, 0], JSON.stringify([recorder, result]));
    for (let at = 0; at < values.length; at += 1) {
      if (!Object.is(back[at], values[at])) assert.fail(`${values[at]} came back as ${back[at]}`);
    }
    if (bytes <= bytesForSteps(2 ** recorder.bits - 1)) {
      found += 1;
      tally[0] += 1;
    }
  }
  const shares = [...kinds].map(([kind, [some, all]]) => `${kind} ${((100 * some) / all).toFixed(2)} %`);
  assert.ok(found >= 0.99 * count, shares.join(", "));
  console.log(`# found ${found} of ${count}: ${shares.join(", ")}`);
});

test("what is claimed exact comes back as the same float32: 2,000 recorders in float32", () => {
  const lot = new Lot(21);
  let found = 0;
  for (let k = 0; k < 2000; k += 1) {
    const bits = [8, 10, 12][lot.below(3)]!;
    const gain = 10 ** lot.between(-4, 2);
    const values = record(
      lot,
      { kind: "", bits, gain, ...(k % 2 ? { offset: lot.between(-2, 2) * gain * 2 ** bits } : {}) },
      400,
    );
    values.forEach((value, at) => {
      values[at] = Math.fround(value);
    });
    const result = findCode(values, "float32");
    if (!result || bytesForSteps(result.steps) > 2) continue;
    found += 1;
    const { back } = roundTrip(
      values,
      result.code,
      leastWhole(values, result.code),
      bytesForSteps(result.steps),
    );
    for (let at = 0; at < values.length; at += 1) {
      if (!Object.is(Math.fround(back[at]!), values[at]))
        assert.fail(`${values[at]} came back as ${back[at]}`);
    }
  }
  assert.ok(found >= 0.97 * 2000, `found ${found}`);
  console.log(`# found ${found} of 2000`);
});

test("decimals and fractions of 8 to 16 bits are found with the divisor itself", () => {
  const lot = new Lot(22);
  for (const divisor of [10, 100, 1000, 1e4, 1e5, 1e6, 255, 127, 127.5, 1023, 4095, 32_767, 65_535]) {
    const from = lot.below(2) * 1e6;
    const values = Float64Array.from({ length: 3000 }, () => (from + lot.below(60_000)) / divisor);
    const result = findCode(values);
    assert.ok(result && bytesForSteps(result.steps) === 2, `${divisor}`);
    if (from === 0) assert.deepEqual(result.code, { kind: "divided", divisor });
  }
});

test("nothing is found in noise, and nothing is claimed of it", () => {
  const lot = new Lot(23);
  assert.equal(findCode(Float64Array.from({ length: 5000 }, () => lot.normal())), undefined);
  assert.equal(findCode(new Float64Array([Number.NaN])), undefined);
  assert.equal(findCode(new Float64Array(0)), undefined);
  fc.assert(
    fc.property(fc.array(fc.double(), { maxLength: 40 }), (numbers) => {
      const values = Float64Array.from(numbers);
      const result = findCode(values);
      if (!result) return;
      const { code, steps } = result;
      assert.ok(steps < 2 ** 32);
      const scale = code.kind === "divided" ? code.divisor : (code.scale ?? 1);
      for (const value of levelsOf(values)) {
        const back =
          code.kind === "divided"
            ? Math.round(value * scale) / scale
            : Math.round((value - (code.offset ?? 0)) / scale) * scale + (code.offset ?? 0);
        assert.equal(back, value);
      }
    }),
    { numRuns: 2000 },
  );
});

test("a step is found from levels that are off by rounding, an exact one from those that are not", () => {
  const levels = levelsOf(Float64Array.from({ length: 500 }, (_, k) => ((k * k) % 997) * 0.1 + 7));
  assert.ok(Math.abs(gridOf(levels, "float64")!.step - 0.1) < 1e-12);
  assert.equal(exactStep(Float64Array.of(0.375, 1.125, 1.5)), 0.375);
  assert.equal(exactStep(Float64Array.of(0.1, 0.2, 0.3)), undefined);
  assert.equal(gridOf(Float64Array.of(0, 1, Math.SQRT2, Math.PI, 10), "float64"), undefined);
});

test("neighbours of float64 are one ulp away", () => {
  fc.assert(
    fc.property(
      fc.double({ noNaN: true, min: -1e300, max: 1e300 }),
      fc.integer({ min: -9, max: 9 }),
      (value, steps) => {
        assert.equal(stepped(stepped(value, steps), -steps) + 0, value + 0);
        assert.equal(stepped(Math.abs(value), 1) - Math.abs(value), ulpOf(value));
      },
    ),
  );
});
