// The bytes of a tiny dataset. Changing them makes datasets that other readers cannot read: raise the format version.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { classes, open, pack, tensor } from "spillway";
import { hashHex } from "#spillway/kernels/hasher";
import { temporaryFolder } from "../fixtures/packed.js";

const fields = { wave: tensor("int16", [2]), label: classes(["up", "down"]) };
const samples = [
  { wave: Int16Array.of(1, -2), label: "up", path: "a.npy" },
  { wave: Int16Array.of(300, 4), label: "down", path: "b.npy" },
];
const path = join(temporaryFolder(), "tiny");
await pack(samples, path, { fields, layout: "source" });
const formatText = fs.readFileSync(resolve(import.meta.dirname, "../../../FORMAT.md"), "utf8");

/** Lines of 16 bytes as `hexdump -C` prints them, those of zeros left out. */
function dump(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const line = bytes.subarray(at, at + 16);
    if (line.every((byte) => byte === 0)) continue;
    const hex = Array.from(line, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = Array.from(line, (byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : ".")).join(
      "",
    );
    lines.push(`${at.toString(16).padStart(8, "0")}  ${hex.padEnd(47)}  ${text}`);
  }
  return lines;
}

/** The block of FORMAT.md that follows a line. */
function blockAfter(line: string): string[] {
  const [, rest = ""] = formatText.split(`\n${line}\n\n\`\`\`\n`);
  return rest.split("\n```")[0]!.split("\n");
}

test("a tiny shard has the bytes that FORMAT.md shows", () => {
  const bytes = fs.readFileSync(join(path, "shards/00000.arrow"));
  assert.deepEqual(dump(bytes), blockAfter("`shards/00000.arrow` of two samples:"));
  assert.equal(bytes.length, 8802);
  assert.equal(hashHex(bytes), "6b8fe9a86de2d1c4");
});

test("its sums have the bytes that FORMAT.md shows", () => {
  const bytes = fs.readFileSync(join(path, "shards/00000.sums"));
  assert.deepEqual(dump(bytes), blockAfter("`shards/00000.sums`, one for each column:"));
  assert.equal(hashHex(Uint8Array.of(1, 0, 0xfe, 0xff, 0x2c, 1, 4, 0)), "ad9659479d295ad4");
});

test("its dataset.json is the one that FORMAT.md shows, but for the catalog's hash", () => {
  const found = JSON.parse(fs.readFileSync(join(path, "dataset.json"), "utf8"));
  const shown = JSON.parse(blockAfter("`dataset.json`:").join("\n"));
  // The Parquet file may change with the version of its writer.
  const { bytes: _, hash, ...part } = found.catalog[0];
  assert.match(hash, /^[0-9a-f]{16}$/);
  assert.deepEqual({ ...found, catalog: [{ ...shown.catalog[0], ...part }] }, shown);
});

test("a shard that is made of the dump in FORMAT.md is read", async () => {
  const copy = join(temporaryFolder(), "copy");
  fs.cpSync(path, copy, { recursive: true });
  const bytes = Buffer.alloc(8802);
  for (const line of blockAfter("`shards/00000.arrow` of two samples:")) {
    const at = Number.parseInt(line.slice(0, 8), 16);
    bytes.write(line.slice(10, 57).replaceAll(" ", ""), at, "hex");
  }
  fs.writeFileSync(join(copy, "shards/00000.arrow"), bytes);
  const dataset = await open(copy, { memory: "16 MiB" });
  try {
    for await (const batch of dataset.view().batches({ batchSize: 2, shuffle: false, deliver: "stored" })) {
      assert.deepEqual([...batch.fields.wave!.data], [1, -2, 300, 4]);
      assert.deepEqual([...batch.fields.label!.data], [0, 1]);
    }
  } finally {
    await dataset.close();
  }
});
