// Statistics and normalised samples are what test/fixtures/normalised.jsonl says, which Python is held to as well; made by
// test/python/make-normalised.ts.

import assert from "node:assert/strict";
import fs from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { fixturePath, makeNormalised } from "../fixtures/normalised.js";

test("what is measured and delivered normalised is what the fixture says", async () => {
  const found = JSON.parse(await makeNormalised());
  const expected = JSON.parse(fs.readFileSync(fixturePath(resolve(import.meta.dirname, "../../..")), "utf8"));
  assert.deepEqual(found, expected);
});
