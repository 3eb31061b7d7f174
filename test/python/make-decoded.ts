// Makes test/fixtures/decoded.jsonl, a case per line, by which TypeScript and Python are held to the same numbers: stored numbers of every
// dtype, encodings, and what comes out by the formulas, computed here with plain arithmetic. Not a test by itself:
//   node build/test/python/make-decoded.js

import fs from "node:fs";
import { join, resolve } from "node:path";
import {
  bytesOf,
  type DType,
  dtypes,
  elementBytes,
  type TypedArray,
  viewAs,
  zeros,
} from "#spillway/tensor/dtype";
import type { ChannelCode, Encoding } from "#spillway/tensor/encoding";
import { channelRuns } from "#spillway/tensor/field";
import { toFloat16 } from "#spillway/tensor/float16";
import { decodedBy, numberOf } from "../fixtures/encoded.js";

const rows = 5;
const recorder: ChannelCode = { kind: "scaled", scale: 0.1 / 3, offset: -1.7 };
const lossy: Encoding = {
  original: "float64",
  claim: "lossy",
  axis: 1,
  channels: [recorder, { kind: "divided", zero: -3, divisor: 255 }, { kind: "scaled" }],
  reason: "Made up.",
  errors: [0, 1, 2].map((max) => ({ max, rms: max / 2, sqnrDb: max === 0 ? null : 20.5, clipped: max })),
};
const layouts: [string, readonly number[], Omit<Encoding, "original" | "claim">][] = [
  ["channels last", [3, 3], { axis: 1, channels: lossy.channels }],
  [
    "channels first",
    [2, 5],
    {
      axis: 0,
      channels: [
        { kind: "divided", divisor: 1000 },
        { kind: "scaled", zero: 7, offset: 0 },
      ],
    },
  ],
  ["one formula", [4], { channels: [{ kind: "scaled", zero: -128, scale: -1e-7 / 3, offset: 1013.25 }] }],
];

/** Bit patterns that look random, with special numbers in front. */
function stored(dtype: DType, count: number): TypedArray {
  const bytes = new Uint8Array(count * elementBytes(dtype));
  for (let k = 0, state = 12_345; k < bytes.length; k += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[k] = dtype === "bool" ? (state >>> 16) & 1 : state >>> 16;
    // Exponents of floats are kept below those of NaN.
    if (dtype.startsWith("float") && k % elementBytes(dtype) === elementBytes(dtype) - 1) bytes[k]! &= 0xbf;
  }
  const array = viewAs(dtype, bytes.buffer, 0, count);
  const specials: Partial<Record<DType, number[]>> = {
    float16: [0, 0x8000, 0x7c00, 0xfc00, 1, 0x83ff, 0x7bff],
    float32: [0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-45, 3e38],
    float64: [0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, 1e308],
  };
  specials[dtype]?.forEach((number, k) => {
    array[k] = number;
  });
  return array;
}

function base64(array: TypedArray): string {
  return Buffer.from(bytesOf(array)).toString("base64");
}

function caseOf(name: string, dtype: DType, shape: readonly number[], encoding: Encoding) {
  const elements = shape.reduce((product, size) => product * size, 1);
  const numbers = stored(dtype, rows * elements);
  const { channels, inner } = channelRuns(shape, encoding.channels.length > 1 ? encoding.axis : undefined);
  const values = Array.from(numbers as ArrayLike<number | bigint>, (number, k) =>
    decodedBy(encoding.channels[Math.floor(k / inner) % channels], numberOf(dtype, number)),
  );
  // NaN has many bit patterns: there are none here.
  if (values.some(Number.isNaN)) throw new Error(`${name} has NaN`);
  const original = zeros(encoding.original, values.length);
  values.forEach((value, k) => {
    original[k] = (original instanceof BigInt64Array ? BigInt(value) : value) as never;
  });
  return {
    name,
    field: { kind: "tensor", dtype, shape, encoding },
    rows,
    stored: base64(numbers),
    float32: base64(Float32Array.from(values)),
    float16: base64(Uint16Array.from(values, (value) => toFloat16(Math.fround(value)))),
    original: base64(original),
  };
}

const cases = dtypes.flatMap((dtype) =>
  layouts.map(([name, shape, code]) =>
    caseOf(`${dtype}, ${name}`, dtype, shape, { original: "float64", claim: "lossless", ...code }),
  ),
);
cases.push(
  caseOf("whole numbers", "int16", [6], {
    original: "int64",
    claim: "lossless",
    channels: [{ kind: "scaled", zero: 2 ** 40 }],
  }),
  caseOf("the stored numbers", "uint8", [6], { original: "int64", claim: "lossless", channels: [] }),
  caseOf("lossy, with all that can be told", "int16", [2, 3], lossy),
);
const file = join(resolve(import.meta.dirname, "../../.."), "test/fixtures/decoded.jsonl");
fs.writeFileSync(file, cases.map((each) => `${JSON.stringify(each)}\n`).join(""));
console.log(`${file}: ${cases.length} cases, ${fs.statSync(file).size} bytes`);
