import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { type Fields, SpillwayError, tensor } from "spillway";
import { encodeManifest, formatVersion, type Manifest, parseManifest } from "#spillway/format/manifest";
import { planShard, planSums } from "#spillway/format/shard";
import { packed } from "../fixtures/packed.js";

const path = await packed({ count: 100, shardSize: 4096 });
const text = fs.readFileSync(join(path, "dataset.json"), "utf8");
const good = (): Manifest => JSON.parse(text);

/** Asserts that a manifest is refused as damaged, for this reason. */
function refused(value: unknown, why: RegExp): void {
  assert.throws(
    () => parseManifest(typeof value === "string" ? value : JSON.stringify(value), "here/dataset.json"),
    (error) => {
      assert.ok(error instanceof SpillwayError && error.code === "corrupt", String(error));
      assert.match(error.message, why);
      assert.match(error.message, /^here\/dataset\.json is damaged: /);
      assert.equal(error.where.path, "here/dataset.json");
      return true;
    },
  );
}

test("what is written is read back the same, and written again with the same bytes", () => {
  assert.equal(encodeManifest(parseManifest(text, path)), text);
  assert.deepEqual(parseManifest(text, path), good());
});

test("any JSON and any text give a manifest or our error", () => {
  const damaged = (value: string) => {
    try {
      parseManifest(value, "here");
    } catch (error) {
      assert.ok(
        error instanceof SpillwayError && (error.code === "corrupt" || error.code === "version"),
        String(error),
      );
    }
  };
  fc.assert(fc.property(fc.json(), damaged));
  fc.assert(fc.property(fc.string(), damaged));
  // A good one with any value put in any place.
  const places: (string | number)[][] = [];
  const walk = (value: unknown, at: (string | number)[]) => {
    places.push(at);
    if (typeof value !== "object" || value === null) return;
    for (const key of Object.keys(value)) walk((value as Record<string, unknown>)[key], [...at, key]);
  };
  walk(good(), []);
  fc.assert(
    fc.property(fc.constantFrom(...places.slice(1)), fc.jsonValue(), (place, value) => {
      const manifest = good() as unknown as Record<string, never>;
      let holder = manifest;
      for (const key of place.slice(0, -1)) holder = holder[key]!;
      holder[place.at(-1)!] = value as never;
      damaged(JSON.stringify(manifest));
    }),
    { numRuns: 500 },
  );
});

test("a manifest that was cut anywhere is refused", () => {
  for (let end = 0; end < text.length - 2; end += 7) refused(text.slice(0, end), /it is no JSON/);
});

test("a newer format version is refused with what to do, whatever else it holds", () => {
  for (const value of [
    { ...good(), version: 3 },
    { version: formatVersion + 1, novel: true },
  ]) {
    assert.throws(
      () => parseManifest(JSON.stringify(value), "here"),
      (error) => {
        assert.ok(error instanceof SpillwayError && error.code === "version");
        assert.equal(
          error.message,
          "here has format version 3, this Spillway reads up to 2. Update Spillway: npm install spillway@latest.",
        );
        return true;
      },
    );
  }
  refused({ ...good(), version: 0 }, /version/);
  refused({ ...good(), version: "2" }, /version/);
});

test("paths that leave the folder are refused", () => {
  for (const bad of [
    "/etc/passwd",
    "../x",
    "shards/../../x",
    "a/..",
    "..",
    ".",
    "./x",
    "a\\b",
    "C:\\x\\y",
    "a\0b",
    "",
    "x".repeat(1025),
  ]) {
    const manifest = good();
    manifest.shards[0]!.path = bad;
    refused(manifest, /shards\.0\.path/);
    const other = good();
    other.catalog[0]!.path = bad;
    refused(other, /catalog\.0\.path/);
    const sums = good();
    sums.shards[0]!.sums.path = bad;
    refused(sums, /shards\.0\.sums\.path/);
  }
  const fine = good();
  fine.shards[0]!.path = "shards/..x/.y/z...arrow";
  parseManifest(JSON.stringify(fine), "here");
});

test("columns of the user's have one of four types", () => {
  const columns = { subject: "int64", session: "string", quality: "double", isGood: "boolean" } as const;
  const value = { ...good(), columns };
  assert.deepEqual(parseManifest(JSON.stringify(value), path).columns, columns);
  refused({ ...good(), columns: { subject: "int32" } }, /columns\.subject: /);
  refused({ ...good(), columns: { "": "int64" } }, /columns/);
  refused({ ...good(), columns: ["int64"] }, /columns/);
  const many = Object.fromEntries(Array.from({ length: 1025 }, (_, k) => [`c${k}`, "int64"]));
  refused({ ...good(), columns: many }, /columns: has more than 1024 columns/);
});

