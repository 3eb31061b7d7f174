import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Decoding,
  decoderOf,
  type Normalisation,
  planDecoding,
  writeDecoding,
} from "#spillway/kernels/decoding";
import { bindKernels, kernelModule, sharedMemory } from "#spillway/kernels/kernels";
import { type DType, dtypes, elementBytes, type TypedArray, viewAs } from "#spillway/tensor/dtype";
import type { ChannelCode, Encoding } from "#spillway/tensor/encoding";
import type { TensorField } from "#spillway/tensor/field";
import { fromFloat16 } from "#spillway/tensor/float16";

const memory = sharedMemory(4 * 2 ** 20);
const kernels = bindKernels(kernelModule(), memory);
const places = { code: 64, source: 2 ** 20, target: 2 * 2 ** 20 };

/** A value by FORMAT.md: what is left out is not computed. */
function decodedBy(code: ChannelCode | undefined, q: number): number {
  if (!code) return q;
  const moved = code.zero === undefined ? q : q + code.zero;
  if (code.kind === "divided") return moved / code.divisor;
  const scaled = code.scale === undefined ? moved : moved * code.scale;
  return code.offset === undefined ? scaled : scaled + code.offset;
}

/** Channel of an element of a sample, by the shape alone. */
function channelOf(element: number, shape: readonly number[], axis: number | undefined): number {
  if (axis === undefined) return 0;
  let inner = 1;
  for (const size of shape.slice(axis + 1)) inner *= size;
  return Math.floor(element / inner) % shape[axis]!;
}

/** A stored number as float64. */
function numberAt(dtype: DType, array: TypedArray, k: number): number {
  return dtype === "float16" ? fromFloat16(Number(array[k])) : Number(array[k]);
}

function fieldOf(dtype: DType, shape: readonly number[], encoding?: Partial<Encoding>): TensorField {
  const whole = encoding && {
    original: "float64" as const,
    claim: "lossless" as const,
    channels: [],
    ...encoding,
  };
  return { kind: "tensor", dtype, shape, ...(whole && { encoding: whole }) };
}

/** Decodes numbers that lie at the source; `shiftBytes` moves them off the alignment of more than their size. */
function decoded(
  dtype: DType,
  decoding: Decoding,
  first: number,
  count: number,
  from = places.source,
): Float32Array {
  writeDecoding(decoding, memory.buffer, places.code);
  new Float32Array(memory.buffer, places.target, count + 8).fill(-7);
  decoderOf(kernels, dtype)(from, places.target, first, count, places.code);
  const after = new Float32Array(memory.buffer, places.target + count * 4, 8);
  assert.ok(
    after.every((value) => value === -7),
    "what follows was written",
  );
  return new Float32Array(memory.buffer, places.target, count).slice();
}

function same(found: Float32Array, expected: (k: number) => number, what: string): void {
  found.forEach((value, k) => {
    const should = Math.fround(expected(k));
    if (!Object.is(value, should)) assert.fail(`${what}, element ${k}: ${value}, not ${should}`);
  });
}

const recorder: ChannelCode = { kind: "scaled", scale: 0.1 / 3, offset: -1.7 };
const decimals: ChannelCode = { kind: "divided", divisor: 1000 };
const everyCode: ChannelCode[] = [
  recorder,
  decimals,
  { kind: "divided", zero: 12_345, divisor: 255 },
  { kind: "scaled", zero: -32_768, scale: 2.5e-7 },
  { kind: "scaled", offset: 1013.25 },
  { kind: "scaled", scale: -1e-41 },
  { kind: "scaled", scale: 1e38, offset: 1e30 },
  { kind: "scaled", zero: 0, offset: 0 },
];

test("every 8-bit and 16-bit number is decoded as the formula says, by each kind of formula", () => {
  for (const dtype of ["uint8", "int8", "bool", "uint16", "int16", "float16"] as const) {
    const count = elementBytes(dtype) === 1 ? 256 : 65_536;
    const source = viewAs(dtype, memory.buffer, places.source, count);
    for (let k = 0; k < count; k += 1) source[k] = k;
    for (const code of everyCode) {
      const decoding = planDecoding(fieldOf(dtype, [count], { channels: [code] }))!;
      const found = decoded(dtype, decoding, 0, count);
      same(found, (k) => decodedBy(code, numberAt(dtype, source, k)), `${dtype} ${JSON.stringify(code)}`);
    }
  }
});

