// The first lines of a CSV or TSV file: delimiter, header or not, names of the columns and which hold text. Pure; the
// whole file is read by DuckDB, which is told what was found here (its own sniffer skips lines that do not fit, and
// takes a ragged file for one column).

import { SpillwayError } from "../errors.js";

/** What the first lines say. */
export interface CsvHead {
  delimiter: string;
  hasHeader: boolean;
  columns: readonly CsvColumn[];
}

export interface CsvColumn {
  /** From the header, else "column0", "column1" and so on. */
  name: string;
  /** Whether a cell was seen that is neither a number nor missing. */
  isText: boolean;
}

/** Cells that stand for "not there", next to the empty one. */
export const missingMarks = ["NA", "N/A", "NULL", "null"];

/** Names by which a label column is known, in small letters. */
export const labelNames = ["label", "class", "target", "y"];

/** Wider tables are refused: DuckDB holds 2,048 rows at a time, several times over, 8 bytes a cell. */
const maxColumns = 8192;

const delimiters = [",", ";", "\t", "|"];
const maxRecords = 200;
const number = /^\s*[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|nan|inf|infinity)\s*$/i;

/**
 * @param bytes the first bytes of the file
 * @param isWhole whether these are all
 * @param path for its ending and for messages
 * @throws SpillwayError `source` for an empty file, one that is no text, or more than 8,192 columns
 */
export function parseCsvHead(bytes: Uint8Array, isWhole: boolean, path: string): CsvHead {
  const text = decodeText(bytes, path);
  if (text.trim() === "")
    throw refusal(path, `${path} is empty`, "Give a file with a header and a row per sample.");
  const delimiter = /\.tsv(?:\.gz)?$/i.test(path) ? "\t" : likeliestDelimiter(text);
  const records = splitRecords(text, delimiter, isWhole, maxRecords);
  const [first] = records;
  if (!first)
    throw refusal(
      path,
      `${path} has a first line of more than ${bytes.length} bytes`,
      "Save wide tables as .npy.",
    );
  if (first.length > maxColumns) {
    throw refusal(
      path,
      `${path} has ${first.length} columns, at most ${maxColumns} are read`,
      "Save wide tables as .npy: np.save(path, x).",
    );
  }
  const rows = records.slice(1);
  const isTextBelow = first.map((_, column) => rows.some((row) => isText(row[column] ?? "")));
  const hasHeader = looksLikeHeader(first, isTextBelow);
  const columns = first.map((cell, column) => ({
    name: hasHeader && cell.trim() !== "" ? cell.trim() : `column${column}`,
    isText: isTextBelow[column]! || (!hasHeader && isText(cell)),
  }));
  return { delimiter, hasHeader, columns };
}

/** A first line is a header if it has text where numbers follow, if all of it is text, or if it names a label. */
function looksLikeHeader(first: readonly string[], isTextBelow: readonly boolean[]): boolean {
  if (first.some((cell) => labelNames.includes(cell.trim().toLowerCase()))) return true;
  return first.every(isText) || first.some((cell, column) => isText(cell) && !isTextBelow[column]);
}

function isText(cell: string): boolean {
  const trimmed = cell.trim();
  return trimmed !== "" && !missingMarks.includes(trimmed) && !number.test(trimmed);
}

function decodeText(bytes: Uint8Array, path: string): string {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    throw refusal(
      path,
      `${path} is UTF-16 text, UTF-8 was expected`,
      "Save it as UTF-8: in Excel, choose CSV UTF-8.",
    );
  }
  if (bytes.includes(0)) {
    throw refusal(
      path,
      `${path} is no text: byte ${bytes.indexOf(0)} is 00`,
      "Give a .csv or .tsv file in UTF-8.",
    );
  }
  // Cut in the middle of a character or not UTF-8: DuckDB names the line of the latter. The BOM is dropped here.
  return new TextDecoder("utf-8").decode(bytes);
}

/** The delimiter that cuts the first line into most cells; the comma where none does. */
function likeliestDelimiter(text: string): string {
  let best = delimiters[0]!;
  let most = 0;
  for (const delimiter of delimiters) {
    const cells = splitRecords(text, delimiter, true, 1)[0]?.length ?? 0;
    if (cells > most) {
      most = cells;
      best = delimiter;
    }
  }
  return best;
}

/** Records of a text after RFC 4180, without empty lines; a last one that may be cut short is left out. */
function splitRecords(text: string, delimiter: string, isWhole: boolean, most: number): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  let cell = "";
  let isQuoted = false;
  const endRecord = () => {
    if (record.length > 0 || cell !== "") records.push([...record, cell]);
    record = [];
    cell = "";
  };
  for (let at = 0; at < text.length && records.length < most; at++) {
    const char = text[at]!;
    if (isQuoted) {
      if (char !== '"') cell += char;
      else if (text[at + 1] === '"') cell += text[at++];
      else isQuoted = false;
    } else if (char === '"' && cell === "") isQuoted = true;
    else if (char === delimiter) {
      record.push(cell);
      cell = "";
    } else if (char === "\n" || char === "\r") endRecord();
    else cell += char;
  }
  if (isWhole && records.length < most) endRecord();
  return records;
}

function refusal(path: string, what: string, remedy: string): SpillwayError {
  return new SpillwayError("source", what, { remedy, where: { path } });
}
