import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type SampleValues, sourceOf } from "#spillway/source/iterable";
import { viewAs } from "#spillway/tensor/dtype";
import { classes, type Fields, tensor } from "#spillway/tensor/field";
import { numbersOf, refuses, take } from "./fixtures.js";

const remedy =
  "Every sample needs the same fields, shapes and dtypes: correct what yields them, or declare other fields.";

/** Reads samples under declared fields. */
async function read(samples: Iterable<SampleValues>, fields?: Fields) {
  return take(await sourceOf(samples, fields ? { fields } : {}));
}

test("fields are those of the first sample", async () => {
  async function* samples(): AsyncGenerator<SampleValues> {
    yield {
      wave: Float32Array.of(1, 2),
      grid: [
        [1, 2, 3],
        [4, 5, 6],
      ],
      cut: { data: Int16Array.of(7, 8), shape: [2, 1] },
      age: 30,
      label: "walk",
      path: "a/1",
    };
    yield {
      wave: Float32Array.of(3, 4),
      grid: [1, 2, 3, 4, 5, 6],
      cut: { data: [7, 8], shape: [2, 1] },
      age: 31,
      label: "run",
      path: "a/2",
    };
    yield { label: "walk", age: 32, cut: Int16Array.of(9, 9), grid: new Float64Array(6), wave: [5, 6] };
  }
  const source = await sourceOf(samples());
  assert.equal(source.kind, "samples");
  assert.equal(source.sampleCount, undefined);
  assert.deepEqual(source.fields, {
    wave: { kind: "tensor", dtype: "float32", shape: [2] },
    grid: { kind: "tensor", dtype: "float64", shape: [2, 3] },
    cut: { kind: "tensor", dtype: "int16", shape: [2, 1] },
    age: { kind: "tensor", dtype: "float64", shape: [] },
    label: { kind: "class", dtype: "int32", classes: [] },
  });
  const taken = await take(source);
  assert.deepEqual(
    taken.map((sample) => sample.path),
    ["a/1", "a/2", ""],
  );
  assert.deepEqual(
    taken.map((sample) => [...new Float32Array(sample.bytes[0]!.slice().buffer)]),
    [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
  );
  assert.deepEqual(
    taken.map((sample) => numbersOf(sample.bytes[3])),
    [[30], [31], [32]],
  );
  // The classes are known once all samples are read: the list has grown meanwhile.
  assert.deepEqual(
    taken.map((sample) => sample.bytes[4]![0]),
    [0, 1, 0],
  );
  assert.deepEqual(source.fields.label, { kind: "class", dtype: "int32", classes: ["walk", "run"] });
});

test("what is encoded is what was given, for every dtype", async () => {
  const values: [Parameters<typeof tensor>[0], fc.Arbitrary<number | bigint>][] = [
    ["bool", fc.nat(1)],
    ["uint8", fc.nat(255)],
    ["int8", fc.integer({ min: -128, max: 127 })],
    ["uint16", fc.nat(65_535)],
    ["int16", fc.integer({ min: -32_768, max: 32_767 })],
    ["uint32", fc.nat(2 ** 32 - 1)],
    ["int32", fc.integer()],
    ["uint64", fc.bigInt(0n, 2n ** 64n - 1n)],
    ["int64", fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)],
    ["float32", fc.float()],
    ["float64", fc.double()],
  ];
  for (const [dtype, value] of values) {
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 8 }), async (numbers) => {
        const [sample] = await read([{ x: numbers }], { x: tensor(dtype, [numbers.length]) });
        const back = viewAs(dtype, sample!.bytes[0]!.slice().buffer, 0, numbers.length);
        assert.deepEqual([...back], numbers);
      }),
      { numRuns: 50 },
    );
  }
});

test("plain numbers become float16 by rounding to nearest even; raw bits are taken as they are", async () => {
  const fields = { x: tensor("float16", [3]) };
  const [sample] = await read([{ x: [1, -2, 65_520] }], fields);
  assert.deepEqual([...new Uint16Array(sample!.bytes[0]!.slice().buffer)], [0x3c00, 0xc000, 0x7c00]);
  const [raw] = await read([{ x: Uint16Array.of(1, 2, 3) }], fields);
  assert.deepEqual([...new Uint16Array(raw!.bytes[0]!.slice().buffer)], [1, 2, 3]);
});

test("given classes take names and numbers", async () => {
  const fields = { x: tensor("uint8", []), label: classes(["a", "b"]) };
  const taken = await read(
    [
      { x: 1, label: "b" },
      { x: 2, label: 0 },
    ],
    fields,
  );
  assert.deepEqual(
    taken.map((sample) => sample.bytes[1]![0]),
    [1, 0],
  );
  const wrong: [SampleValues[string], string][] = [
    ["c", 'the text "c"'],
    [2, "2"],
    [-1, "-1"],
    [Number.NaN, "NaN"],
    [0.5, "0.5"],
  ];
  for (const [label, shown] of wrong) {
    await refuses(
      () =>
        read(
          [
            { x: 1, label: "a" },
            { x: 1, label },
          ],
          fields,
        ),
      "source",
      `sample 1 (from 0): field "label" is ${shown}, expected one of the 2 classes (a, b) or a number from 0 to 1. ${remedy}`,
    );
  }
});

