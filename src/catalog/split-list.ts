// Splits out of a file that a user has: a table with the columns id and split, or path and split (and row, where a
// file holds many samples). Samples that it does not name are in no split.

import { SpillwayError } from "../errors.js";
import { type Assignment, createAssignment } from "./assignment.js";
import type { CatalogPlace } from "./catalog-reader.js";
import { readCsvRecords } from "./csv-records.js";
import { type ColumnReader, type OnRows, storedReader } from "./split-columns.js";
import { isSplitName } from "./split-rule.js";

const maxListed = 10;
/** More splits than these are no splits. */
export const maxSplits = 1000;
/** As many as a Map holds. */
const maxPaths = 2 ** 24 - 1;

/** What a file says. */
export interface ListedSplits {
  /** Splits in the order in which the file first names them. */
  splits: readonly string[];
  parts: Assignment;
  /** Ids or paths of the file that are no samples. */
  unmatched: { count: number; first: readonly string[] };
  /** Ids or paths in all. */
  named: number;
}

export interface ListOptions {
  rows: number;
  reader?: ColumnReader | undefined;
  onRows?: OnRows | undefined;
}

/**
 * Reads a file of ids or paths. Memory: 3 bytes a row of the dataset; with paths those of the file as well.
 *
 * @throws SpillwayError `missing`, `io`, `source` for a file that is no such table, or that puts a sample into two
 * splits
 */
export async function readSplitList(
  place: CatalogPlace,
  path: string,
  { rows, reader = storedReader, onRows }: ListOptions,
): Promise<ListedSplits> {
  const list = new SplitList(path, rows);
  for await (const { line, cells } of readCsvRecords(path)) {
    if (!list.hasHeader) list.readHeader(cells);
    else list.add(cells, line);
  }
  if (!list.hasHeader) list.readHeader([]);
  if (list.isByPath) {
    for await (const { firstId, records } of reader.scan(place, ["path", "row"])) {
      const end = Math.min(records.length, rows - firstId);
      for (let index = 0; index < end; index += 1) {
        const { path: samplePath, row } = records[index]!;
        list.match(firstId + index, String(samplePath ?? ""), row == null ? "" : String(row));
      }
      onRows?.(firstId + Math.max(0, end));
      if (firstId + end >= rows) break;
    }
  }
  return list.finish();
}

const unnamed = 0xffff;
/** Marks a path of the file that a sample was found for. */
const found = 0x10000;

class SplitList {
  hasHeader = false;
  isByPath = false;
  readonly #path: string;
  /** Split of each row. */
  readonly #rows: Uint16Array;
  readonly #splits = new Map<string, number>();
  /** Split of each path, or path and row. */
  readonly #paths = new Map<string, number>();
  readonly #unmatched: string[] = [];
  #unmatchedCount = 0;
  #named = 0;
  #columns = { split: -1, id: -1, path: -1, row: -1 };
  /** Folders that all paths of the file begin with, shortest first; none at first. */
  #prefixes: string[] | undefined;
  #prefix: string | undefined;

  constructor(path: string, rows: number) {
    this.#path = path;
    this.#rows = new Uint16Array(rows).fill(unnamed);
  }

