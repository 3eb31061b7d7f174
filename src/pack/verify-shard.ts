// Checks one shard: the lengths of its files, its Arrow header and footer, and every sum of every column, read from
// front to back in chunks. The sums computed on the way are hashed too: where the .sums file itself is damaged, that
// still tells whether the samples are whole.

import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import { encodeShard } from "../format/arrow.js";
import type { ShardEntry } from "../format/manifest.js";
import { planSums, roundUp, rowsPerSum, type ShardPlan } from "../format/shard.js";
import { openFile, type ReadableFile } from "../store/file.js";
import type { Fields } from "../tensor/field.js";
import { type ProblemList, restoreRemedy, type VerifyProblem, wordSamples } from "./verify-problems.js";
import { chunkBytes, type VerifyWorkspace } from "./verify-workspace.js";

export interface ShardCheck {
  folder: string;
  fields: Fields;
  shard: ShardEntry;
  /** Id of the shard's first sample. */
  firstSample: number;
  /** Classes that the samples of the shards so far have, by field; carried from shard to shard. */
  labelCounts: Record<string, number>;
  workspace: VerifyWorkspace;
  problems: ProblemList;
  /** Told of every `byteLength` more bytes that were checked; throws where the caller wants to stop. */
  advance(byteLength: number): void;
}

/** Rows [start, end) of the shard whose bytes are not what they should be. */
interface BadRows {
  field: string;
  start: number;
  end: number;
  kind: "sum" | "cut" | "unreadable";
  cause?: unknown;
}

