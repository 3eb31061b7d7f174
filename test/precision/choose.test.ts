import assert from "node:assert/strict";
import { test } from "node:test";
import { choose } from "#spillway/precision/choose";
import { Coder } from "#spillway/precision/coder";
import { fieldStride, type TensorField } from "#spillway/tensor/field";
import { analyse, chosen } from "./analyse.js";
import { Lot, numbersOf, printed, recorder, type Signal, signalOf, wave } from "./signals.js";

const shape = [256, 3];
const samples = 60;

/** Encodes every sample as chosen and says how many values changed. */
function changedBy({ field, bytes }: Signal, choice: ReturnType<typeof chosen>) {
  const stored: TensorField = { ...field, dtype: choice.dtype, encoding: choice.encoding! };
  const coder = new Coder(stored);
  const target = new Uint8Array(fieldStride(stored));
  const stride = fieldStride(field);
  for (let at = 0; at < bytes.length; at += stride) coder.encode(bytes.subarray(at, at + stride), target);
  const sum = (key: "changed" | "changedAsFloat32" | "clipped") =>
    coder.tallies.reduce((all, tally) => all + tally[key], 0);
  return { changed: sum("changed"), changedAsFloat32: sum("changedAsFloat32"), clipped: sum("clipped") };
}

function isLossless(signal: Signal, dtype: string, options = {}) {
  const choice = chosen(signal, options);
  assert.deepEqual([choice.dtype, choice.encoding?.claim], [dtype, "lossless"], choice.reason);
  assert.deepEqual(changedBy(signal, choice), { changed: 0, changedAsFloat32: 0, clipped: 0 });
  return choice;
}

test("recorders of 8 to 16 bits with gain and offset fit the integers they came from", () => {
  const lot = new Lot(1);
  for (const [bits, dtype] of [
    [8, "uint8"],
    [10, "int16"],
    [12, "int16"],
    [14, "int16"],
    [16, "int16"],
  ] as const) {
    for (const [gain, offset] of [
      [10 / 2 ** bits, undefined],
      [3.3 / (2 ** bits - 1), -1.65],
      [0.0123, 25],
      [-0.007 * lot.next(), 4 * lot.next()],
      [0.001 * lot.next(), 1000 * lot.next()],
    ] as const) {
      isLossless(signalOf("float64", shape, samples, recorder(lot, bits, gain, offset)), dtype);
    }
  }
});

test("a recorder of 24 bits becomes int32", () => {
  const lot = new Lot(2);
  for (const [gain, offset] of [
    [2.4 / (2 ** 23 - 1), undefined],
    [2 ** -23, 0.5],
    [0.000298, 1.5],
  ] as const) {
    const choice = chosen(signalOf("float64", shape, samples, recorder(lot, 24, gain, offset)));
    assert.ok(["int32", "float32"].includes(choice.dtype), choice.reason);
    assert.equal(choice.encoding?.claim, "lossless");
  }
});

test("decimals are counted in their last digit, with offsets however large", () => {
  const lot = new Lot(3);
  for (const digits of [3, 4, 5, 6]) {
    const gain = 20_000 / 10 ** digits / 4096;
    for (const offset of [0, 101_325, -3000.5]) {
      const signal = signalOf("float64", shape, samples, printed(recorder(lot, 12, gain, offset), digits));
      const choice = isLossless(signal, "int16");
      const [code] = choice.encoding!.channels;
      assert.ok(code!.kind === "divided" && 10 ** digits % code!.divisor === 0, JSON.stringify(code));
    }
    const wide = signalOf("float64", shape, samples, printed(recorder(lot, 16, 1, 0.25), digits));
    assert.ok(["int16", "int32"].includes(isLossless(wide, chosen(wide).dtype).dtype));
  }
});