  readHeader(cells: readonly string[]): void {
    const names = cells.map((cell) => cell.replace(/^\uFEFF/, "").toLowerCase());
    const place = (name: string) => names.indexOf(name);
    this.#columns = { split: place("split"), id: place("id"), path: place("path"), row: place("row") };
    if (this.#columns.split < 0 || (this.#columns.id < 0 && this.#columns.path < 0)) {
      const columns = cells.length === 0 ? "nothing" : `the columns ${cells.join(", ")}`;
      throw this.#refusal(
        `${this.#path} has ${columns}, but not split and one of id and path`,
        "Begin it with a header such as id,split or path,split.",
      );
    }
    this.isByPath = this.#columns.id < 0;
    this.hasHeader = true;
  }

  add(cells: readonly string[], line: number): void {
    const { split: splitAt, id: idAt, path: pathAt, row: rowAt } = this.#columns;
    const split = cells[splitAt]!;
    this.#named += 1;
    if (split === "") return;
    const number = this.#splitNumber(split, line);
    if (this.isByPath) {
      const path = cells[pathAt]!.replaceAll("\\", "/").replace(/^(?:\.\/)+/, "");
      const key = rowAt < 0 || cells[rowAt] === "" ? path : keyOf(path, cells[rowAt]!);
      this.#requireSame(this.#paths.get(key), number, `"${cells[pathAt]}"`, line);
      if (this.#paths.size >= maxPaths)
        throw this.#refusal(`${this.#path} has more than ${maxPaths} paths`, "Name the samples by id.");
      this.#paths.set(key, number);
      return;
    }
    const text = cells[idAt]!;
    const id = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isNaN(id))
      throw this.#refusal(
        `line ${line} of ${this.#path} has the id "${text}"`,
        "Ids are whole numbers from 0.",
      );
    if (id >= this.#rows.length) {
      this.#miss(text);
      return;
    }
    const known = this.#rows[id]!;
    this.#requireSame(known === unnamed ? undefined : known, number, `sample ${id}`, line);
    this.#rows[id] = number;
  }

  /** Looks up a sample by its path in the catalog, as it is or below a folder that all paths of the file share. */
  match(id: number, path: string, row: string): void {
    if (path === "") return;
    this.#prefixes ??= ["", ...sharedFolders(this.#paths.keys())];
    for (const prefix of this.#prefix === undefined ? this.#prefixes : [this.#prefix]) {
      for (const key of [keyOf(prefix + path, row), prefix + path]) {
        const number = this.#paths.get(key);
        if (number === undefined) continue;
        this.#prefix = prefix;
        this.#rows[id] = number & 0xffff;
        if (number < found) this.#paths.set(key, number | found);
        return;
      }
    }
  }

  finish(): ListedSplits {
    for (const [key, number] of this.#paths) if (number < found) this.#miss(key.replace("\0", ":"));
    const parts = createAssignment(this.#rows.length, this.#splits.size);
    for (let row = 0; row < parts.length; row += 1)
      if (this.#rows[row] !== unnamed) parts[row] = this.#rows[row]!;
    return {
      splits: [...this.#splits.keys()],
      parts,
      unmatched: { count: this.#unmatchedCount, first: this.#unmatched },
      named: this.#named,
    };
  }

  #splitNumber(split: string, line: number): number {
    const known = this.#splits.get(split);
    if (known !== undefined) return known;
    if (!isSplitName(split))
      throw this.#refusal(
        `line ${line} of ${this.#path} has "${split}" for a split`,
        "Use names of at most 64 letters, a letter or digit first, without slashes.",
      );
    if (this.#splits.size >= maxSplits)
      throw this.#refusal(
        `${this.#path} names more than ${maxSplits} splits`,
        "Check that its column split is the right one.",
      );
    const number = this.#splits.size;
    this.#splits.set(split, number);
    return number;
  }

  #requireSame(known: number | undefined, number: number, what: string, line: number): void {
    if (known === undefined || known === number) return;
    const names = [...this.#splits.keys()];
    throw this.#refusal(
      `${this.#path} puts ${what} into split "${names[known]}" and, on line ${line}, into "${names[number]}"`,
      "Name each sample once.",
    );
  }

  #miss(name: string): void {
    this.#unmatchedCount += 1;
    if (this.#unmatched.length < maxListed) this.#unmatched.push(name);
  }

  #refusal(what: string, remedy: string): SpillwayError {
    return new SpillwayError("source", what, { remedy, where: { path: this.#path } });
  }
}

function keyOf(path: string, row: string): string {
  return row === "" ? path : `${path}\0${row}`;
}

/** "a/" and "a/b/" of the paths "a/b/c.npy" and "a/b/d.npy". */
function sharedFolders(paths: Iterable<string>): string[] {
  let shared: string | undefined;
  for (const path of paths) {
    const folder = path.slice(0, path.lastIndexOf("/") + 1);
    shared ??= folder;
    while (!folder.startsWith(shared)) shared = shared.slice(0, shared.slice(0, -1).lastIndexOf("/") + 1);
    if (shared === "") return [];
  }
  return [...(shared ?? "").matchAll(/\//g)].map(({ index }) => shared!.slice(0, index + 1));
}
