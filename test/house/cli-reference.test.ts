import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const root = resolve(import.meta.dirname, "../../..");

test("docs/cli.md is what the commands say of themselves (npm run docs writes it)", async () => {
  const { cliReference } = await import(pathToFileURL(join(root, "scripts/cli-reference.mjs")).href);
  assert.equal(readFileSync(join(root, "docs/cli.md"), "utf8"), await cliReference());
});
