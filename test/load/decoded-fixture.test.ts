// What is delivered is what test/fixtures/decoded.jsonl says, which Python is held to as well (python/tests/test_encoding.py);
// test/python/make-decoded.ts makes it.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { open, pack, type TensorField, tensor } from "spillway";
import { bytesOf, viewAs } from "#spillway/tensor/dtype";
import { elementCount } from "#spillway/tensor/field";
import { encodeManifestOf } from "../fixtures/encoded.js";
import { temporaryFolder } from "../fixtures/packed.js";

interface Case {
  name: string;
  field: TensorField;
  rows: number;
  stored: string;
  float32: string;
  float16: string;
}

const file = join(resolve(import.meta.dirname, "../../.."), "test/fixtures/decoded.jsonl");
const cases = fs
  .readFileSync(file, "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Case);

test("every case of the fixture comes out as it says, as float32, float16 and stored", async () => {
  const path = join(temporaryFolder(), "dataset");
  const fields = Object.fromEntries(cases.map(({ name, field }) => [name, field]));
  const { rows } = cases[0]!;
  const arrays = cases.map(({ field, stored }) => {
    const bytes = Uint8Array.from(Buffer.from(stored, "base64"));
    return viewAs(field.dtype, bytes.buffer, 0, rows * elementCount(field));
  });
  const samples = Array.from({ length: rows }, (_, row) =>
    Object.fromEntries(
      cases.map(({ name, field }, k) => {
        const elements = elementCount(field);
        return [name, arrays[k]!.subarray(row * elements, (row + 1) * elements)];
      }),
    ),
  );
  const plain = cases.map(({ name, field }) => [name, tensor(field.dtype, field.shape)]);
  await pack(samples, path, { fields: Object.fromEntries(plain), layout: "source", memory: "16 MiB" });
  encodeManifestOf(path, fields);
  const dataset = await open(path, { memory: "32 MiB" });
  for (const deliver of ["float32", "float16", "stored"] as const) {
    for await (const batch of dataset.view().batches({ batchSize: rows, shuffle: false, deliver })) {
      for (const each of cases) {
        const found = Buffer.from(bytesOf(batch.fields[each.name]!.data)).toString("base64");
        assert.equal(found, each[deliver], `${each.name} as ${deliver}`);
      }
    }
  }
  await dataset.close();
});
