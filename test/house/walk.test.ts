// Pages of docs/ that tell of commands are what these print, but for times, sizes of processes and what a network learns.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const root = resolve(import.meta.dirname, "../../..");

interface Walk {
  pages: readonly string[];
  walk(page: string): Promise<string>;
}

const { pages, walk } = (await import(pathToFileURL(join(root, "scripts/walk.mjs")).href)) as Walk;

/** The lines of a page without what differs from run to run. */
function linesOf(text: string): string[] {
  return text
    .replace(/(\bin|peak memory|\() ?[\d.,]+ (s|MB\/s|MiB\/s|samples\/s|MiB)\b/g, "$1 ... $2")
    .replace(/loss [\d.]+, validation accuracy [\d.]+ %/g, "loss ..., validation accuracy ... %")
    .replace(/^ +[\d.]+ %( +[\d.]+ %)?$/gm, "(least and highest accuracy)")
    .replace(/ [o·\d]{41} {2}[\d.]+ %$/gm, " (accuracies)")
    .replace(/(uint8: ).*(?=, where another seed alone)/g, "$1...")
    .replace(/(another seed alone makes) [\d.]+ points/g, "$1 ... points")
    .split("\n");
}

for (const page of pages) {
  test(`the page ${page} is what its commands print`, async () => {
    const shown = fs.readFileSync(join(root, `docs/${page}.md`), "utf8");
    assert.deepEqual(linesOf(await walk(page)), linesOf(shown));
  });
}

test("only what differs from run to run is left out of the comparison", () => {
  const facts = `Indexed 2,000 samples into 1 index, 93.8 KiB, in 0.507 s (3,946 samples/s, peak memory 137 MiB).
  --dtype auto: int16 (lossless), 1.56 MiB instead of 6.25 MiB.
  train  1,420  71.0 %
                   48.8 %                             55.0 %
  int16     4 KiB  ················o·······················o  53.1 %
  int16: the same accuracy, where another seed alone makes 3.75 points: nothing is lost that training would notice.
  uint8: 1.88 points less, where another seed alone makes 3.75 points: nothing is lost that training would notice.`;
  assert.deepEqual(linesOf(facts), [
    "Indexed 2,000 samples into 1 index, 93.8 KiB, in ... s ( ... samples/s, peak memory ... MiB).",
    "  --dtype auto: int16 (lossless), 1.56 MiB instead of 6.25 MiB.",
    "  train  1,420  71.0 %",
    "(least and highest accuracy)",
    "  int16     4 KiB  (accuracies)",
    "  int16: the same accuracy, where another seed alone makes ... points: nothing is lost that training would notice.",
    "  uint8: ..., where another seed alone makes ... points: nothing is lost that training would notice.",
  ]);
});
