// Raw data made by the tests: temp folders, .npy and IDX files written by hand (not with the code under test), and
// what every test of a source asks for.

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { type ErrorCode, SpillwayError } from "#spillway/errors";
import type { Source } from "#spillway/source/source";
import { fieldStride } from "#spillway/tensor/field";

/** A folder that is removed after the test. */
export function tempFolder(t: TestContext): string {
  const folder = fs.mkdtempSync(join(os.tmpdir(), "spillway-source-"));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a file, its folders too, and returns its path. */
export function writeFile(path: string, content: Uint8Array | string): string {
  fs.mkdirSync(dirname(path), { recursive: true });
  fs.writeFileSync(path, content);
  return path;
}

/** Bytes of a .npy file of version 1, as numpy lays it out: the header ends on a multiple of 64 bytes. */
export function npyBytes(
  descr: string,
  shape: readonly number[],
  data: Uint8Array,
  options: { fortran?: boolean } = {},
): Buffer {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const order = options.fortran ? "True" : "False";
  return npyFromHeader(`{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${sizes}), }`, data);
}

/** Bytes of a .npy file with any text as its header. */
export function npyFromHeader(header: string, data: Uint8Array): Buffer {
  const padding = 63 - ((10 + Buffer.byteLength(header)) % 64);
  const text = Buffer.from(`${header}${" ".repeat(padding)}\n`);
  const length = Buffer.alloc(2);
  length.writeUInt16LE(text.length);
  return Buffer.concat([Buffer.from("\x93NUMPY\x01\x00", "latin1"), length, text, data]);
}

/** The bytes of float64 numbers, little-endian. */
export function float64(...numbers: number[]): Uint8Array {
  return new Uint8Array(Float64Array.from(numbers).buffer);
}

/** Writes a float64 .npy file. */
export function writeNpy(path: string, shape: readonly number[], numbers: readonly number[]): string {
  return writeFile(path, npyBytes("<f8", shape, float64(...numbers)));
}

/** Bytes of an IDX file. */
export function idxBytes(type: number, shape: readonly number[], data: Uint8Array): Buffer {
  const head = Buffer.alloc(4 + shape.length * 4);
  head[2] = type;
  head[3] = shape.length;
  for (const [axis, size] of shape.entries()) head.writeUInt32BE(size, 4 + axis * 4);
  return Buffer.concat([head, data]);
}

/** A sample as tests compare it: bytes copied. */
export interface Taken {
  path: string;
  row?: number;
  bytes: Uint8Array[];
}

/** All samples from an index on. */
export async function take(source: Source, start = 0): Promise<Taken[]> {
  const taken: Taken[] = [];
  for await (const { bytes, ...origin } of source.samples(start)) {
    const strides = Object.values(source.fields).map(fieldStride);
    assert.deepEqual(
      bytes.map((part) => part.length),
      strides,
    );
    taken.push({ ...origin, bytes: bytes.map((part) => part.slice()) });
  }
  return taken;
}

/** Numbers of a float64 field. */
export function numbersOf(bytes: Uint8Array | undefined): number[] {
  assert.ok(bytes);
  return [...new Float64Array(bytes.slice().buffer)];
}

/** Asserts a SpillwayError by its code and its whole message. */
export async function refuses(work: () => unknown, code: ErrorCode, message: string | RegExp): Promise<void> {
  await assert.rejects(
    async () => await work(),
    (error) => {
      assert.ok(error instanceof SpillwayError, `${error} is no SpillwayError`);
      if (typeof message === "string") assert.equal(error.message, message);
      else assert.match(error.message, message);
      assert.equal(error.code, code);
      return true;
    },
  );
}

/** How many files this process has open; undefined where the system does not say. */
export function openFileCount(): number | undefined {
  return fs.existsSync("/proc/self/fd") ? fs.readdirSync("/proc/self/fd").length : undefined;
}
