import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Hasher, hashHex } from "#spillway/kernels/hasher";
import { bindKernels, kernelModule, sharedMemory } from "#spillway/kernels/kernels";

const mask = (1n << 64n) - 1n;
const [p1, p2, p3, p4, p5] = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
];
const rotl = (x: bigint, r: bigint) => ((x << r) | (x >> (64n - r))) & mask;
const round = (acc: bigint, input: bigint) => (rotl((acc + input * p2) & mask, 31n) * p1) & mask;

/** XXH64 written from its specification, slowly. */
function reference(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  let hash: bigint;
  if (bytes.length >= 32) {
    let acc = [(p1 + p2) & mask, p2, 0n, -p1 & mask];
    for (; at + 32 <= bytes.length; at += 32)
      acc = acc.map((a, k) => round(a, view.getBigUint64(at + 8 * k, true)));
    hash = acc.reduce((sum, a, k) => (sum + rotl(a, [1n, 7n, 12n, 18n][k]!)) & mask, 0n);
    for (const a of acc) hash = ((hash ^ round(0n, a)) * p1 + p4) & mask;
  } else {
    hash = p5;
  }
  hash = (hash + BigInt(bytes.length)) & mask;
  for (; at + 8 <= bytes.length; at += 8)
    hash = (rotl(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * p1 + p4) & mask;
  if (at + 4 <= bytes.length) {
    hash = (rotl(hash ^ ((BigInt(view.getUint32(at, true)) * p1) & mask), 23n) * p2 + p3) & mask;
    at += 4;
  }
  for (; at < bytes.length; at += 1)
    hash = (rotl(hash ^ ((BigInt(bytes[at]!) * p5) & mask), 11n) * p1) & mask;
  hash = ((hash ^ (hash >> 33n)) * p2) & mask;
  hash = ((hash ^ (hash >> 29n)) * p3) & mask;
  return hash ^ (hash >> 32n);
}

test("agrees with the published values", () => {
  assert.equal(hashHex(), "ef46db3751d8e999");
  assert.equal(hashHex(new TextEncoder().encode("abc")), "44bc2cf5ad770999");
});

test("agrees with the specification for any bytes, however they are cut", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, cut) => {
      const expected = reference(bytes);
      assert.equal(new Hasher().update(bytes).finish(), expected);
      assert.equal(
        hashHex(bytes.subarray(0, cut), bytes.subarray(cut)),
        expected.toString(16).padStart(16, "0"),
      );
    }),
  );
});

test("streams inputs that are longer than its workspace", () => {
  const bytes = new Uint8Array(200_003).map((_, k) => (k * 31) ^ (k >> 8));
  assert.equal(new Hasher().update(bytes).finish(), reference(bytes));
});

test("hashes runs, the last one shorter, and recognises a changed byte", () => {
  const memory = sharedMemory(65_536);
  const kernels = bindKernels(kernelModule(), memory);
  const bytes = new Uint8Array(memory.buffer);
  for (let k = 0; k < 1000; k += 1) bytes[4096 + k] = k * 7;
  kernels.xxh64Runs(4096, 300, 1000, 0);
  const sums = new BigUint64Array(memory.buffer, 0, 4);
  for (let run = 0; run < 4; run += 1) {
    const part = bytes.slice(4096 + run * 300, 4096 + Math.min(1000, (run + 1) * 300));
    assert.equal(sums[run], reference(part));
    assert.equal(kernels.xxh64Matches(4096 + run * 300, part.length, run * 8), 1);
  }
  bytes[4096] = 1;
  assert.equal(kernels.xxh64Matches(4096, 300, 0), 0);
});