test("reasons are plain sentences", () => {
  const lot = new Lot(4);
  const one = [256];
  const reason = (signal: Signal, options = {}) => chosen(signal, options).reason;
  assert.equal(
    reason(signalOf("float64", one, samples, () => lot.below(4096) * 0.0048828125)),
    "Every value is a whole multiple of 0.0048828125, as a 12-bit recorder leaves it: 16 bits give each one back exactly.",
  );
  assert.equal(
    reason(signalOf("float64", one, samples, () => lot.below(1000) / 1000)),
    "Every value has at most 3 decimals: 16 bits give each one back exactly.",
  );
  assert.equal(
    reason(signalOf("int64", [], 3000, () => BigInt(lot.below(10)))),
    "Every value is a whole number from 0 to 9: 8 bits give each one back exactly.",
  );
  assert.equal(
    reason(signalOf("float64", [28, 28], samples, () => lot.below(256) / 255)),
    "Every value is a whole multiple of 1/255: 8 bits give each one back exactly.",
  );
  assert.equal(
    reason(signalOf("float64", one, samples, () => 3.7)),
    "Every value is 3.7: 8 bits give each one back exactly.",
  );
  assert.equal(
    reason(signalOf("uint8", one, samples, () => lot.below(200))),
    "8 bits are as few as it can have.",
  );
  assert.equal(reason(signalOf("float64", one, 0, () => 0)), "There are no values.");
  assert.match(
    reason(signalOf("float64", one, samples, () => lot.normal())),
    /^No smaller type gives every value back: its values are no multiples of a step; 16 bits would be off by at most [0-9.e-]+ \(8\d dB under the signal\)\.$/,
  );
  assert.match(
    reason(
      signalOf("float64", one, samples, (time) => wave(lot, time, 0)),
      { lossy: true },
    ),
    /^8 bits are off by 0\.00\d+ on average, [0-9.]+ times less than the noise\.$/,
  );
});

test("whole numbers take the smallest type, as they are where one holds them", () => {
  const lot = new Lot(5);
  const of = (low: number, count: number) =>
    chosen(signalOf("int64", [], 4000, () => BigInt(low + lot.below(count))));
  assert.deepEqual([of(0, 10).dtype, of(0, 10).encoding!.channels], ["uint8", []]);
  assert.deepEqual([of(-9, 10).dtype, of(-9, 10).encoding!.channels], ["int8", []]);
  assert.deepEqual([of(0, 60_000).dtype, of(0, 60_000).encoding!.channels], ["uint16", []]);
  assert.deepEqual([of(-900, 1000).dtype, of(-900, 1000).encoding!.channels], ["int16", []]);
  assert.equal(of(0, 10_000_000).dtype, "int32");
  const ids = of(1_000_000, 200);
  assert.equal(ids.dtype, "uint8");
  const [code] = ids.encoding!.channels;
  assert.ok(code!.zero! >= 1_000_000 && code!.zero! < 1_000_010);
  const beyond = chosen(signalOf("int64", [], 40, () => 2n ** 60n + 1n));
  assert.deepEqual(
    [beyond.dtype, beyond.encoding, beyond.reason],
    [
      "int64",
      undefined,
      "40 values are beyond 2^53, where float64 does not count whole numbers one by one: the field is kept as it is.",
    ],
  );
});

test("pictures as floats become bytes: bit for bit from float64, as the same float32 from float32", () => {
  const lot = new Lot(6);
  for (const divisor of [255, 127, 127.5, 256]) {
    isLossless(
      signalOf("float64", [28, 28, 3], 20, () => lot.below(256) / divisor),
      "uint8",
    );
    const signal = signalOf("float32", [28, 28, 3], 20, () => lot.below(256) / divisor);
    const choice = chosen(signal);
    assert.equal(choice.dtype, "uint8");
    assert.equal(changedBy(signal, choice).changedAsFloat32, 0);
  }
});

