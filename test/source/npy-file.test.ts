import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { createNpyFileReader, readNpyModel } from "#spillway/source/npy-file";
import type { Pace } from "#spillway/source/pace";
import {
  float64,
  npyBytes,
  numbersOf,
  openFileCount,
  refuses,
  tempFolder,
  writeFile,
  writeNpy,
} from "./fixtures.js";

const ways: Record<string, Pace> = {
  blocking: async (blocking) => blocking(),
  asynchronous: (_, asynchronous) => asynchronous(),
};

for (const [name, pace] of Object.entries(ways)) {
  test(`${name} reading gives the data or names the file, and leaves nothing open`, async (t) => {
    const folder = tempFolder(t);
    const path = writeNpy(join(folder, "a.npy"), [2], [1, 2]);
    const swapped = writeFile(
      join(folder, "b.npy"),
      npyBytes(">f8", [2], Buffer.from(float64(1, 2)).swap64()),
    );
    const short = writeFile(join(folder, "c.npy"), npyBytes("<f8", [2], float64(1)));
    const long = writeFile(join(folder, "d.npy"), npyBytes("<f8", [2], float64(1, 2, 3)));
    const other = writeFile(join(folder, "e.npy"), npyBytes("<f8", [2, 1], float64(1, 2)));
    const before = openFileCount();
    const read = createNpyFileReader(readNpyModel(path), pace);
    const into = new Uint8Array(16);
    for (const good of [path, swapped, path]) {
      into.fill(0);
      await read(good, into);
      assert.deepEqual(numbersOf(into), [1, 2]);
    }
    await refuses(() => read(short, into), "source", /c\.npy is cut short: it has 136 bytes, .* takes 144/);
    await refuses(
      () => read(long, into),
      "source",
      /d\.npy is longer than it says: it has 152 bytes, .* takes 144/,
    );
    await refuses(
      () => read(other, into),
      "source",
      /e\.npy holds float64 \[2, 1\], but float64 \[2\] was expected/,
    );
    await refuses(() => read(join(folder, "z.npy"), into), "missing", /z\.npy does not exist/);
    await refuses(() => read(folder, into), "io", /cannot be read/);
    assert.equal(openFileCount(), before);
  });
}
