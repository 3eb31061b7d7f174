import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { beginFrame, frameContent, frameHeadBytes, frameLength, frameStride } from "#spillway/tensor/frame";

test("a frame gives back the bytes that were put into it, whatever was there before", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 100 }),
      fc.nat(40),
      fc.nat(255),
      (bytes, more, before) => {
        const frame = new Uint8Array(frameStride(bytes.length + more)).fill(before);
        beginFrame(frame, bytes.length).set(bytes);
        assert.equal(frameLength(frame), bytes.length);
        assert.deepEqual(frameContent(frame), bytes);
      },
    ),
  );
});

test("frames are multiples of 8 bytes with room for the longest record", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 28 }), (maxBytes) => {
      const stride = frameStride(maxBytes);
      assert.equal(stride % 8, 0);
      assert.ok(stride >= frameHeadBytes + maxBytes && stride < frameHeadBytes + maxBytes + 8);
    }),
  );
});

test("a frame without bytes, or with more than it has, is refused", () => {
  const frame = new Uint8Array(16);
  assert.throws(() => frameContent(frame), /^RangeError: a frame of 16 bytes cannot hold 0$/);
  assert.throws(() => beginFrame(frame, 13), /^RangeError: a frame of 16 bytes cannot hold 13$/);
  assert.equal(beginFrame(frame, 12).length, 12);
});
