// Reads a small table that a user wrote, as records of text: CSV after RFC 4180, with a header, separated by commas,
// semicolons or tabs. A mebibyte of the file and one record are in memory at a time.

import { SpillwayError } from "../errors.js";
import { openFile } from "../store/file.js";

const chunkBytes = 2 ** 20;
/** A longer line is no line of a table. */
const maxLineLength = 2 ** 20;
const separators = [",", ";", "\t"];

/** A line of the table, its cells trimmed. */
export interface CsvRecord {
  /** Counted from 1, the header included. */
  line: number;
  cells: readonly string[];
}

/**
 * All records, the header first. Empty lines are left out.
 *
 * @throws SpillwayError `missing`, `io`, or `source` for what is no such table
 */
export async function* readCsvRecords(path: string): AsyncGenerator<CsvRecord> {
  let separator: string | undefined;
  let width = 0;
  let line = 0;
  for await (const text of readLines(path)) {
    line += 1;
    if (text.trim() === "") continue;
    separator ??= separators.find((each) => text.includes(each)) ?? ",";
    const cells = cellsOf(text, separator);
    if (!cells) throw refusal(path, `line ${line} of ${path} has a quote that is not closed`);
    if (width === 0) width = cells.length;
    if (cells.length !== width)
      throw refusal(path, `line ${line} of ${path} has ${cells.length} cells, the header ${width}`);
    yield { line, cells };
  }
}

async function* readLines(path: string): AsyncGenerator<string> {
  const file = openFile(path);
  try {
    const decoder = new TextDecoder();
    const chunk = new Uint8Array(Math.min(chunkBytes, file.byteLength));
    let rest = "";
    for (let at = 0; at < file.byteLength; at += chunk.length) {
      const part = chunk.subarray(0, Math.min(chunk.length, file.byteLength - at));
      await file.read(part, at);
      const isLast = at + part.length === file.byteLength;
      const lines = (rest + decoder.decode(part, { stream: !isLast })).split("\n");
      rest = lines.pop()!;
      for (const line of lines) yield line.endsWith("\r") ? line.slice(0, -1) : line;
      if (rest.length > maxLineLength)
        throw refusal(path, `${path} has a line of more than ${maxLineLength} letters`);
    }
    yield rest;
  } finally {
    file.close();
  }
}

/** Undefined where a quote is not closed. */
function cellsOf(text: string, separator: string): string[] | undefined {
  if (!text.includes('"')) return text.split(separator).map((cell) => cell.trim());
  const cells: string[] = [];
  let cell = "";
  let isQuoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at]!;
    if (isQuoted && letter === '"' && text[at + 1] === '"') {
      cell += '"';
      at += 1;
    } else if (letter === '"' && (isQuoted || cell.trim() === "")) isQuoted = !isQuoted;
    else if (letter === separator && !isQuoted) {
      cells.push(cell.trim());
      cell = "";
    } else cell += letter;
  }
  return isQuoted ? undefined : [...cells, cell.trim()];
}

function refusal(path: string, what: string): SpillwayError {
  return new SpillwayError("source", what, {
    remedy: "Write a table with a header: id,split and then a line like 17,train.",
    where: { path },
  });
}
