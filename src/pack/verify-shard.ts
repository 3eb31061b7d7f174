// Checks one shard: the lengths of its files, its Arrow header and footer, and every sum of every column, read from
// front to back in chunks. The sums computed on the way are hashed too: where the .sums file itself is damaged, that
// still tells whether the samples are whole.

import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import { encodeIndex, encodeShard } from "../format/arrow.js";
import { knownFields } from "../format/commits.js";
import type { Manifest, ShardEntry } from "../format/manifest.js";
import { idOfRow, placedRows } from "../format/placed.js";
import { planSums, roundUp, rowsPerSum, type ShardPlan } from "../format/shard.js";
import { openFile, type ReadableFile } from "../store/file.js";
import type { Fields } from "../tensor/field.js";
import { type FilesCheck, verifyFiles } from "./verify-files.js";
import { restoreRemedy, type VerifyProblem, wordSamples } from "./verify-problems.js";
import { chunkBytes } from "./verify-workspace.js";

export interface ShardCheck extends FilesCheck {
  /** Classes that the samples of the shards so far have, by field; carried from shard to shard. */
  labelCounts: Record<string, number>;
}

/** More than any header or footer has: their class names are in dataset.json too. */
const maxMetadataBytes = 2 ** 27;

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
    let areFilesRight = true;
    for (const field of Object.keys(check.manifest.fields)) {
      if (field === check.manifest.files?.field) areFilesRight = await verifyFiles(check, field, sums.file);
      else await checkColumn(check, field, file, sums.file, bad);
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
function openOrReport(check: ShardCheck, path: string, byteLength: number): ReadableFile | undefined {
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
  const { manifest, shard, problems } = check;
  const inFiles = manifest.files?.field;
  const places = Object.keys(manifest.fields).flatMap((name) =>
    name === inFiles ? [] : [shard.columns[name]!],
  );
  const ends = places.map(({ start, stride }) => start + stride * shard.rows);
  const { files } = shard;
  if (files) ends.push(files.paths + files.pathBytes);
  const plan: ShardPlan = {
    rows: shard.rows,
    headerBytes: places[0]?.start ?? files?.places ?? 0,
    columns: shard.columns,
    bodyEnd: roundUp(Math.max(0, ...ends), 8),
  };
  const possible = (await fieldsOfHeader(check, file)).flatMap((fieldsThere) => {
    try {
      if (!files) return [encodeShard(fieldsThere, plan)];
      const { [inFiles!]: _, ...stored } = fieldsThere;
      return [encodeIndex(stored, { ...plan, files })];
    } catch (error) {
      if (error instanceof RangeError) return [];
      throw error;
    }
  });
  if (possible.length === 0) {
    const what = `dataset.json gives ${shard.path} a header of ${plan.headerBytes} bytes, too few for its fields`;
    problems.add({ path: "dataset.json", shard: shard.path, what, remedy: restoreRemedy });
    return;
  }
  const header = await readPart(check, file, 0, plan.headerBytes);
  const footer = await readPart(check, file, plan.bodyEnd, shard.bytes);
  const isSame = (found: Uint8Array | undefined, bytes: Uint8Array) =>
    found !== undefined && Buffer.compare(found, bytes) === 0;
  // Other class names may take as many bytes: the lengths alone do not tell which fields are meant.
  const expected =
    possible.find((parts) => isSame(header, parts.header)) ??
    possible.find((parts) => isSame(footer, parts.footer)) ??
    possible[0]!;
  const parts = [
    { name: "header", found: header, bytes: expected.header, startByte: 0 },
    { name: "footer", found: footer, bytes: expected.footer, startByte: plan.bodyEnd },
  ];
  for (const { name, found, bytes, startByte } of parts) {
    // A file that was cut is reported as such, once.
    if (!found || isSame(found, bytes)) continue;
    const endByte = startByte + found.length;
    const what = `${shard.path} is damaged: its Arrow ${name} is not that of its fields and rows (bytes ${startByte}-${endByte}); Spillway can read the samples, other programs may not`;
    problems.add({ path: shard.path, shard: shard.path, startByte, endByte, what, remedy: restoreRemedy });
  }
}

/** Bytes of a shard's file; undefined where it was cut. */
async function readPart(
  { advance }: ShardCheck,
  file: ReadableFile,
  startByte: number,
  endByte: number,
): Promise<Uint8Array | undefined> {
  if (endByte > file.byteLength || endByte < startByte) return undefined;
  const found = new Uint8Array(Math.min(endByte - startByte, maxMetadataBytes));
  await file.read(found, startByte);
  advance(found.length);
  return found;
}

/**
 * Fields as a header may tell them: all class names, those that a commit knew, or those that the samples up to this
 * shard have. Classes of a stream are numbered as they appear, so that a shard knows the first of the dataset's.
 */
async function fieldsOfHeader(check: ShardCheck, file: ReadableFile): Promise<Fields[]> {
  const { manifest, shard, labelCounts, workspace } = check;
  const fields = manifest.fields as Fields;
  const counts = new Map(manifest.commits.map(({ classes = {} }) => [JSON.stringify(classes), classes]));
  const ofCommits = [...counts.values()].map((classes) => knownFields(fields, classes));
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
  return [fields, ...ofCommits, met];
}

/** Reads one column, adds its sums to the stream, and the rows that do not agree with theirs to `bad`. */
async function checkColumn(
  check: ShardCheck,
  field: string,
  file: ReadableFile,
  sumsFile: ReadableFile | undefined,
  bad: BadRows[],
): Promise<void> {
  const { manifest, shard, workspace } = check;
  const { start, stride } = shard.columns[field]!;
  const perSum = rowsPerSum(stride);
  const runBytes = perSum * stride;
  const there = Math.max(0, Math.min(shard.rows, Math.floor((file.byteLength - start) / stride)));
  // A run of which a part was cut off cannot be checked.
  const rows = there === shard.rows ? there : there - (there % perSum);
  const sumStart = sumsOf(manifest, shard).starts[field]!;
  const chunkRows = Math.max(1, Math.floor(chunkBytes / runBytes)) * perSum;
  const expected = new Uint8Array(8 * Math.ceil(chunkRows / perSum));

  const report = (entry: Omit<BadRows, "field">) => addBad(bad, { field, ...entry });
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

/** Adds rows to those that are bad, together with the ones before them if these are of the same kind. */
function addBad(bad: BadRows[], entry: BadRows): void {
  const last = bad.at(-1);
  const isNext = last?.field === entry.field && last.end === entry.start && last.kind === entry.kind;
  if (isNext) last.end = entry.end;
  else bad.push(entry);
}

function sumsOf(manifest: Readonly<Manifest>, shard: ShardEntry): ReturnType<typeof planSums> {
  return planSums(manifest.fields as Fields, shard.rows, manifest.files?.field);
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

/** Adds rows that are bad to the problems: one by one where their ids do not follow one another. */
function addBadRows(check: ShardCheck, rows: BadRows, areSumsDamaged: boolean): void {
  const { manifest, firstRow, problems } = check;
  if (firstRow + rows.start >= placedRows(manifest)) {
    problems.add(describeBadRows(check, rows, areSumsDamaged));
    return;
  }
  for (let row = rows.start; row < rows.end; row += 1) {
    if (problems.isFull) {
      problems.leftOut += rows.end - row;
      return;
    }
    problems.add(describeBadRows(check, { ...rows, start: row, end: row + 1 }, areSumsDamaged));
  }
}

/** Ids of the rows [start, end) of a shard; their number, where they do not follow one another. */
function samplesOf(
  { manifest, firstRow }: ShardCheck,
  start: number,
  end: number,
): Pick<VerifyProblem, "startSample" | "endSample" | "sampleCount"> {
  if (firstRow + start >= placedRows(manifest))
    return { startSample: firstRow + start, endSample: firstRow + end };
  if (end - start !== 1) return { sampleCount: end - start };
  const sample = idOfRow(manifest, firstRow + start);
  return { startSample: sample, endSample: sample + 1 };
}

function describeBadRows(check: ShardCheck, rows: BadRows, areSumsDamaged: boolean): VerifyProblem {
  const { shard } = check;
  const { field, start, end, kind, cause } = rows;
  const samples = samplesOf(check, start, end);
  const { startSample = 0, endSample = 0 } = samples;
  const place = shard.columns[field]!;
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
    ...samples,
    startByte,
    endByte,
    what: `${shard.path} is damaged: ${which}, ${whats[kind]} (bytes ${startByte}-${endByte})`,
    remedy: restoreRemedy,
  };
}
