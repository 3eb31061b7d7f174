import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SpillwayError } from "spillway";
import { encodeToken, parseToken } from "#spillway/order/token";

const hex = fc
  .array(fc.constantFrom(..."0123456789abcdef"), { minLength: 16, maxLength: 16 })
  .map((digits) => digits.join(""));

test("a token says what was encoded", () => {
  fc.assert(
    fc.property(
      fc.option(fc.maxSafeNat(), { nil: undefined }),
      fc.maxSafeNat(),
      hex,
      fc.integer({ min: 1, max: 1e6 }),
      fc.option(fc.tuple(fc.constantFrom("b", "w"), hex)),
      (seed, position, view, commit, drawing) => {
        const isDrawn = drawing !== null && seed !== undefined;
        const point = { seed, position, view, commit, ...(isDrawn && { drawing: drawing.join("") }) };
        assert.deepEqual(parseToken(encodeToken(point)), point);
      },
    ),
  );
});

test("the form of a token is that of order version 1", () => {
  assert.equal(
    encodeToken({ seed: 7, position: 123456, view: "9f86d081884c7d65", commit: 3 }),
    "1.s7.123456.9f86d081884c7d65.3",
  );
  assert.equal(
    encodeToken({ seed: undefined, position: 0, view: "9f86d081884c7d65", commit: 1 }),
    "1.c.0.9f86d081884c7d65.1",
  );
  assert.equal(
    encodeToken({ seed: 7, position: 5, view: "9f86d081884c7d65", commit: 1, drawing: "b5d41402abc4b2a76" }),
    "1.s7.5.9f86d081884c7d65.1.b5d41402abc4b2a76",
  );
});

test("any text gives a token or our error", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parseToken(text);
      } catch (error) {
        assert.ok(error instanceof SpillwayError && error.code === "usage");
      }
    }),
  );
});

test("refuses a token that is of the catalog's order and balanced", () => {
  assert.throws(() => parseToken("1.c.0.9f86d081884c7d65.1.b5d41402abc4b2a76"), {
    code: "usage",
    message:
      '"1.c.0.9f86d081884c7d65.1.b5d41402abc4b2a76" is no resume token. Pass on batch.resume of an earlier run, unchanged.',
  });
});

test("refuses a token of a newer order", () => {
  assert.throws(
    () => parseToken("2.s7.0.9f86d081884c7d65.1"),
    (error) =>
      error instanceof SpillwayError &&
      error.code === "version" &&
      error.message.includes("order version 2, this Spillway knows 1"),
  );
});
