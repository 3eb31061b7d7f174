import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import zlib from "node:zlib";
import { classes, pack, tensor } from "spillway";
import { packEncoded, valuesOf } from "../fixtures/encoded.js";
import { packed, temporaryFolder } from "../fixtures/packed.js";
import { spillway, spillwayJson } from "./run.js";

test("info shows fields, size, layout and splits", async () => {
  const path = await packed({ count: 1000, shardSize: "16 KiB" });
  await spillway(["split", path, "train=0.8", "val=0.1"]);
  const { code, stdout, stderr } = await spillway(["info", path]);
  assert.equal(code, 0);
  assert.equal(stderr, "");
  const lines = stdout.split("\n").map((line) => line.trimEnd());
  assert.equal(lines[0], `${path}: 1,000 samples of 25 B`);
  for (const line of [
    "  data   float32 [6]",
    "  label  3 classes (uint8): circle, raise, wave",
    "  layout       shuffled, seed 0",
    'splits of scheme "main" (random, seed 0):',
    "  train      800  80.0 %",
    "  val        100  10.0 %",
    "  (in none)  100  10.0 %",
  ]) {
    assert.ok(lines.includes(line), `${line}\nin\n${stdout}`);
  }
  assert.match(stdout, /on disk +[\d.]+ KiB in 2 shards/);
});

test("info --classes counts the samples of each class", async () => {
  const path = await packed({ count: 100 });
  const { code, value } = await spillwayJson(["info", path, "--classes"]);
  assert.equal(code, 0);
  assert.deepEqual(value.classes, { label: { circle: 34, raise: 33, wave: 33 } });
  assert.deepEqual([value.size, value.bytesPerSample, value.shards, value.schemes], [100, 25, 1, []]);
  const { stdout } = await spillway(["info", path, "--classes"]);
  assert.match(stdout, /classes of field "label":\n {2}circle {2}34 {2}34\.0 %\n/);
});

/** A dataset of one sample per item. */
async function packedSamples(
  fields: Parameters<typeof pack>[2] & object,
  samples: Parameters<typeof pack>[0],
): Promise<string> {
  const path = join(temporaryFolder(), "dataset");
  await pack(samples, path, { memory: "16 MiB", layout: "source", ...fields });
  return path;
}

test("show draws a wave per channel between its least and greatest value", async () => {
  const wave = new Float32Array(512);
  for (let t = 0; t < 256; t += 1) {
    wave[2 * t] = Math.sin(t / 10);
    wave[2 * t + 1] = t;
  }
  const path = await packedSamples(
    { fields: { wave: tensor("float32", [256, 2]), label: classes(["a", "b"]) } },
    [{ wave, label: "b", path: "b/1.npy" }],
  );
  const { code, stdout } = await spillway(["show", path, "0"]);
  assert.equal(code, 0);
  const lines = stdout.split("\n");
  assert.match(lines[0]!, /^sample 0 · label "b" · b\/1\.npy · hash [0-9a-f]{16}$/);
  assert.ok(
    lines.some((line) => /^ch 1 +255 ┤[⠀-⣿]+$/.test(line)),
    stdout,
  );
  assert.ok(
    lines.some((line) => /^ +0 ┤[⠀-⣿]+$/.test(line)),
    stdout,
  );
  assert.ok(
    lines.some((line) => /^ +0 +127 +step 255$/.test(line)),
    stdout,
  );
  assert.ok(
    lines.every((line) => line.length < 80),
    stdout,
  );
  assert.ok(lines.includes("label: b (class 1)"));
  // The ramp of the second channel goes from the lower left to the upper right.
  const top = lines.findIndex((line) => line.startsWith("ch 1"));
  const first = lines[top]!.split("┤")[1]!;
  const last = lines[top + 5]!.split("┤")[1]!;
  assert.ok(first.startsWith("⠀") && !first.endsWith("⠀"));
  assert.ok(!last.startsWith("⠀") && last.endsWith("⠀"));
});

