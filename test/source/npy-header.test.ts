import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SpillwayError } from "#spillway/errors";
import { parseNpyHeader } from "#spillway/source/npy-header";
import { type dtypes, elementBytes } from "#spillway/tensor/dtype";
import { npyBytes, npyFromHeader, refuses } from "./fixtures.js";

const codes = ["b1", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"];

test("what a header says is what was written, for every dtype, shape and byte order", () => {
  const shapes = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 5 });
  const property = fc.property(
    fc.nat(11),
    shapes,
    fc.boolean(),
    fc.boolean(),
    (code, shape, isSwapped, fortran) => {
      const dtype = [
        "bool",
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
        "float64",
      ][code] as (typeof dtypes)[number];
      const size = elementBytes(dtype);
      const count = shape.reduce((product, length) => product * length, 1);
      const file = npyBytes(
        `${size === 1 ? "|" : isSwapped ? ">" : "<"}${codes[code]}`,
        shape,
        new Uint8Array(count * size),
        { fortran },
      );
      const header = parseNpyHeader(file, file.length, "x.npy");
      assert.equal(header.dtype, dtype);
      assert.deepEqual(header.shape, shape);
      assert.equal(header.isSwapped, size > 1 && isSwapped);
      assert.equal(header.isFortran, fortran && shape.length > 1);
      assert.equal(header.headerBytes + header.dataBytes, file.length);
      assert.equal(header.headerBytes % 64, 0);
    },
  );
  fc.assert(property);
});

test("any bytes give a header or a SpillwayError", () => {
  const whole = npyBytes("<f8", [2, 3], new Uint8Array(48));
  const accepts = (bytes: Uint8Array) => {
    try {
      parseNpyHeader(bytes, bytes.length, "x.npy");
    } catch (error) {
      assert.ok(error instanceof SpillwayError, String(error));
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), accepts));
  const damaged = fc.tuple(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length));
  fc.assert(
    fc.property(damaged, ([place, byte, length]) => {
      const bytes = Uint8Array.from(whole);
      bytes[place] = byte;
      accepts(bytes.subarray(0, length));
    }),
  );
  const texts = fc.string({ maxLength: 80 });
  fc.assert(fc.property(texts, (text) => accepts(npyFromHeader(text, new Uint8Array(8)))));
});

test("versions 2 and 3 have a header length of 4 bytes", () => {
  const one = npyBytes("<f4", [3], new Uint8Array(12));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(one.readUInt16LE(8));
  for (const version of [2, 3]) {
    const file = Buffer.concat([one.subarray(0, 6), Buffer.from([version, 0]), length, one.subarray(10)]);
    const { dtype, shape, headerBytes } = parseNpyHeader(file, file.length, "x.npy");
    assert.deepEqual([dtype, shape, headerBytes], ["float32", [3], 130]);
  }
});

test("a header of Python 2, with long sizes and other quotes, is read", () => {
  const file = npyFromHeader(
    `{"shape": (2L, 3L), 'fortran_order': False, "descr": "<i2"}`,
    new Uint8Array(12),
  );
  const { dtype, shape } = parseNpyHeader(file, file.length, "x.npy");
  assert.deepEqual([dtype, shape], ["int16", [2, 3]]);
});

test("a file that is cut short, or too long, is refused with both lengths", async () => {
  const file = npyBytes("<f8", [2, 3], new Uint8Array(48));
  await refuses(
    () => parseNpyHeader(file, 170, "x.npy"),
    "source",
    "x.npy is cut short: it has 170 bytes, its header says float64 [2, 3], which with the header takes 176. Copy or save it again.",
  );
  await refuses(
    () => parseNpyHeader(file, 177, "x.npy"),
    "source",
    /^x\.npy is longer than it says: it has 177 bytes, .* takes 176\./,
  );
  await refuses(
    () => parseNpyHeader(file.subarray(0, 100), 100, "x.npy"),
    "source",
    "x.npy is cut short: it has 100 bytes, its header alone needs 128. Copy or save it again.",
  );
});

test("what is no .npy file is refused with the bytes it begins with", async () => {
  await refuses(
    () => parseNpyHeader(Buffer.from("PK\x03\x04 and more"), 13, "x.npy"),
    "source",
    "x.npy is no .npy file: it begins with bytes 50 4b 03 04 20 61, 93 4e 55 4d 50 59 was expected. Make it with np.save, or move it elsewhere.",
  );
  await refuses(
    () => parseNpyHeader(new Uint8Array(), 0, "x.npy"),
    "source",
    /^x\.npy is no \.npy file: it is empty, /,
  );
});

test("types that are no plain numbers are refused, each with a way out", async () => {
  const refusals: [string, RegExp][] = [
    ["|O", /holds Python objects, which are not read, since unpickling runs code .*np\.asarray/],
    ["<c16", /holds complex numbers .*x\.real, x\.imag/],
    ["<U3", /holds text .*class names belong/],
    ["|S3", /holds text /],
    ["|V8", /holds structured records /],
    ["<M8[s]", /holds dates /],
    ["<f16", /holds floats of a size that is not read .*astype\("float64"\)/],
    ["<q9", /holds an unknown type /],
  ];
  for (const [descr, message] of refusals) {
    const file = npyBytes(descr, [2], new Uint8Array(32));
    await refuses(() => parseNpyHeader(file, file.length, "x.npy"), "source", message);
  }
  const structured = npyFromHeader(
    "{'descr': [('a', '<f4'), ('b', '<i4')], 'fortran_order': False, 'shape': (3,), }",
    new Uint8Array(24),
  );
  await refuses(
    () => parseNpyHeader(structured, structured.length, "x.npy"),
    "source",
    /^x\.npy holds structured records, not plain numbers\./,
  );
});

test("lengths that a header claims are limited", async () => {
  const empty = npyBytes("<f8", [0, 3], new Uint8Array());
  await refuses(
    () => parseNpyHeader(empty, empty.length, "x.npy"),
    "source",
    "x.npy holds no numbers: its shape is [0, 3]. Remove it.",
  );
  const vast = npyBytes("<f8", [2 ** 40, 2 ** 40], new Uint8Array());
  await refuses(() => parseNpyHeader(vast, vast.length, "x.npy"), "source", /more than can be counted/);
  const deep = npyBytes("<f8", Array(33).fill(1), new Uint8Array(8));
  await refuses(
    () => parseNpyHeader(deep, deep.length, "x.npy"),
    "source",
    /has 33 axes, at most 32 are read/,
  );
  const long = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 2, 0, 0xff, 0xff, 0xff, 0x7f]);
  await refuses(
    () => parseNpyHeader(long, 2 ** 31, "x.npy"),
    "source",
    /has a header of 2147483659 bytes, at most 65536 are read/,
  );
});
