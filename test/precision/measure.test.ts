import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type FieldPart, mergeParts } from "#spillway/precision/facts";
import { informationOf } from "#spillway/precision/information";
import { FieldMeasure } from "#spillway/precision/measure";
import { noiseOf } from "#spillway/precision/noise";
import { firstPass } from "#spillway/precision/plan";
import { mergeRanks, quantiles, RankSketch, type Ranks } from "#spillway/precision/ranks";
import { bytesOf, type DType, elementBytes, viewAs } from "#spillway/tensor/dtype";
import { fieldStride, type TensorField, tensor } from "#spillway/tensor/field";
import { fromFloat16, toFloat16 } from "#spillway/tensor/float16";
import { Lot, signalOf } from "./signals.js";

/** Measures samples in parts that begin at the cuts, merged from the last to the first. */
function measured(
  field: TensorField,
  bytes: Uint8Array,
  cuts: readonly number[],
  keepBytes = 4096,
): FieldPart {
  const stride = fieldStride(field);
  const plan = firstPass(field, { keepBytes }, bytes.subarray(0, stride));
  const ends = [...new Set([...cuts, bytes.length / stride])].sort((a, b) => a - b);
  const parts = ends.map((end, k) => {
    const start = k === 0 ? 0 : ends[k - 1]!;
    const measure = new FieldMeasure(field, plan);
    measure.add(bytes.subarray(start * stride, end * stride), start);
    return measure.part();
  });
  return parts.reduceRight((b, a) => mergeParts(a, b, plan));
}

/** Facts that do not depend on how sums are rounded. */
function exactOf(part: FieldPart) {
  return {
    samples: part.samples,
    inexact: part.inexact,
    facts: part.channels.map(({ facts: { mean: _mean, squares: _squares, ...facts } }) => facts),
    trials: part.channels.map(({ trial }) => trial && { ...trial, examples: trial.examples.length > 0 }),
    kept: part.kept,
  };
}

const odd = [
  0,
  -0,
  Number.NaN,
  1 / 0,
  -1 / 0,
  5e-324,
  -1e-310,
  1e-40,
  1e-5,
  65_519,
  65_520,
  3.5e38,
  1e300,
  2 ** -24,
  0.1,
];
const anyValue = fc.oneof(fc.constantFrom(...odd), fc.integer({ min: -300, max: 300 }), fc.double());

test("facts do not depend on how the data was parted, nor do the stretches that are kept", () => {
  fc.assert(
    fc.property(
      fc.constantFrom([3], [5, 2], [2, 3, 4], []),
      fc.integer({ min: 0, max: 2 }),
      fc.array(anyValue, { minLength: 24, maxLength: 240 }),
      fc.array(fc.integer({ min: 0, max: 80 }), { maxLength: 4 }),
      (shape, axis, values, cuts) => {
        const field = tensor("float64", shape, axis < shape.length ? { channelAxis: axis } : {});
        const samples = Math.floor((values.length * 8) / fieldStride(field));
        const bytes = bytesOf(Float64Array.from(values)).subarray(0, samples * fieldStride(field));
        const whole = measured(field, bytes, [], 512);
        const parts = measured(
          field,
          bytes,
          cuts.filter((cut) => cut < samples),
          512,
        );
        assert.deepEqual(exactOf(parts), exactOf(whole));
        whole.channels.forEach(({ facts }, k) => {
          const { mean, squares } = parts.channels[k]!.facts;
          const size = Math.max(Math.abs(facts.min), Math.abs(facts.max));
          if (facts.finite === 0 || size > 1e150) return;
          assert.ok(Math.abs(mean - facts.mean) <= 1e-12 * size, `${mean} and ${facts.mean}`);
          assert.ok(Math.abs(squares - facts.squares) <= 1e-11 * size * size * facts.finite);
        });
      },
    ),
    { numRuns: 300 },
  );
});

