import assert from "node:assert/strict";
import { test } from "node:test";
import * as spillway from "spillway";

test("the public API is this list, and no more", () => {
  assert.deepEqual(Object.keys(spillway).sort(), [
    "Catalog",
    "Dataset",
    "SpillwayError",
    "View",
    "append",
    "classes",
    "encodedImage",
    "index",
    "measurePrecision",
    "mix",
    "open",
    "pack",
    "tensor",
  ]);
});