test("show finds a sample by its file, typed from anywhere, and by the row in it", async () => {
  const samples = Array.from({ length: 20 }, (_, k) => ({
    x: Float32Array.of(k, k, k),
    path: `wave/${k}.npy`,
  }));
  const path = await packedSamples({}, samples);
  assert.equal((await spillwayJson(["show", path, "wave/7.npy"])).value.id, 7);
  assert.equal((await spillwayJson(["show", path, "data/wave/12.npy"])).value.id, 12);
  const missing = await spillway(["show", path, "wave/99.npy"]);
  assert.equal(missing.code, 1);
  assert.match(
    missing.stderr,
    /has no sample from "wave\/99\.npy"\. Give an id from 0 to 19, or a path as the catalog has it, such as wave\/0\.npy\.\n$/,
  );
  const beyond = await spillway(["show", path, "20"]);
  assert.equal(beyond.code, 2);
  assert.match(beyond.stderr, /has no sample 20: it has 20\. Use 0 to 19\./);
  const table = join(temporaryFolder(), "table.csv");
  fs.writeFileSync(table, "a,b,label\n1,2,x\n3,4,y\n5,6,x\n");
  await spillway(["pack", table, `${table}.set`]);
  const row = await spillwayJson(["show", `${table}.set`, "table.csv:1", "--values"]);
  assert.equal(row.code, 0, JSON.stringify(row.value));
  assert.deepEqual([row.value.row, row.value.labels], [1, { label: "y" }]);
});

test("show prints numbers with --json: figures, and all values when asked", async () => {
  const path = await packedSamples({}, [{ x: Float64Array.of(1, 2, 3, Number.NaN), y: 4 }]);
  const { value } = await spillwayJson(["show", path, "0"]);
  assert.deepEqual(value.fields.x, {
    kind: "tensor",
    dtype: "float64",
    shape: [4],
    min: 1,
    max: 3,
    mean: 2,
    std: Math.sqrt(2 / 3),
    nonFinite: 1,
  });
  assert.equal(value.fields.y.value, 4);
  const all = await spillwayJson(["show", path, "0", "--field", "x", "--values"]);
  assert.deepEqual(Object.keys(all.value.fields), ["x"]);
  assert.deepEqual(all.value.fields.x.values, [1, 2, 3, null]);
  const field = await spillway(["show", path, "0", "--field", "z"]);
  assert.deepEqual([field.code, /has no field "z"\. Use one of x, y\./.test(field.stderr)], [1, true]);
});

test("show gives values, not the numbers that they are stored as", async () => {
  const channels = [
    { kind: "scaled" as const, scale: 0.1 / 3, offset: 2 },
    { kind: "divided" as const, divisor: 255 },
  ];
  const wave = { dtype: "int16" as const, shape: [5, 2], encoding: { axis: 1, channels } };
  const path = await packEncoded({ wave }, 3);
  const { value } = await spillwayJson(["show", path, "1", "--values"]);
  assert.deepEqual(value.fields.wave.values, valuesOf(wave, 1));
});

test("show writes a picture to a PNG file whose pixels are those of the sample", async () => {
  for (const channels of [1, 3]) {
    const [height, width] = [12, 20];
    const image = Uint8Array.from({ length: height * width * channels }, (_, k) => (k * 7) % 256);
    const path = await packedSamples({ fields: { image: tensor("uint8", [height, width, channels]) } }, [
      { image },
    ]);
    const file = join(temporaryFolder(), "out.png");
    const { code, stderr } = await spillway(["show", path, "0", "--out", file]);
    assert.deepEqual([code, stderr], [0, `Wrote field "image" to ${file}.\n`]);
    assert.deepEqual(decodePng(fs.readFileSync(file)), { width, height, channels, data: [...image] });
    const drawn = await spillway(["show", path, "0"]);
    assert.ok(!drawn.stdout.includes("\x1b"), "no colour in a pipe");
  }
});

/** Reads back 8-bit PNGs whose rows have filter 1, as they are written here. */
function decodePng(png: Buffer): { width: number; height: number; channels: number; data: number[] } {
  assert.equal(png.subarray(0, 8).toString("latin1"), "\x89PNG\r\n\x1a\n");
  const parts = new Map<string, Buffer>();
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const named = png.subarray(at + 4, at + 8 + length);
    assert.equal(png.readUInt32BE(at + 8 + length), zlib.crc32(named));
    parts.set(named.subarray(0, 4).toString(), named.subarray(4));
    at += 12 + length;
  }
  assert.deepEqual([...parts.keys()], ["IHDR", "IDAT", "IEND"]);
  const header = parts.get("IHDR")!;
  const [width, height, channels] = [header.readUInt32BE(0), header.readUInt32BE(4), header[9] === 2 ? 3 : 1];
  const rows = zlib.inflateSync(parts.get("IDAT")!);
  const data: number[] = [];
  for (let y = 0; y < height; y += 1) {
    const start = y * (width * channels + 1);
    assert.equal(rows[start], 1);
    for (let k = 0; k < width * channels; k += 1) {
      const left = k < channels ? 0 : data[y * width * channels + k - channels]!;
      data.push((rows[start + 1 + k]! + left) % 256);
    }
  }
  return { width, height, channels, data };
}