test("a value that does not fit is refused with sample, field, what it is and what was expected", async () => {
  const fields: Fields = { x: tensor("uint8", [2, 2]) };
  const refusals: [SampleValues, string][] = [
    [
      {
        x: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      },
      'field "x" has shape [2, 3], expected [2, 2]',
    ],
    [{ x: Uint8Array.of(1, 2, 3) }, 'field "x" has 3 numbers, expected 4 for uint8 [2, 2]'],
    [{ x: Float32Array.of(1, 2, 3, 4) }, 'field "x" is float32, expected uint8'],
    [{ x: [1, 2, 3, 256] }, 'field "x" holds 256 at place 3, expected a whole number from 0 to 255 (uint8)'],
    [
      { x: [1, 2, 3, Number.NaN] },
      'field "x" holds NaN at place 3, expected a whole number from 0 to 255 (uint8)',
    ],
    [{ x: [[1, 2], [3]] }, 'field "x" has lists of different shapes: [2] and [1]'],
    [{ x: { data: [1, 2, 3], shape: [2, 2] } }, 'field "x" has 3 numbers for shape [2, 2], expected 4'],
    [
      { x: "text" },
      'field "x" is the text "text", expected a typed array, a list of numbers, a number or { data, shape }',
    ],
    [
      { x: null as unknown as string },
      'field "x" is null, expected a typed array, a list of numbers, a number or { data, shape }',
    ],
    [
      { x: [1, 2, 3, "4" as unknown as number] },
      'field "x" holds the text "4" at place 3, expected a number',
    ],
    [{}, 'field "x" is missing'],
    [{ x: [1, 2, 3, 4], z: 1 }, 'field "z" was not expected: the fields are x'],
  ];
  for (const [sample, message] of refusals) {
    await refuses(
      () => read([{ x: [1, 2, 3, 4] }, sample], fields),
      "source",
      `sample 1 (from 0): ${message}. ${remedy}`,
    );
  }
  await refuses(
    () => read([{ x: [0, 1] }, { x: Uint8Array.of(0, 2) }], { x: tensor("bool", [2]) }),
    "source",
    /holds a number other than 0 and 1, expected bool/,
  );
  await refuses(
    () => read([{ x: 1 }, 7 as unknown as SampleValues], { x: tensor("uint8", []) }),
    "source",
    /^sample 1 \(from 0\) is 7, expected an object of fields\./,
  );
  await refuses(
    () =>
      read([
        { x: 1, label: "a" },
        { x: 1, label: 1 },
      ]),
    "source",
    /is 1, expected a class name, as in sample 0/,
  );
});

test("an iterable without samples, or fields that make no sense, are refused", async () => {
  await refuses(() => sourceOf([]), "source", "the iterable gave no samples. Check what feeds it.");
  await refuses(() => sourceOf([{}]), "source", /^sample 0 \(from 0\) has no fields\./);
  await refuses(() => sourceOf([{ x: [] }]), "usage", /shape \[0\] has a size that is no positive integer/);
  await refuses(() => sourceOf(5 as unknown as []), "usage", /^the samples are no iterable\./);
  await refuses(() => sourceOf([{ x: 1 }], { fields: {} }), "usage", /^no fields are declared\./);
  await refuses(
    () => sourceOf([{ x: 1 }], { fields: { path: tensor("uint8", []) } }),
    "usage",
    /^a field cannot be called "path"\./,
  );
});

test("the iterable is run through once, and ended when the reader stops early or a sample is wrong", async () => {
  let asked = 0;
  let ended = 0;
  function* samples(): Generator<SampleValues> {
    try {
      for (; asked < 10; asked++) yield { x: asked === 5 ? "wrong" : asked };
    } finally {
      ended += 1;
    }
  }
  const source = await sourceOf(samples());
  assert.equal(asked, 0);
  for await (const sample of source.samples(2)) {
    assert.deepEqual(numbersOf(sample.bytes[0]), [2]);
    break;
  }
  assert.deepEqual([asked, ended], [2, 1]);
  await refuses(
    () => take(source),
    "usage",
    "the samples of an iterable were read once already. Make a new source from a new iterable.",
  );
  asked = 0;
  await refuses(async () => take(await sourceOf(samples())), "source", /^sample 5 /);
  assert.equal(ended, 2);
  const unread = await sourceOf(samples());
  await unread.close();
  assert.equal(ended, 3);
});

test("the length of a list is known", async () => {
  const source = await sourceOf([{ x: 1 }, { x: 2 }]);
  assert.equal(source.sampleCount, 2);
  assert.deepEqual(source.notes, ["Fields are those of the first sample."]);
});

test("the error of an iterable reaches the reader as it is", async () => {
  function* samples(): Generator<SampleValues> {
    yield { x: 1 };
    throw new TypeError("the sensor is unplugged");
  }
  const source = await sourceOf(samples());
  await assert.rejects(() => take(source), new TypeError("the sensor is unplugged"));
});