test("facts are those of a plain loop over the values", () => {
  fc.assert(
    fc.property(fc.array(anyValue, { minLength: 1, maxLength: 100 }), (values) => {
      const field = tensor("float64", [values.length]);
      const { facts } = measured(field, bytesOf(Float64Array.from(values)), []).channels[0]!;
      const count = (is: (value: number, size: number) => boolean) =>
        values.filter((value) => is(value, Math.abs(value))).length;
      const { isFinite: isKnown } = Number;
      assert.deepEqual(
        { ...facts, mean: 0, squares: 0 },
        {
          count: values.length,
          finite: count(isKnown),
          nan: count(Number.isNaN),
          positiveInfinity: count((value) => value === 1 / 0),
          negativeInfinity: count((value) => value === -1 / 0),
          zeros: count((value) => value === 0),
          negativeZeros: count((value) => Object.is(value, -0)),
          subnormal: {
            float64: count((_, size) => size > 0 && size < 2 ** -1022),
            float32: count((_, size) => size > 0 && size < 2 ** -126),
            float16: count((_, size) => size > 0 && size < 2 ** -14),
          },
          beyond: {
            float32: count((value) => isKnown(value) && !isKnown(Math.fround(value))),
            float16: count((value) => isKnown(value) && !isKnown(fromFloat16(toFloat16(value)))),
          },
          areAll: {
            whole: values.every((value) => !isKnown(value) || Number.isInteger(value)),
            float32: values.every((value) => !isKnown(value) || Math.fround(value) === value),
            float16: values.every((value) => !isKnown(value) || fromFloat16(toFloat16(value)) === value),
          },
          min: Math.min(1 / 0, ...values.filter(isKnown)) + 0,
          max: Math.max(-1 / 0, ...values.filter(isKnown)) + 0,
          leastMagnitude: Math.min(1 / 0, ...values.map(Math.abs).filter((size) => size > 0)),
          mean: 0,
          squares: 0,
        },
      );
    }),
    { numRuns: 1000, examples: [[[-0, 0, 0, 0]], [[0, 0, 0, -0]], [[-0]]] },
  );
});

test("every dtype is measured as the numbers it holds", () => {
  const lot = new Lot(31);
  for (const dtype of [
    "uint8",
    "int8",
    "uint16",
    "int16",
    "uint32",
    "int32",
    "uint64",
    "int64",
    "float16",
    "float32",
    "bool",
  ] as const) {
    const count = 1200;
    const bytes = new Uint8Array(count * elementBytes(dtype)).map(() =>
      dtype === "bool" ? lot.below(2) : lot.below(256),
    );
    if (dtype === "float16") {
      const halves = new Uint16Array(bytes.buffer);
      for (let k = 0; k < count; k += 1) halves[k] = toFloat16(lot.normal());
    } else if (dtype === "float32") {
      new Float32Array(bytes.buffer).forEach((_, k, all) => {
        all[k] = lot.normal();
      });
    }
    const raw = viewAs(dtype as DType, bytes.buffer, 0, count);
    const values = Array.from(raw as Uint16Array, (value) =>
      dtype === "float16" ? fromFloat16(value) : Number(value),
    );
    const part = measured(tensor(dtype, [100, 3], { channelAxis: 1 }), bytes, [2]);
    part.channels.forEach(({ facts }, channel) => {
      const own = values.filter((_, k) => k % 3 === channel);
      const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
      assert.deepEqual([facts.count, facts.min, facts.max], [400, Math.min(...own), Math.max(...own)], dtype);
      assert.ok(Math.abs(facts.mean - mean) <= 1e-12 * Math.max(1, Math.abs(mean)), dtype);
    });
    const isWide = dtype === "uint64" || dtype === "int64";
    assert.equal(part.inexact, isWide ? values.filter((value) => Math.abs(value) >= 2 ** 53).length : 0);
  }
});

test("mean and deviation hold to twelve digits beside an offset of a thousand million", () => {
  const lot = new Lot(32);
  const { field, bytes } = signalOf("float64", [512], 200, () => 1e9 + lot.normal());
  const values = new Float64Array(bytes.buffer);
  const { facts } = measured(field, bytes, [20, 70]).channels[0]!;
  const mean = values.reduce((sum, value) => sum + (value - 1e9), 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - 1e9 - mean) ** 2, 0);
  assert.ok(Math.abs(facts.mean - 1e9 - mean) < 1e-6);
  assert.ok(Math.abs(facts.squares / squares - 1) < 1e-9, `${facts.squares} and ${squares}`);
});

