// Rows of a shard whose bytes are not what they should be: gathered while its columns are read, put together where they
// lie side by side, and told as problems with the samples and the bytes that they are.

import { SpillwayError } from "../errors.js";
import { idOfRow, placedRows } from "../format/placed.js";
import type { ColumnPlace } from "../format/shard.js";
import type { FilesCheck } from "./verify-files.js";
import { restoreRemedy, type VerifyProblem, wordSamples } from "./verify-problems.js";

/** Rows [start, end) of the shard whose bytes are not what they should be. */
export interface BadRows {
  field: string;
  start: number;
  end: number;
  kind: "sum" | "cut" | "unreadable" | "offset";
  /** Where their bytes lie, if the column has no stride. */
  place?: { startByte: number; endByte: number };
  cause?: unknown;
}

/** Adds rows to those that are bad, together with the ones before them if these are of the same kind. */
export function addBad(bad: BadRows[], entry: BadRows): void {
  const last = bad.at(-1);
  const isNext = last?.field === entry.field && last.end === entry.start && last.kind === entry.kind;
  if (isNext) last.end = entry.end;
  else bad.push(entry);
}

/** Adds rows that are bad to the problems: one by one where their ids do not follow one another. */
export function addBadRows(check: FilesCheck, rows: BadRows, areSumsDamaged: boolean): void {
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
export function samplesOf(
  { manifest, firstRow }: FilesCheck,
  start: number,
  end: number,
): Pick<VerifyProblem, "startSample" | "endSample" | "sampleCount"> {
  if (firstRow + start >= placedRows(manifest))
    return { startSample: firstRow + start, endSample: firstRow + end };
  if (end - start !== 1) return { sampleCount: end - start };
  const sample = idOfRow(manifest, firstRow + start);
  return { startSample: sample, endSample: sample + 1 };
}

function bytesOfRows({ start, stride }: ColumnPlace, first: number, end: number) {
  return { startByte: start + first * stride, endByte: start + end * stride };
}

function describeBadRows(check: FilesCheck, rows: BadRows, areSumsDamaged: boolean): VerifyProblem {
  const { shard } = check;
  const { field, start, end, kind, cause } = rows;
  const samples = samplesOf(check, start, end);
  const { startSample = 0, endSample = 0 } = samples;
  const { startByte, endByte } = rows.place ?? bytesOfRows(shard.columns[field]!, start, end);
  const which = `${wordSamples(startSample, endSample)}, field "${field}"`;
  const verb = end - start === 1 ? "does" : "do";
  const whats = {
    sum: `${verb} not agree with ${end - start === 1 ? "its sum" : "their sums"}${areSumsDamaged ? ", which may be the damaged part" : ""}`,
    offset: "does not lie where its column says",
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