test("NaN and infinities survive or forbid integers", () => {
  const lot = new Lot(7);
  const gaps = (bits: number, gap: number) =>
    signalOf("float64", shape, samples, (time, channel) =>
      lot.next() < 0.01 && channel === 1 ? gap : recorder(lot, bits, 0.0012, 1)(time, channel),
    );
  isLossless(gaps(12, Number.NaN), "float16");
  isLossless(gaps(12, Number.NEGATIVE_INFINITY), "float16");
  const wide = isLossless(gaps(16, Number.NaN), "float32");
  assert.match(
    wide.reason,
    /32-bit floats, which keep NaN as integers cannot, give each one back exactly\.$/,
  );
  assert.equal(wide.hindrance?.channel, 1);
  assert.match(wide.hindrance!.why, /^it has \d+ NaN, which no integer stands for$/);
  const nothing = isLossless(
    signalOf("float64", shape, samples, () => Number.NaN),
    "float16",
  );
  assert.deepEqual(nothing.encoding!.channels, []);
  const forced = chosen(gaps(12, Number.NaN), { dtype: "int16" });
  assert.deepEqual(
    forced.outOfRange.map(({ channel }) => channel),
    [1],
  );
  const signal = gaps(12, Number.NaN);
  assert.equal(
    chosen(signal, { dtype: "int16" }).outOfRange[0]!.count,
    numbersOf(signal).reduce((sum: number, value) => sum + Number(Number.isNaN(value)), 0),
  );
});

test("zeros of both signs keep a channel from integers, -0 alone does not", () => {
  const lot = new Lot(8);
  isLossless(
    signalOf("float64", [256], samples, () => (lot.below(9) - 4) * -0.3),
    "uint8",
  );
  isLossless(
    signalOf("float64", [256], samples, () => -0),
    "uint8",
  );
  const both = signalOf("float64", [256], samples, () => (lot.next() < 0.001 ? -0 : lot.below(300) * 0.3));
  const safe = isLossless(both, "float16");
  assert.equal(
    safe.reason,
    "Every value is a whole multiple of 0.3, as a 9-bit recorder leaves it: 16-bit floats, which keep the minus sign of zeros as integers cannot, give each one back exactly.",
  );
  const slow = printed((time) => 9 * wave(lot, time, 0), 3);
  const three = signalOf("float64", [256], samples, (time, channel) =>
    time < 2 ? [0, -0][time]! : slow(time, channel),
  );
  assert.ok(numbersOf(three).some((value) => Object.is(value, -0)));
  assert.match(
    isLossless(three, "float32").hindrance!.why,
    /^(one|\d+) of its zeros ha(s|ve) a minus sign, which integers have not$/,
  );
  const choice = chosen(both, { dtype: "int16" });
  assert.deepEqual([choice.dtype, choice.encoding?.claim], ["int16", "lossy"]);
  assert.match(
    choice.reason,
    /^Every value is a whole multiple of 0.3, as a 9-bit recorder leaves it: 16 bits give each one back but for the minus sign of \d+ zeros\.$/,
  );
  const minus = numbersOf(both).reduce((sum, value) => sum + Number(Object.is(value, -0)), 0);
  assert.deepEqual(changedBy(both, choice), { changed: minus, changedAsFloat32: minus, clipped: 0 });
});

test("a value that comes late asks for another pass, and is given back too", () => {
  const lot = new Lot(9);
  const finer = signalOf("float64", [256], samples, (time) =>
    time === 9000 ? 0.3125 : lot.below(100) * 0.5,
  );
  assert.equal(analyse(finer).passes, 2);
  isLossless(finer, "int16");
  const digits = signalOf("float64", [256], samples, (time) => (time === 9000 ? 0.123 : lot.below(100) / 10));
  isLossless(digits, "int16");
  const quiet = signalOf("float64", [256], samples, (time) =>
    time < 6000 ? 2.5 : lot.below(4096) * 0.0123 + 2.5,
  );
  isLossless(quiet, "int16");
  isLossless(quiet, "int16", { probe: 0 });
});