test("samples larger than the room are measured piece by piece", () => {
  const lot = new Lot(33);
  const long = signalOf("float32", [2, 1_200_000], 1, () => lot.normal());
  const field: TensorField = { ...long.field, channelAxis: 0 };
  const [a, b] = measured(field, long.bytes, []).channels;
  const values = new Float32Array(long.bytes.buffer);
  const most = (from: number) => values.subarray(from, from + 1_200_000).reduce((m, v) => Math.max(m, v), -9);
  assert.deepEqual([a!.facts.count, a!.facts.max, b!.facts.max], [1_200_000, most(0), most(1_200_000)]);
});

/** The furthest that a quantile's rank is from where it should be, as a share of all values. */
function rankError(ranks: Ranks, sorted: Float64Array): number {
  let worst = 0;
  for (let share = 0.01; share < 1; share += 0.01) {
    const [value] = quantiles(ranks, [share]);
    const below = sorted.findIndex((other) => other >= value!);
    worst = Math.max(worst, Math.abs(below / sorted.length - share));
  }
  return worst;
}

test("quantiles are off by less than 2 % of the ranks, merged or not, and by nothing of few values", () => {
  const lot = new Lot(34);
  const errors: number[] = [];
  for (let round = 0; round < 10; round += 1) {
    const values = Float64Array.from({ length: 300_000 }, (_, k) =>
      round % 2 ? lot.normal() : Math.sin(k / 50) + k / 1e5,
    );
    const sketches = [
      new RankSketch(4096, round),
      new RankSketch(4096, round + 100),
      new RankSketch(4096, round + 200),
    ];
    sketches[0]!.add(values.subarray(0, 5000));
    for (let k = 5000; k < 200_000; k += 777)
      sketches[1]!.add(values.subarray(k, Math.min(200_000, k + 777)));
    sketches[2]!.add(values.subarray(200_000));
    const merged = sketches.map((one) => one.part()).reduce((a, b) => mergeRanks(a, b, 4096));
    assert.ok(merged.values.length <= 4096);
    errors.push(rankError(merged, values.slice().sort()));
  }
  assert.ok(Math.max(...errors) < 0.02, errors.join(" "));
  const few = new RankSketch(512);
  few.add(Float64Array.of(5, 1, Number.NaN, 3));
  assert.deepEqual(quantiles(few.part(), [0, 0.4, 0.99]), [1, 3, 5]);
});

test("noise is found under a slow signal and between spikes", () => {
  const lot = new Lot(35);
  for (const sigma of [1e-6, 0.3, 1e5]) {
    const values = Float64Array.from({ length: 40_000 }, (_, k) => {
      const spike = lot.next() < 0.01 ? 50 : 1;
      return 400 * sigma * Math.sin(k / 300) + 1e3 * sigma + sigma * spike * lot.normal();
    });
    const noise = noiseOf(values, 1000)!;
    assert.ok(Math.abs(noise / sigma - 1) < 0.06, `${noise} for ${sigma}`);
  }
  assert.equal(noiseOf(Float64Array.of(1, 2, 3, 4), 2), null);
  assert.equal(noiseOf(Float64Array.of(1, 2, 3, 5, 8, 9), 3), (1.4826 * 1) / Math.sqrt(6));
});

test("bits of noise hold no information, those of a slow signal do", () => {
  const lot = new Lot(36);
  const slow = Float64Array.from({ length: 16_000 }, (_, k) => 3 + Math.sin(k / 200) + 1e-3 * lot.normal());
  const white = Float64Array.from({ length: 16_000 }, () => 1 + lot.next());
  const told = informationOf(slow, 1000)!;
  assert.ok(told.bits > 3 && told.bits < 12, `${told.bits}`);
  assert.ok(told.keptBits >= 14 && told.keptBits < 30, `${told.keptBits}`);
  assert.ok(told.byBit.slice(40).every((bit) => bit < 0.01));
  assert.ok(informationOf(white, 1000)!.bits < 0.02);
});
