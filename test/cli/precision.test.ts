// spillway precision, convert and statistics as they are typed.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { newPath } from "../fixtures/new-path.js";
import { npyBytes, writeFile } from "../source/fixtures.js";
import { spillway, spillwayJson } from "./run.js";

/** A recorder of 10 bits with two channels, 64 steps. */
function recordings(count: number): string {
  const path = newPath();
  for (let i = 0; i < count; i += 1) {
    const data = Float64Array.from(
      { length: 128 },
      (_, k) => (((i * 7919 + k * 104_729) % 1024) - 512) * 0.25 + 10 * (k % 2),
    );
    const name = `${"ab"[i % 2]}/${String(i).padStart(4, "0")}.npy`;
    writeFile(join(path, name), npyBytes("<f8", [64, 2], new Uint8Array(data.buffer)));
  }
  return path;
}

test("precision says what each type costs, and which to take", async () => {
  const source = recordings(40);
  const { code, stdout } = await spillway(["precision", source]);
  assert.equal(code, 0);
  assert.match(stdout, /every value of 40 samples\n\ndata: float64 \[64, 2\], 2 channels \(axis 1\)\n/);
  assert.match(stdout, /\n {2}int16, by its steps +25 % +lossless\n/);
  assert.match(stdout, /\n {2}--dtype auto: int16 \(lossless\), 10 KiB instead of 40 KiB\. /);
  const { value } = await spillwayJson(["precision", source]);
  assert.deepEqual([value.samples, value.isEstimate, value.fields.data.auto.dtype], [40, false, "int16"]);
  assert.equal(value.fields.data.kept, undefined);
  const bad = await spillway(["precision", source, "--field", "none"]);
  assert.deepEqual(
    [bad.code, bad.stderr.split("\n").at(-2)],
    [2, `error: ${source} has no tensor field "none". Its tensor fields are data.`],
  );
  const axis = await spillway(["precision", source, "--channel-axis", "data=5"]);
  assert.equal(axis.code, 2);
  assert.match(axis.stderr, /channel axis 5 is not an axis of samples of shape \[64, 2\]/);
});

test("an estimate is called one", async () => {
  const path = newPath();
  const rows = Float64Array.from({ length: 6000 }, (_, k) => (k % 100) / 4);
  const table = writeFile(join(path, "rows.npy"), npyBytes("<f8", [3000, 2], new Uint8Array(rows.buffer)));
  const { stdout } = await spillway(["precision", table, "--quick"]);
  assert.match(stdout, /: an ESTIMATE from 2,048 of 3,000 samples\n/);
});

test("pack and convert take types by field, and --dtype original gives them back", async () => {
  const source = recordings(30);
  const [packed, small, back] = [newPath(), newPath(), newPath()];
  assert.equal((await spillway(["pack", source, packed, "--dtype", "data=auto"])).code, 0);
  const { value } = await spillwayJson(["info", packed]);
  assert.deepEqual([value.fields.data.dtype, value.fields.data.encoding.claim], ["int16", "lossless"]);
  const lossy = await spillway(["convert", packed, small, "--dtype", "uint8"]);
  assert.equal(lossy.code, 0, lossy.stderr);
  assert.match(lossy.stderr, /data: stored as uint8 \[64, 2\], lossy from float64\. /);
  await spillway(["convert", packed, back, "--dtype", "original"]);
  const info = await spillwayJson(["info", back]);
  assert.deepEqual([info.value.fields.data.dtype, info.value.fields.data.encoding], ["float64", undefined]);
  assert.equal(info.value.fingerprint, value.fingerprint);
  const none = await spillway(["pack", source, newPath(), "--lossy"]);
  assert.deepEqual(
    [none.code, none.stderr.split("\n").at(-2)],
    [
      2,
      'error: lossy is of a choice of types, and dtype chooses none. Add dtype: "auto" (--dtype auto), or leave it out.',
    ],
  );
  const unknown = await spillway(["pack", source, newPath(), "--dtype", "float8"]);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /dtype "float8" is no choice\. Use one of keep, auto, float32/);
});

test("statistics prints what it keeps, for each fold", async () => {
  const path = newPath();
  await spillway(["pack", recordings(40), path]);
  const early = await spillway(["statistics", path]);
  assert.equal(early.code, 1);
  assert.match(early.stderr, /has no scheme "main" of splits/);
  await spillway(["split", path, "test=0.25", "--folds", "2"]);
  const { code, stdout } = await spillway(["statistics", path]);
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^statistics of split "train", fold 0, scheme "main", 15 samples:\n {2}data:\n {4}channel +mean +std +min +max\n/,
  );
  assert.match(stdout, /statistics of split "train", fold 1/);
  const { stdout: info } = await spillway(["info", path]);
  assert.match(info, /statistics +train of fold 0, train of fold 1/);
});