/** Checks a shard and adds what is wrong with it to the problems. */
export async function verifyShard(check: ShardCheck): Promise<void> {
  const { shard, problems } = check;
  const sums = await readSums(check);
  const file = openOrReport(check, shard.path, shard.bytes);
  if (!file) {
    sums.file?.close();
    return check.advance(shard.bytes);
  }
  try {
    await checkArrow(check, file);
    const bad: BadRows[] = [];
    check.workspace.startStream();
    for (const field of Object.keys(check.fields)) await checkColumn(check, field, file, sums.file, bad);
    const areSamplesWhole =
      check.workspace.finishStream() === shard.sums.hash && bad.every(({ kind }) => kind === "sum");
    if (sums.damage) {
      problems.add({
        path: shard.sums.path,
        shard: shard.path,
        ...sums.damage,
        what: `${shard.sums.path} is damaged: ${sums.damage.what}${areSamplesWhole ? "; the samples are whole" : ""}`,
      });
    }
    if (areSamplesWhole) return;
    for (const rows of bad) problems.add(describeBadRows(check, rows, sums.damage !== undefined));
    if (bad.length === 0) {
      problems.add({
        path: shard.path,
        shard: shard.path,
        startSample: check.firstSample,
        endSample: check.firstSample + shard.rows,
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
function openOrReport(
  { folder, shard, firstSample, problems }: ShardCheck,
  path: string,
  byteLength: number,
): ReadableFile | undefined {
  const samples = { startSample: firstSample, endSample: firstSample + shard.rows };
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
  check: ShardCheck,
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

/** Compares header and footer with those that these fields and rows give. */
async function checkArrow(check: ShardCheck, file: ReadableFile): Promise<void> {
  const { fields, shard, problems } = check;
  const places = Object.keys(fields).map((name) => shard.columns[name]!);
  const ends = places.map(({ start, stride }) => start + stride * shard.rows);
  const plan: ShardPlan = {
    rows: shard.rows,
    headerBytes: places[0]?.start ?? 0,
    columns: shard.columns,
    bodyEnd: roundUp(Math.max(0, ...ends), 8),
  };
  const possible = (await fieldsOfHeader(check, file)).flatMap((fieldsThere) => {
    try {
      return [encodeShard(fieldsThere, plan)];
    } catch (error) {
      if (error instanceof RangeError) return [];
      throw error;
    }
  });
  const expected = possible.find(({ footer }) => plan.bodyEnd + footer.length === shard.bytes) ?? possible[0];
  if (!expected) {
    const what = `dataset.json gives ${shard.path} a header of ${plan.headerBytes} bytes, too few for its fields`;
    problems.add({ path: "dataset.json", shard: shard.path, what, remedy: restoreRemedy });
    return;
  }
  const parts = [
    { name: "header", bytes: expected.header, startByte: 0 },
    { name: "footer", bytes: expected.footer, startByte: plan.bodyEnd },
  ];
  for (const { name, bytes, startByte } of parts) {
    const endByte = startByte + bytes.length;
    // A file that was cut is reported as such, once.
    if (endByte > file.byteLength) continue;
    const found = new Uint8Array(bytes.length);
    await file.read(found, startByte);
    check.advance(bytes.length);
    if (Buffer.compare(found, bytes) === 0) continue;
    const what = `${shard.path} is damaged: its Arrow ${name} is not that of its fields and rows (bytes ${startByte}-${endByte}); Spillway can read the samples, other programs may not`;
    problems.add({ path: shard.path, shard: shard.path, startByte, endByte, what, remedy: restoreRemedy });
  }
}

/**
 * Fields as a header may tell them: all class names, or those that the samples up to this shard have. Classes of a
 * stream are numbered as they appear, so that a shard knows the first of the dataset's.
 */
async function fieldsOfHeader(check: ShardCheck, file: ReadableFile): Promise<Fields[]> {
  const { fields, shard, labelCounts, workspace } = check;
  const met = { ...fields };
  for (const [name, field] of Object.entries(fields)) {
    if (field.kind !== "class" || field.dtype !== "int32") continue;
    const { start, stride } = shard.columns[name]!;
    let count = labelCounts[name] ?? 0;
    for (let row = 0; row < shard.rows; row += chunkBytes / stride) {
      const rows = Math.min(chunkBytes / stride, shard.rows - row);
      // A file that was cut is reported as such.
      if (start + (row + rows) * stride > file.byteLength) break;
      await file.read(workspace.chunk.subarray(0, rows * stride), start + row * stride);
      for (const label of new Int32Array(workspace.chunk.buffer, workspace.chunk.byteOffset, rows)) {
        if (label < field.classes.length) count = Math.max(count, label + 1);
      }
    }
    labelCounts[name] = count;
    met[name] = { ...field, classes: field.classes.slice(0, count) };
  }
  return [fields, met];
}

/** Reads one column, adds its sums to the stream, and the rows that do not agree with theirs to `bad`. */
async function checkColumn(
  check: ShardCheck,
  field: string,
  file: ReadableFile,
  sumsFile: ReadableFile | undefined,
  bad: BadRows[],
): Promise<void> {
  const { shard, workspace } = check;
  const { start, stride } = shard.columns[field]!;
  const perSum = rowsPerSum(stride);
  const runBytes = perSum * stride;
  const there = Math.max(0, Math.min(shard.rows, Math.floor((file.byteLength - start) / stride)));
  // A run of which a part was cut off cannot be checked.
  const rows = there === shard.rows ? there : there - (there % perSum);
  const sumStart = planSums(check.fields, shard.rows).starts[field]!;
  const chunkRows = Math.max(1, Math.floor(chunkBytes / runBytes)) * perSum;
  const expected = new Uint8Array(8 * Math.ceil(chunkRows / perSum));

  const report = (entry: Omit<BadRows, "field">) => {
    const last = bad.at(-1);
    if (last?.field === field && last.end === entry.start && last.kind === entry.kind) last.end = entry.end;
    else bad.push({ field, ...entry });
  };
  for (let row = 0; row < rows; row += chunkRows) {
    const end = Math.min(rows, row + chunkRows);
    try {
      const sums = await sumRows(check, file, start + row * stride, (end - row) * stride, runBytes);
      workspace.addToStream(sums);
      if (!sumsFile) continue;
      const wanted = expected.subarray(0, sums.length);
      await sumsFile.read(wanted, sumStart + (row / perSum) * 8);
      if (Buffer.compare(wanted, sums) === 0) continue;
      for (let at = 0; at < sums.length; at += 8) {
        if (Buffer.compare(wanted.subarray(at, at + 8), sums.subarray(at, at + 8)) === 0) continue;
        const first = row + (at / 8) * perSum;
        report({ start: first, end: Math.min(end, first + perSum), kind: "sum" });
      }
    } catch (cause) {
      if (!(cause instanceof SpillwayError)) throw cause;
      report({ start: row, end, kind: "unreadable", cause });
    }
  }
  if (rows < shard.rows) report({ start: rows, end: shard.rows, kind: "cut" });
}

/** Sums of `byteLength` bytes: many runs in one chunk, or one run that takes many chunks. */
async function sumRows(
  check: ShardCheck,
  file: ReadableFile,
  startByte: number,
  byteLength: number,
  runBytes: number,
): Promise<Uint8Array> {
  const { workspace } = check;
  if (byteLength > chunkBytes) workspace.startRecord();
  let at = 0;
  for (; byteLength - at > chunkBytes; at += chunkBytes) {
    await file.read(workspace.chunk, startByte + at);
    workspace.addToRecord();
    check.advance(chunkBytes);
  }
  await file.read(workspace.chunk.subarray(0, byteLength - at), startByte + at);
  check.advance(byteLength - at);
  return at > 0 ? workspace.finishRecord(byteLength - at) : workspace.sumRuns(runBytes, byteLength);
}

function describeBadRows(
  { shard, firstSample }: ShardCheck,
  rows: BadRows,
  areSumsDamaged: boolean,
): VerifyProblem {
  const { field, start, end, kind, cause } = rows;
  const place = shard.columns[field]!;
  const startSample = firstSample + start;
  const endSample = firstSample + end;
  const startByte = place.start + start * place.stride;
  const endByte = place.start + end * place.stride;
  const which = `${wordSamples(startSample, endSample)}, field "${field}"`;
  const verb = end - start === 1 ? "does" : "do";
  const whats = {
    sum: `${verb} not agree with ${end - start === 1 ? "its sum" : "their sums"}${areSumsDamaged ? ", which may be the damaged part" : ""}`,
    cut: end - start === 1 ? "is cut off" : "are cut off",
    unreadable: `cannot be read: ${cause instanceof SpillwayError ? cause.what : String(cause)}`,
  };
  return {
    path: shard.path,
    shard: shard.path,
    field,
    startSample,
    endSample,
    startByte,
    endByte,
    what: `${shard.path} is damaged: ${which}, ${whats[kind]} (bytes ${startByte}-${endByte})`,
    remedy: restoreRemedy,
  };
}
