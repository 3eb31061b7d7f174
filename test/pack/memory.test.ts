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

const given = 32 * 2 ** 20;
/** What the heap and its threads' grow to: 26 MiB on Node 20, 31 on Node 24. */
const ownBytes = 36 * 2 ** 20;
/** A process that has loaded the library: 62 MiB on Node 20, 72 on Node 24. */
const barePeak = Number(
  execFileSync(
    process.execPath,
    [
      "--input-type=module",
      "-e",
      `await import(${JSON.stringify(import.meta.resolve("spillway"))}); console.log(process.resourceUsage().maxRSS * 1024)`,
    ],
    { encoding: "utf8" },
  ),
);

for (const layout of ["source", "shuffled"]) {
  test(`packing ten times the memory stays within the memory and what the process takes: ${layout}`, (t) => {
    const small = peakOf(16, layout);
    const large = peakOf(320, layout);
    const text = `loaded ${toMebibytes(barePeak)} MiB, ${toMebibytes(small)} MiB for 16 MiB, ${toMebibytes(large)} MiB for 320 MiB`;
    t.diagnostic(text);
    assert.ok(large < barePeak + given + ownBytes, text);
  });
}

function toMebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
