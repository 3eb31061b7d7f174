// Checks one shard: the lengths of its files, its Arrow header and footer, and every sum of every column, read from
// front to back in chunks. The sums computed on the way are hashed too: where the .sums file itself is damaged, that
// still tells whether the samples are whole.

import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import { openFile, type ReadableFile } from "../store/file.js";
import { type ArrowCheck, verifyArrow } from "./verify-arrow.js";
import { addBadRows, type BadRows, samplesOf } from "./verify-bad-rows.js";
import { verifyEncoded } from "./verify-encoded.js";
import { type FilesCheck, verifyFiles } from "./verify-files.js";
import { restoreRemedy, type VerifyProblem } from "./verify-problems.js";
import { verifySums } from "./verify-sums.js";
import { chunkBytes } from "./verify-workspace.js";

/** Checks a shard and adds what is wrong with it to the problems. */
export async function verifyShard(check: ArrowCheck): Promise<void> {
  const { shard, problems } = check;
  const sums = await readSums(check);
  const file = openOrReport(check, shard.path, shard.bytes);
  if (!file) {
    sums.file?.close();
    return check.advance(shard.bytes);
  }
  try {
    await verifyArrow(check, file);
    const bad: BadRows[] = [];
    check.workspace.startStream();
    let areFilesRight = true;
    for (const field of Object.keys(check.manifest.fields)) {
      if (field === check.manifest.files?.field) areFilesRight = await verifyFiles(check, field, sums.file);
      else if (shard.encoded?.[field])
        bad.push(...(await verifyEncoded(check, field, { file, sumsFile: sums.file })));
      else await verifySums(check, field, file, sums.file, bad);
    }
    const areSamplesWhole =
      check.workspace.finishStream() === shard.sums.hash &&
      areFilesRight &&
      bad.every(({ kind }) => kind === "sum");
    if (sums.damage) {
      problems.add({
        path: shard.sums.path,
        shard: shard.path,
        ...sums.damage,
        what: `${shard.sums.path} is damaged: ${sums.damage.what}${areSamplesWhole ? "; the samples are whole" : ""}`,
      });
    }
    if (areSamplesWhole) return;
    for (const rows of bad) addBadRows(check, rows, sums.damage !== undefined);
    if (bad.length === 0 && areFilesRight) {
      problems.add({
        path: shard.path,
        shard: shard.path,
        ...samplesOf(check, 0, shard.rows),
        what: `${shard.path} is damaged somewhere: without its sums the place cannot be told`,
        remedy: restoreRemedy,
      });
    }
  } finally {
    file.close();
    sums.file?.close();
  }
}

/** Opens a file of the shard; a length that is not the expected one is reported, and undefined is a file that is not there. */
function openOrReport(check: FilesCheck, path: string, byteLength: number): ReadableFile | undefined {
  const { folder, shard, problems } = check;
  const samples = samplesOf(check, 0, shard.rows);
  let file: ReadableFile;
  try {
    file = openFile(join(folder, path));
  } catch (error) {
    if (!(error instanceof SpillwayError)) throw error;
    problems.add({ path, shard: shard.path, ...samples, what: error.what, remedy: restoreRemedy });
    return undefined;
  }
  if (file.byteLength !== byteLength) {
    const way = file.byteLength < byteLength ? "cut short" : "too long";
    problems.add({
      path,
      shard: shard.path,
      startByte: Math.min(file.byteLength, byteLength),
      endByte: Math.max(file.byteLength, byteLength),
      what: `${path} is ${way}: it has ${file.byteLength} bytes, dataset.json says ${byteLength}`,
      remedy: restoreRemedy,
    });
  }
  return file;
}

/** The .sums file, open if it can serve, and what is wrong with it. */
async function readSums(
  check: FilesCheck,
): Promise<{ file?: ReadableFile; damage?: Pick<VerifyProblem, "what" | "remedy"> }> {
  const { folder, shard, workspace } = check;
  const { path, bytes, hash } = shard.sums;
  let file: ReadableFile | undefined;
  try {
    file = openFile(join(folder, path));
    if (file.byteLength !== bytes) {
      const what = `it has ${file.byteLength} bytes, dataset.json says ${bytes}`;
      file.close();
      return { damage: { what, remedy: restoreRemedy } };
    }
    workspace.startStream();
    for (let at = 0; at < bytes; at += chunkBytes) {
      const part = workspace.chunk.subarray(0, Math.min(chunkBytes, bytes - at));
      await file.read(part, at);
      workspace.addToStream(part);
      check.advance(part.length);
    }
    if (workspace.finishStream() === hash) return { file };
    return { file, damage: { what: "its hash is not the one in dataset.json", remedy: restoreRemedy } };
  } catch (error) {
    file?.close();
    if (!(error instanceof SpillwayError)) throw error;
    return { damage: { what: error.what, remedy: restoreRemedy } };
  }
}
