import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SpillwayError } from "spillway";
import { formatBytes, parseBytes } from "#spillway/store/byte-size";
import { defaultMemory, freeMemory } from "#spillway/store/free-memory";

test("amounts are read as people write them", () => {
  for (const [text, bytes] of [
    ["512 MiB", 2 ** 29],
    ["512MiB", 2 ** 29],
    [" 2g ", 2 ** 31],
    ["2G", 2 ** 31],
    ["1.5 GiB", 1.5 * 2 ** 30],
    ["1.5 GB", 1.5e9],
    ["100", 100],
    [4096, 4096],
    ["1 TiB", 2 ** 40],
    ["10 kb", 10_000],
  ] as const) {
    assert.equal(parseBytes(text), bytes, String(text));
  }
});

test("what is no amount is refused with how to write it", () => {
  for (const bad of [
    "",
    "MiB",
    "-1",
    "0",
    "1 XB",
    "1,5 GiB",
    "1e9",
    "NaN",
    Number.NaN,
    -1,
    0,
    Number.POSITIVE_INFINITY,
    "9999999 TiB",
    "0.5",
  ]) {
    assert.throws(
      () => parseBytes(bad, "shardSize"),
      (error) => {
        assert.ok(error instanceof SpillwayError && error.code === "usage", String(bad));
        assert.equal(
          error.message,
          `shardSize "${bad}" is no amount of memory. Write it as "512 MiB" or "2 GiB".`,
        );
        return true;
      },
    );
  }
});

test("an amount that is written is read back within its digits, whole ones exactly", () => {
  for (const unit of [0, 1, 2, 3, 4]) {
    for (const value of [1, 2, 3, 10, 512, 1023])
      assert.equal(parseBytes(formatBytes(value * 1024 ** unit)), value * 1024 ** unit);
  }
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 50 }), (bytes) => {
      assert.ok(Math.abs(parseBytes(formatBytes(bytes)) / bytes - 1) < 0.01);
    }),
  );
  assert.deepEqual(
    [formatBytes(0), formatBytes(1.5 * 2 ** 30), formatBytes(2 ** 20 - 1)],
    ["0 B", "1.5 GiB", "1024 KiB"],
  );
});

test("free memory is a positive number, and the default a quarter of it or 64 MiB", () => {
  const free = freeMemory();
  assert.ok(Number.isFinite(free) && free > 2 ** 20);
  assert.ok(defaultMemory() >= 64 * 2 ** 20 && Number.isInteger(defaultMemory()));
});