test("every float16 is decoded as the formula says where channels change from element to element", () => {
  const source = viewAs("float16", memory.buffer, places.source, 65_536);
  for (let k = 0; k < 65_536; k += 1) source[k] = k;
  const shape = [65_536 / 8, 8];
  const decoding = planDecoding(fieldOf("float16", shape, { axis: 1, channels: everyCode }))!;
  assert.equal(decoding.layout.kind, "table");
  same(
    decoded("float16", decoding, 0, 65_536),
    (k) => decodedBy(everyCode[k % 8], numberAt("float16", source, k)),
    "float16",
  );
});

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const nonZero = finite.filter((value) => value !== 0);
const whole = fc.oneof(fc.integer(), fc.maxSafeInteger());
const anyCode: fc.Arbitrary<ChannelCode> = fc.oneof(
  fc.record(
    { kind: fc.constant("scaled" as const), zero: whole, scale: nonZero, offset: finite },
    { requiredKeys: ["kind"] },
  ),
  fc.record(
    { kind: fc.constant("divided" as const), zero: whole, divisor: nonZero },
    { requiredKeys: ["kind", "divisor"] },
  ),
);

/** Shapes with and without an axis, among them channels first, last and between, prime and many. */
const anyLayout = fc
  .array(fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(7, 8, 31, 33, 70)), {
    minLength: 1,
    maxLength: 3,
  })
  .chain((shape) =>
    fc.record({ shape: fc.constant(shape), axis: fc.option(fc.nat(shape.length - 1), { nil: undefined }) }),
  );

const anyCase = fc.record({
  dtype: fc.constantFrom(...dtypes),
  layout: anyLayout,
  codes: fc.array(anyCode, { minLength: 70, maxLength: 70 }),
  samples: fc.integer({ min: 1, max: 3 }),
  bytes: fc.uint8Array({ minLength: 512, maxLength: 512 }),
  shift: fc.nat(3),
});

/** Fills the source with bytes at an address that is a multiple of the element's size alone. */
function fill(
  dtype: DType,
  bytes: Uint8Array,
  count: number,
  shift: number,
): { from: number; source: TypedArray } {
  const from = places.source + shift * elementBytes(dtype);
  const target = new Uint8Array(memory.buffer, from, count * elementBytes(dtype));
  for (let k = 0; k < target.length; k += 1) target[k] = bytes[k % bytes.length]! ^ (k >>> 9);
  return { from, source: viewAs(dtype, memory.buffer, from, count) };
}

test("any numbers are decoded as the formulas say, whatever the layout, the count and the address", () => {
  fc.assert(
    fc.property(anyCase, ({ dtype, layout, codes, samples, bytes, shift }) => {
      const { shape, axis } = layout;
      const channels = codes.slice(0, axis === undefined ? 1 : shape[axis]);
      const elements = shape.reduce((product, size) => product * size, 1);
      const decoding = planDecoding(fieldOf(dtype, shape, { channels, ...(axis !== undefined && { axis }) }));
      const { from, source } = fill(dtype, bytes, samples * elements, shift);
      if (!decoding) return;
      same(
        decoded(dtype, decoding, 0, samples * elements, from),
        (k) => decodedBy(channels[channelOf(k % elements, shape, axis)], numberAt(dtype, source, k)),
        `${dtype} [${shape}] ${axis}`,
      );
    }),
    { numRuns: 400 },
  );
});

