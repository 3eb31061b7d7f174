import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../fixtures/packed.js";

const folder = temporaryFolder();

/** Most memory that a process held which packed so many MiB. */
function peakOf(mebibytes: number, layout: string): number {
  const target = join(folder, `${layout} ${mebibytes}`);
  const script = join(import.meta.dirname, "memory-child.js");
  const peak = Number(
    execFileSync(process.execPath, [script, target, String(mebibytes), layout], { encoding: "utf8" }),
  );
  fs.rmSync(target, { recursive: true });
  return peak;
}

for (const layout of ["source", "shuffled"]) {
  test(`packing ten times the memory takes no more of it than packing as much as fits: ${layout}`, () => {
    const small = peakOf(16, layout);
    const large = peakOf(320, layout);
    // What differs is Node's own heap, which grows to its leisure.
    assert.ok(
      large - small < 64 * 2 ** 20,
      `${small / 2 ** 20} MiB for 16 MiB, ${large / 2 ** 20} MiB for 320 MiB`,
    );
  });
}
