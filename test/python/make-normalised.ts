// Makes test/fixtures/normalised.jsonl, by which TypeScript and Python are held to the same normalised numbers. Not a test
// by itself:
//   node build/test/python/make-normalised.js

import fs from "node:fs";
import { resolve } from "node:path";
import { fixturePath, makeNormalised } from "../fixtures/normalised.js";

const path = fixturePath(resolve(import.meta.dirname, "../../.."));
fs.writeFileSync(path, await makeNormalised());
console.log(`${path}: ${fs.statSync(path).size} bytes`);
