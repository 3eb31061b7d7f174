// Claim: what is appended may be far larger than the memory: 10 GB go through a cgroup of 256 MiB, which would kill the
// process above that, whether they come from one file that is read at random or from a program, in one pass or in two.
//
//   node scripts/task.mjs bench append [--gib 10] [--limit-mib 256]
//
// The file is sparse: reading it costs nothing, what is written is written in full. Needs room for the data (twice, for
// two passes) in the folder of temporary files.

import fs from "node:fs";
import { join } from "node:path";
import { pack } from "spillway";
import { runLimited } from "../test/fixtures/cgroup.js";
import { benchFields, benchSamples } from "./append-samples.js";
import { benchFolder } from "./numbered.js";
import { numberFlag, writeResult } from "./report.js";

const mebi = 2 ** 20;
const limit = numberFlag("limit-mib", 256) * mebi;
const count = Math.floor((numberFlag("gib", 10) * 2 ** 30) / 4096);
const folder = benchFolder();
const child = join(import.meta.dirname, "append-child.js");

/** One .npy file of zeros, float32 [count, 1024], all of it a hole. */
function sparseNpy(path: string): string {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${count}, 1024), }`.padEnd(117);
  fs.writeFileSync(path, Buffer.from(`\x93NUMPY\x01\x00\x76\x00${header}\n`, "latin1"));
  fs.truncateSync(path, 128 + count * 4096);
  return path;
}

const file = sparseNpy(join(folder, "zeros.npy"));
const ways = [
  { name: "a file, shuffled in one pass", layout: "shuffled", file },
  { name: "a program, in its own order", layout: "source", file: "" },
  { name: "a program, shuffled in two passes", layout: "shuffled", file: "" },
];
console.log(`Appending ${((count * 4096) / 2 ** 30).toFixed(1)} GiB in a cgroup of ${limit / mebi} MiB\n`);
console.log(
  "                                     seconds     MB/s   peak RSS   of it bare   samples   in a cgroup",
);
const results: object[] = [];
for (const { name, layout, file } of ways) {
  const path = join(folder, "dataset");
  fs.rmSync(path, { recursive: true, force: true });
  await pack(benchSamples(1000), path, { fields: benchFields });
  const { stdout, isLimited } = await runLimited(limit, child, [path, layout, String(count), file]);
  const { added, seconds, bareBytes, peakBytes } = JSON.parse(stdout) as Record<string, number>;
  if (added !== count) throw new Error(`${added} samples were appended of ${count}`);
  const columns = [
    seconds!.toFixed(1),
    ((count * 4096) / 1e6 / seconds!).toFixed(0),
    `${(peakBytes! / mebi).toFixed(0)} MiB`,
    `${(bareBytes! / mebi).toFixed(0)} MiB`,
    String(added),
    isLimited ? "yes" : "no",
  ];
  console.log(
    `  ${name.padEnd(34)}${columns.map((text, k) => text.padStart([8, 9, 11, 13, 10, 14][k]!)).join("")}`,
  );
  results.push({ name, seconds, peakBytes, bareBytes, samples: added, isLimited });
  fs.rmSync(path, { recursive: true });
}
fs.rmSync(file);
writeResult("append", { limitBytes: limit, dataBytes: count * 4096, results });