test("without leave to lose nothing is lost, with it only what the noise hides", () => {
  const lot = new Lot(10);
  const noisy = signalOf("float64", shape, samples, (time, channel) => 100 * wave(lot, time, channel));
  assert.equal(chosen(noisy).dtype, "float64");
  assert.equal(chosen(noisy, { lossy: true }).dtype, "uint8");
  const fine = signalOf(
    "float64",
    shape,
    samples,
    (time) => 100 * Math.sin(time / 900) + 0.01 * lot.normal(),
  );
  assert.equal(chosen(fine, { lossy: true }).dtype, "int16");
  const tails = signalOf("float64", shape, samples, () => lot.normal() * (lot.next() < 0.01 ? 5e4 : 1));
  const choice = chosen(tails, { lossy: true });
  assert.equal(choice.dtype, "float16");
  assert.match(choice.reason, /^Spikes reach far beyond the rest/);
  const smooth = signalOf("float64", shape, samples, (time) => Math.sin(time / 9000) + 1e-9 * lot.normal());
  assert.deepEqual(
    [chosen(smooth, { lossy: true }).dtype, chosen(smooth, { lossy: true }).encoding?.claim],
    ["float32", "exact"],
  );
  const single = signalOf("float64", [], 3000, () => lot.normal());
  assert.equal(chosen(single, { lossy: true }).dtype, "float32");
});

test("float16 is never taken of values as they are unless it holds them", () => {
  const lot = new Lot(11);
  isLossless(
    signalOf("float32", [256], samples, (time) =>
      time === 9 ? -0 : lot.below(2048) * 2 ** (lot.below(24) - 20),
    ),
    "float16",
  );
  const pressure = signalOf("float64", [256], samples, () => 101_325 + 50 * lot.normal());
  const report = analyse(pressure);
  const raw = report.channels[0]!.candidates.find(
    (one) => one.dtype === "float16" && one.form === "as it is",
  )!;
  assert.equal(raw.outOfRange, 256 * samples);
  const choice = choose(report, { dtype: "float16" });
  assert.equal(choice.encoding!.channels[0]!.kind, "scaled");
  assert.deepEqual(changedBy(pressure, choice).clipped, 0);
});

test("a type that is wanted is taken, without loss where that can be", () => {
  const lot = new Lot(12);
  const steps = signalOf("float64", shape, samples, recorder(lot, 8, 0.31, 2));
  assert.equal(chosen(steps, { dtype: "int16" }).encoding!.claim, "lossless");
  assert.equal(chosen(steps, { dtype: "float16" }).encoding!.claim, "lossless");
  const noise = signalOf("float64", shape, samples, () => lot.normal());
  for (const dtype of ["uint8", "int16", "float16", "float32"] as const) {
    const choice = chosen(noise, { dtype });
    assert.deepEqual(
      [choice.dtype, choice.encoding!.claim],
      [dtype, dtype === "float32" ? "exact" : "lossy"],
    );
    assert.equal(changedBy(noise, choice).clipped, 0);
  }
  assert.throws(() => chosen(noise, { dtype: "int32" }), {
    message:
      "channel 0 cannot be stored as int32: its values are no multiples of a step. Use auto, float32, float16, int16 or uint8.",
  });
  assert.equal(chosen(noise, { dtype: "keep" }).encoding, undefined);
});

test("an axis that samples do not have is refused", () => {
  const signal = signalOf("float64", [4, 2], 3, () => 1);
  assert.throws(() => analyse(signal, { axis: 2 }), {
    message: "channel axis 2 is not an axis of samples of shape [4, 2]. Use 0 to 1, or leave it out.",
  });
});

test("with leave to lose, what loses nothing comes first among types of one size", () => {
  const lot = new Lot(4);
  const record = recorder(lot, 12, 0.5, 3);
  const signal = signalOf("float64", shape, samples, (time, channel) =>
    lot.next() < 0.01 ? Number.NaN : record(time, channel),
  );
  for (const options of [{}, { lossy: true }]) {
    const { dtype, encoding } = chosen(signal, options);
    assert.deepEqual([dtype, encoding!.claim], ["float16", "lossless"]);
  }
});

test("values whose squares cannot be told are kept", () => {
  const lot = new Lot(5);
  const signal = signalOf("float64", shape, samples, () => lot.normal() * 1e200);
  const choice = chosen(signal, { lossy: true });
  assert.deepEqual([choice.dtype, choice.encoding], ["float64", undefined]);
  assert.doesNotMatch(choice.reason, /NaN|Infinity/);
});