test("a part of a sample is decoded as in the whole, wherever it starts and however short it is", () => {
  const anyPart = fc.record({ start: fc.nat(400), count: fc.nat(100) });
  fc.assert(
    fc.property(anyCase, anyPart, ({ dtype, layout, codes, bytes, shift }, part) => {
      const { shape, axis } = layout;
      const channels = codes.slice(0, axis === undefined ? 1 : shape[axis]);
      const decoding = planDecoding(fieldOf(dtype, shape, { channels, ...(axis !== undefined && { axis }) }));
      const elements = shape.reduce((product, size) => product * size, 1);
      const { from, source } = fill(dtype, bytes, part.start + part.count, shift);
      if (!decoding) return;
      same(
        decoded(dtype, decoding, part.start, part.count, from + part.start * elementBytes(dtype)),
        (k) => {
          const at = part.start + k;
          return decodedBy(channels[channelOf(at % elements, shape, axis)], numberAt(dtype, source, at));
        },
        `${dtype} [${shape}] ${axis}`,
      );
    }),
    { numRuns: 400 },
  );
});

test("signs of zeros, NaN, infinities and subnormals come through", () => {
  const numbers = [
    0,
    -0,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    5e-324,
    -1e-310,
    1e-40,
  ];
  const codes: ChannelCode[] = [
    { kind: "scaled", scale: 0.5 },
    { kind: "scaled", scale: -2 },
    { kind: "scaled", zero: 0 },
    { kind: "scaled", offset: 0 },
    { kind: "divided", divisor: -3 },
    { kind: "scaled" },
  ];
  for (const dtype of ["float64", "float32", "float16"] as const) {
    const source = viewAs(dtype, memory.buffer, places.source, 8);
    numbers.forEach((number, k) => {
      source[k] = dtype === "float16" ? [0, 0x8000, 0x7e00, 0x7c00, 0xfc00, 1, 0x8001, 0x3ff][k]! : number;
    });
    for (const code of codes) {
      const decoding = planDecoding(fieldOf(dtype, [8], { channels: [code] }));
      assert.equal(decoding === undefined, Object.keys(code).length === 1, "the empty formula is none");
      if (!decoding) continue;
      const found = decoded(dtype, decoding, 0, 8);
      same(found, (k) => decodedBy(code, numberAt(dtype, source, k)), `${dtype} ${JSON.stringify(code)}`);
    }
  }
});

test("fields without a formula have no parameters, wide integers with an empty one go through float64", () => {
  assert.equal(planDecoding(fieldOf("int16", [4])), undefined);
  assert.equal(planDecoding(fieldOf("int16", [4], { channels: [] })), undefined);
  assert.equal(planDecoding(fieldOf("int64", [4], { channels: [] })), undefined);
  assert.equal(planDecoding(fieldOf("uint8", [4], { channels: [{ kind: "scaled" }] })), undefined);
  assert.equal(planDecoding(fieldOf("int64", [4], { channels: [{ kind: "scaled" }] }))!.steps, 0);
});

test("formulas that are done in float32 give what float64 gives, for every stored number", () => {
  // Numbers of few bits, so that many formulas qualify; others keep to float64.
  const short = fc
    .tuple(fc.integer({ min: -4095, max: 4095 }), fc.integer({ min: -30, max: 30 }))
    .map(([fraction, exponent]) => (fraction || 1) * 2 ** exponent);
  const zero = fc.integer({ min: -70_000, max: 70_000 });
  const code: fc.Arbitrary<ChannelCode> = fc.oneof(
    fc.record(
      { kind: fc.constant("scaled" as const), zero, scale: short, offset: short },
      { requiredKeys: ["kind"] },
    ),
    fc.record(
      { kind: fc.constant("divided" as const), zero, divisor: short },
      { requiredKeys: ["kind", "divisor"] },
    ),
  );
  const dtype = fc.constantFrom("uint8" as const, "int8" as const, "uint16" as const, "int16" as const);
  let inSingle = 0;
  fc.assert(
    fc.property(dtype, code, fc.boolean(), (stored, formula, isTable) => {
      const count = elementBytes(stored) === 1 ? 256 : 65_536;
      const shape = isTable ? [count / 2, 2] : [count];
      const channels = isTable ? [formula, formula] : [formula];
      const decoding = planDecoding(fieldOf(stored, shape, { axis: shape.length - 1, channels }));
      if (!decoding) return;
      if (decoding.steps > 2) inSingle += 1;
      const source = viewAs(stored, memory.buffer, places.source, count);
      for (let k = 0; k < count; k += 1) source[k] = k;
      same(decoded(stored, decoding, 0, count), (k) => decodedBy(formula, Number(source[k])), stored);
    }),
    { numRuns: 400 },
  );
  assert.ok(inSingle > 100, `only ${inSingle} formulas were done in float32`);
  const stepsOf = (formula: ChannelCode) =>
    planDecoding(fieldOf("int16", [2], { channels: [formula] }))!.steps;
  assert.equal(stepsOf({ kind: "divided", divisor: 255 }), 4);
  assert.equal(stepsOf({ kind: "scaled", scale: 2 ** -11, offset: -0.5 }), 3);
  assert.equal(stepsOf({ kind: "divided", divisor: 0.1 }), 2);
  assert.equal(stepsOf({ kind: "scaled", scale: 2 ** -11, offset: 0.1 }), 0);
  assert.equal(stepsOf({ kind: "scaled", scale: 1 + 2 ** -12, offset: 0.5 }), 0);
});

