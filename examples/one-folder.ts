// Makes what the pages docs/one-folder.md and docs/fewer-bits.md walk through: a folder of simulated recordings in 64-bit
// floats, one file each, in a sub-folder per gesture, and beside it a table that tells who made each.
//
//   node scripts/task.mjs example one-folder recordings [--count 2000] [--from 0] [--bits 16]

import fs from "node:fs";
import { join, resolve } from "node:path";
import { createNpyWriter } from "./npy-file.js";
import { channelCount, createGestures, gestureNames, stepCount } from "./simulated-gestures.js";

const seed = 7;
/** Every one of them makes all gestures; some make more than others. */
const subjects = [
  "ada",
  "ben",
  "cleo",
  "dan",
  "eva",
  "fay",
  "gus",
  "hal",
  "ida",
  "jon",
  "kim",
  "leo",
] as const;

const [folder] = process.argv.slice(2).filter((word) => !word.startsWith("--"));
if (folder === undefined) {
  console.error("Name the folder to be made: node scripts/task.mjs example one-folder recordings");
  process.exit(2);
}
const count = flag("count", 2000);
const from = flag("from", 0);
/** Of the simulated recorder. */
const bits = flag("bits", 16);
makeRecordings(resolve(folder), from, count);
console.log(
  `${folder}: ${count} simulated recordings of ${stepCount} steps and ${channelCount} channels; ${folder}.csv tells who made them.`,
);

function flag(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
}

function makeRecordings(target: string, first: number, recordings: number): void {
  const simulate = createGestures(seed, bits);
  const { values, write } = createNpyWriter([stepCount, channelCount]);
  const rows = ["path,subject,hand"];
  for (const gesture of gestureNames) fs.mkdirSync(join(target, gesture), { recursive: true });
  for (let index = first; index < first + recordings; index += 1) {
    simulate(index, values);
    const gesture = gestureNames[index % gestureNames.length]!;
    const path = `${gesture}/${String(index).padStart(5, "0")}.npy`;
    write(join(target, path));
    // Of the squares of 0 .. 11 some remainders are met more often than others.
    const take = Math.floor(index / gestureNames.length);
    const subject = subjects[(take + Math.floor(take / 7) ** 2) % subjects.length]!;
    rows.push(`${path},${subject},${subject.charCodeAt(0) % 4 === 0 ? "left" : "right"}`);
  }
  fs.writeFileSync(`${target}.csv`, `${rows.join("\n")}\n`);
}
