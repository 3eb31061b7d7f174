import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { SpillwayError } from "spillway";
import {
  bestDepth,
  type DevicePoint,
  type DeviceProfile,
  parseDeviceProfile,
  randomBytesPerSecond,
} from "#spillway/store/device";
import { cacheFolder, keptProfile, measureAndKeep } from "#spillway/store/device-cache";
import { temporaryFolder } from "../fixtures/packed.js";

function point(blockBytes: number, depth: number, readsPerSecond: number): DevicePoint {
  return { pattern: "random", way: "threads", blockBytes, depth, readsPerSecond, cpuMicroseconds: 20 };
}

const profile: DeviceProfile = {
  format: 1,
  device: "fe00-ef53-1",
  date: "2026-01-01T00:00:00.000Z",
  fileBytes: 2 ** 30,
  isDirect: true,
  points: [
    point(4096, 1, 10_000),
    point(4096, 4, 35_000),
    point(4096, 16, 72_000),
    point(4096, 32, 97_000),
    point(65_536, 1, 3000),
    point(65_536, 4, 9100),
    point(65_536, 16, 10_000),
    { ...point(65_536, 1, 50_000), pattern: "sequential" },
    { ...point(65_536, 1, 50_000), way: "async" },
  ],
};

test("the fewest reads at a time are chosen that come within a tenth of the best, at the size nearest by", () => {
  const depth = (recordBytes: number) => bestDepth(profile, "threads", recordBytes)?.depth;
  assert.deepEqual([24, 4096, 8192, 40_000, 10 ** 6].map(depth), [32, 32, 32, 4, 4]);
  assert.equal(bestDepth({ points: [] }, "threads", 4096), undefined);
});

test("what the disk gives lies between the figures of the sizes that were measured", () => {
  const rate = (recordBytes: number) => randomBytesPerSecond(profile, "threads", recordBytes)!;
  assert.deepEqual([1024, 4096, 65_536, 2 ** 20].map(rate), [
    97_000 * 1024,
    97_000 * 4096,
    10_000 * 65_536,
    10_000 * 65_536,
  ]);
  // In the middle, by ratios: the mean of ratios.
  assert.ok(Math.abs(rate(16_384) / Math.sqrt(97_000 * 4096 * 10_000 * 65_536) - 1) < 1e-12);
  const sizes = Array.from({ length: 200 }, (_, k) => 512 * 1.05 ** k);
  assert.ok(sizes.every((size, k) => k === 0 || rate(size) >= rate(sizes[k - 1]!)));
  assert.equal(randomBytesPerSecond({ points: [] }, "threads", 4096), undefined);
});

test("a profile comes back as it was written; any other text is none", () => {
  assert.deepEqual(parseDeviceProfile(JSON.stringify(profile)), profile);
  for (const changed of [{ format: 2 }, { points: [] }, { device: "" }, { points: [point(4096, 0, 1)] }])
    assert.equal(parseDeviceProfile(JSON.stringify({ ...profile, ...changed })), undefined);
  fc.assert(fc.property(fc.string(), (text) => parseDeviceProfile(text) === undefined));
  fc.assert(fc.property(fc.json(), (text) => parseDeviceProfile(text) === undefined));
});

const data = temporaryFolder();
const file = join(data, "shard");
fs.writeFileSync(file, new Uint8Array(2 ** 20));

test("a device is measured by its files in every way, kept, and found again for the same files", async () => {
  const folder = join(temporaryFolder(), "cache", "spillway");
  assert.equal(keptProfile([file], folder), undefined);
  const before = fs.statSync(file).mtimeMs;
  const measured = await measureAndKeep([file], { folder, maxDepth: 4, pointMs: 10 });
  assert.equal(fs.statSync(file).mtimeMs, before);
  assert.equal(measured.path, join(folder, `device-${measured.profile.device}.json`));
  assert.deepEqual(keptProfile([file], folder), measured.profile);
  const seen = measured.profile.points.map(
    ({ pattern, way, blockBytes, depth }) => `${pattern} ${way} ${blockBytes / 1024} x ${depth}`,
  );
  assert.deepEqual(seen, [
    "random threads 4 x 1",
    "random threads 4 x 4",
    "random threads 64 x 1",
    "random threads 64 x 4",
    "sequential threads 64 x 1",
    "random threads 256 x 1",
    "random threads 256 x 4",
    "sequential threads 256 x 1",
    "random async 64 x 1",
    "random async 64 x 4",
  ]);
  assert.ok(measured.profile.points.every(({ readsPerSecond }) => readsPerSecond > 0));
});

test("a kept profile that is damaged or of other files is not used", async () => {
  const folder = temporaryFolder();
  const { path } = await measureAndKeep([file], { folder, maxDepth: 1, pointMs: 1 });
  const text = fs.readFileSync(path!, "utf8");
  for (const damaged of [
    text.slice(0, -9),
    text.replace('"format": 1', '"format": 2'),
    "",
    "[]",
    text.replace(/"device": "/, '"device": "x'),
  ]) {
    fs.writeFileSync(path!, damaged);
    assert.equal(keptProfile([file], folder), undefined);
  }
  fs.writeFileSync(path!, text);
  assert.ok(keptProfile([file], folder));
  assert.equal(keptProfile([join(data, "gone")], folder), undefined);
  assert.equal(keptProfile([], folder), undefined);
});

test("a cache folder that cannot be written to costs the keeping, not the measurement, and is said", async () => {
  const folder = join(file, "not-a-folder");
  const {
    profile: measured,
    path,
    notes,
  } = await measureAndKeep([file], { folder, maxDepth: 1, pointMs: 1 });
  assert.ok(measured.points.length > 0);
  assert.equal(path, undefined);
  assert.match(notes.at(-1)!, /^The measurement cannot be kept, and will be made again: .*not-a-folder/);
});

test("the cache folder is the user's, wherever the system says that it is", () => {
  assert.equal(cacheFolder({ XDG_CACHE_HOME: "/elsewhere" }), join("/elsewhere", "spillway"));
  for (const environment of [{}, { XDG_CACHE_HOME: "" }, { XDG_CACHE_HOME: "not/absolute" }])
    assert.match(cacheFolder(environment), /\.cache[/\\]spillway$/);
});

test("files that are too small to measure by are refused", async () => {
  const small = join(data, "small");
  fs.writeFileSync(small, "little");
  await assert.rejects(
    measureAndKeep([small]),
    (error) =>
      error instanceof SpillwayError &&
      error.message ===
        "there is no file of 256 KiB or more to measure the device by. Measure with a larger dataset.",
  );
});