test("nothing is divided where no channel divides, nothing is moved where none has a zero", () => {
  const steps = (...channels: ChannelCode[]) =>
    planDecoding(fieldOf("int16", [2], { axis: 0, channels }))!.steps;
  assert.equal(steps(recorder, recorder), 0);
  assert.equal(steps(recorder, { kind: "scaled", zero: 5 }), 1);
  assert.equal(steps(recorder, decimals), 2);
});

test("normalised values are (value - shift) * factor, to within a few roundings of float64", () => {
  const anyNormalisation = fc.record({
    shift: fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 70, maxLength: 70 }),
    factor: fc.array(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), { minLength: 70, maxLength: 70 }),
    isForAll: fc.boolean(),
  });
  const gentle: fc.Arbitrary<ChannelCode> = fc.oneof(
    fc.record(
      {
        kind: fc.constant("scaled" as const),
        zero: fc.integer({ min: -999, max: 999 }),
        scale: fc.double({ min: 0.01, max: 10, noNaN: true }),
        offset: fc.double({ min: -99, max: 99, noNaN: true }),
      },
      { requiredKeys: ["kind"] },
    ),
    fc.record(
      {
        kind: fc.constant("divided" as const),
        zero: fc.integer({ min: -999, max: 999 }),
        divisor: fc.constantFrom(255, 1000, 3, -7),
      },
      { requiredKeys: ["kind", "divisor"] },
    ),
  );
  const anyGentle = fc.array(gentle, { minLength: 70, maxLength: 70 });
  fc.assert(
    fc.property(
      anyCase,
      anyGentle,
      anyNormalisation,
      fc.constantFrom("none" as const, "one" as const, "each" as const),
      ({ layout, bytes, shift: byteShift }, codes, { shift, factor, isForAll }, encoded) => {
        const { shape, axis } = layout;
        const size = axis === undefined || isForAll ? 1 : shape[axis]!;
        const normalisation: Normalisation = {
          axis,
          shift: shift.slice(0, size),
          factor: factor.slice(0, size),
        };
        const channels = codes.slice(0, axis === undefined || encoded === "one" ? 1 : shape[axis]);
        const encoding = encoded === "none" ? undefined : { channels, ...(axis !== undefined && { axis }) };
        const elements = shape.reduce((product, one) => product * one, 1);
        const { from, source } = fill("int16", bytes, elements, byteShift);
        const decoding = planDecoding(fieldOf("int16", shape, encoding), normalisation)!;
        decoded("int16", decoding, 0, elements, from).forEach((found, k) => {
          const channel = channelOf(k, shape, axis);
          const code = encoding && channels[channels.length === 1 ? 0 : channel];
          const value = decodedBy(code, Number(source[k]));
          const at = size === 1 ? 0 : channel;
          const should = (value - shift[at]!) * factor[at]!;
          const most = (Math.abs(value) + Math.abs(shift[at]!) + 1000) * factor[at]!;
          assert.ok(
            Math.abs(found - should) <= Math.abs(should) * 2 ** -23 + most * 2 ** -48,
            `${found} ${should}`,
          );
        });
      },
    ),
    { numRuns: 400 },
  );
});
