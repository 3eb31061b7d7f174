import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { classes, type Fields, tensor } from "spillway";
import { CommitDigest } from "#spillway/format/digest";

const fields: Fields = { data: tensor("float32", [6]), label: classes(["a", "b"]) };
const rows = fc.array(
  fc.record({ hash: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), label: fc.integer({ min: 0, max: 1 }) }),
  { minLength: 1, maxLength: 50 },
);
type Row = typeof rows extends fc.Arbitrary<(infer T)[]> ? T : never;

function fingerprintOf(parts: readonly (readonly Row[])[], given = fields, before?: string): string {
  const digest = new CommitDigest(given);
  for (const part of parts) {
    const hashes = BigUint64Array.from(part, ({ hash }) => hash);
    digest.add(hashes, [Uint8Array.from(part, ({ label }) => label)]);
    assert.match(digest.fingerprint(given, before), /^[0-9a-f]{16}$/);
  }
  return digest.fingerprint(given, before);
}

test("a fingerprint does not depend on how its rows are cut, nor on being asked in between", () => {
  fc.assert(
    fc.property(rows, fc.nat(), (all, cut) => {
      const at = cut % (all.length + 1);
      assert.equal(fingerprintOf([all.slice(0, at), all.slice(at)]), fingerprintOf([all]));
    }),
  );
});

test("a fingerprint changes with hashes, labels, their order, fields, classes and the commit before", () => {
  const all = [
    { hash: 1n, label: 0 },
    { hash: 2n, label: 1 },
  ];
  const others = [
    fingerprintOf([all]),
    fingerprintOf([all.toReversed()]),
    fingerprintOf([[all[0]!, { hash: 2n, label: 0 }]]),
    fingerprintOf([[all[0]!, { hash: 3n, label: 1 }]]),
    fingerprintOf([[all[0]!]]),
    fingerprintOf([all], { ...fields, label: classes(["a", "c"]) }),
    fingerprintOf([all], { ...fields, data: tensor("float32", [7]) }),
    fingerprintOf([all], fields, "0".repeat(16)),
  ];
  assert.equal(new Set(others).size, others.length);
});
