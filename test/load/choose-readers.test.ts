import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseReaders, type ReadersInput } from "#spillway/load/choose-readers";
import type { DevicePoint } from "#spillway/store/device";

const gibi = 2 ** 30;
const input: ReadersInput = {
  memoryBytes: 2 * gibi,
  cores: 2,
  isDirect: true,
  recordBytes: 8192,
  profile: undefined,
};
const measured = (depth: number): { points: DevicePoint[] } => ({
  points: [
    {
      pattern: "random",
      way: "threads",
      blockBytes: 4096,
      depth,
      readsPerSecond: 1000,
      cpuMicroseconds: 20,
    },
  ],
});

test("samples out of memory have a few readers, whatever the disk can do", () => {
  assert.equal(chooseReaders({ ...input, isDirect: false, profile: measured(32) }), 4);
  assert.equal(chooseReaders({ ...input, isDirect: false, cores: 16 }), 8);
});

test("samples from the disk have as many readers as keep it busy, in half of the memory", () => {
  assert.equal(chooseReaders({ ...input, profile: measured(24) }), 24);
  assert.equal(chooseReaders({ ...input, profile: measured(1) }), 4, "never fewer than otherwise");
  assert.equal(chooseReaders({ ...input, profile: measured(64) }), 32);
  assert.equal(chooseReaders({ ...input, memoryBytes: gibi / 4, profile: measured(32) }), 16);
  assert.equal(chooseReaders({ ...input, memoryBytes: gibi / 64, profile: measured(32) }), 1);
});

test("a disk that was not measured has 16 readers", () => {
  assert.equal(chooseReaders(input), 16);
});
