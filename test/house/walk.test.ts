// The page docs/one-folder.md is what its commands print, but for times, sizes of processes and what a network learns.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const root = resolve(import.meta.dirname, "../../..");

/** The lines of the page without what differs from run to run. */
function linesOf(text: string): string[] {
  return text
    .replace(/(in|peak memory|\(|,) ?[\d.,]+ (s|MB\/s|MiB\/s|samples\/s|MiB)\b/g, "$1 ... $2")
    .replace(/loss [\d.]+, validation accuracy [\d.]+ %/g, "loss ..., validation accuracy ... %")
    .split("\n");
}

test("the walk through one folder prints what its page shows", async () => {
  const { walk } = (await import(pathToFileURL(join(root, "scripts/walk.mjs")).href)) as {
    walk: () => string;
  };
  const shown = fs.readFileSync(join(root, "docs/one-folder.md"), "utf8");
  assert.deepEqual(linesOf(walk()), linesOf(shown));
});