test("numbers that do not belong together are refused", () => {
  const change = (work: (manifest: Manifest) => void) => {
    const manifest = good();
    work(manifest);
    return manifest;
  };
  refused(
    change((m) => (m.rows += 1)),
    /shards hold 100 rows, the dataset 101/,
  );
  refused(
    change((m) => (m.commits[0]!.rows = 7)),
    /the last commit has 7 rows, the dataset 100/,
  );
  refused(
    change((m) => (m.shards[0]!.sums.bytes += 8)),
    /should have \d+ bytes, not \d+/,
  );
  refused(
    change((m) => (m.shards[0]!.columns.data!.stride = 25)),
    /column "data" of shards\/00000\.arrow does not lie within/,
  );
  refused(
    change((m) => (m.shards[0]!.columns.data!.start = 2 ** 40)),
    /column "data"/,
  );
  refused(
    change((m) => delete m.shards[0]!.columns.label),
    /column "label"/,
  );
  refused(
    change((m) => (m.shards[0]!.rows = 0)),
    /shards\.0\.rows/,
  );
  refused(
    change((m) => (m.shards[0]!.bytes = -1)),
    /shards\.0\.bytes/,
  );
  refused(
    change((m) => (m.shards[0]!.sums.hash = "xyz")),
    /shards\.0\.sums\.hash: is not 16 hexadecimal digits/,
  );
  refused(
    change((m) => (m.fields.data = { kind: "tensor", dtype: "float32", shape: [0] })),
    /fields\.data/,
  );
  refused(
    change((m) => Object.assign(m, { unknown: 1 })),
    /unknown/i,
  );
});

const strides = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 6 });

test("columns of a shard start on 4 KiB in the order of the fields, without overlap or padding of records", () => {
  fc.assert(
    fc.property(
      strides,
      fc.integer({ min: 1, max: 100_000 }),
      fc.integer({ min: 1, max: 20 }),
      (lengths, rows, pages) => {
        const fields: Fields = Object.fromEntries(
          lengths.map((length, k) => [`f${k}`, tensor("uint8", [length])]),
        );
        const plan = planShard(fields, rows, pages * 4096);
        let end = plan.headerBytes;
        for (const [k, length] of lengths.entries()) {
          const { start, stride } = plan.columns[`f${k}`]!;
          assert.equal(stride, length);
          assert.equal(start % 4096, 0);
          assert.ok(start >= end && start < end + 4096);
          end = start + rows * stride;
        }
        assert.ok(plan.bodyEnd % 8 === 0 && plan.bodyEnd >= end && plan.bodyEnd < end + 8);
      },
    ),
  );
});

test("sums lie column after column, one for each 4 KiB run of records or for each larger record", () => {
  fc.assert(
    fc.property(strides, fc.integer({ min: 1, max: 100_000 }), (lengths, rows) => {
      const fields: Fields = Object.fromEntries(
        lengths.map((length, k) => [`f${k}`, tensor("uint8", [length])]),
      );
      const { starts, bytes } = planSums(fields, rows);
      let at = 0;
      for (const [k, length] of lengths.entries()) {
        assert.equal(starts[`f${k}`], at);
        at += 8 * Math.ceil(rows / Math.max(1, Math.floor(4096 / length)));
      }
      assert.equal(bytes, at);
    }),
  );
});

test("commits that count down, know classes that are not there, or grow behind no commit are refused", () => {
  const commit = (rows: number, more: object = {}) => ({ rows, fingerprint: "0123456789abcdef", ...more });
  const cases: [object, RegExp][] = [
    [{ commits: [commit(60), commit(40), commit(100)] }, /commit 2 has 40 rows, the one before it 60/],
    [{ commits: [commit(60), commit(99)] }, /the last commit has 99 rows, the dataset 100/],
    [
      { commits: [commit(60, { classes: { label: 4 } }), commit(100)] },
      /commit 1 knows 4 classes of "label", the dataset has 3/,
    ],
    [
      { commits: [commit(60, { classes: { data: 1 } }), commit(100)] },
      /commit 1 knows 1 classes of "data", the dataset has 0/,
    ],
    [{ packing: { rows: 200, before: 60 } }, /samples are being added behind 60 rows, which no commit has/],
    [
      { commits: [commit(60), commit(100)], packing: { rows: 200, before: 50 } },
      /samples are being added behind 50 rows, which no commit has/,
    ],
  ];
  for (const [change, why] of cases) refused({ ...good(), ...change }, why);
  for (const change of [
    { commits: [commit(60, { classes: { label: 2 } }), commit(60), commit(100)] },
    { commits: [commit(60), commit(100)], packing: { rows: null, before: 60 } },
    { commits: [commit(100), commit(100)], packing: { rows: 120, before: 100 } },
  ]) {
    parseManifest(JSON.stringify({ ...good(), ...change }), "here");
  }
});
