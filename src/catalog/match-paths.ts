// From paths to ids: which samples came from the file that a row names. The catalog and the rows are thrown on piles by a
// hash of the path, then each pair of piles is matched in memory, so that neither is ever held as a whole.

import type { ColumnValue } from "../format/columns.js";
import { placeKey, wordKey } from "../source/label-table.js";
import type { GivenRows } from "./annotate-options.js";
import { type CatalogPlace, scanCatalog } from "./catalog-reader.js";
import { pileCount, Spool } from "./spool.js";

/** What becomes of the rows; `line` is the number of a row, from 0. */
export interface Matched {
  /** A row of the sample `id`. */
  add(id: number, values: readonly ColumnValue[]): void;
  addUnmatched(line: number, name: string): void;
  /** A row that names what another has named. */
  addTwice(line: number, name: string): void;
  /** So many rows were taken in. */
  advance(rows: number): void;
}

/**
 * Matches rows by path. A path alone is of all samples that came from that file.
 *
 * @param scratch folder for the piles
 */
export async function matchPaths(
  place: CatalogPlace,
  given: GivenRows,
  scratch: string,
  matched: Matched,
): Promise<void> {
  const count = pileCount(place.manifest.rows);
  const wanted = new Spool(scratch, "wanted", count);
  let line = 0;
  for await (const { key, values } of given.rows) {
    if (key === null) matched.addUnmatched(line, wordKey(key));
    else wanted.add(pileOf(String(key), count), line, [String(key), ...values]);
    line += 1;
    matched.advance(line);
  }
  const known = new Spool(scratch, "known", count);
  const withRow = given.kind === "path and row";
  for await (const { firstId, records } of scanCatalog(place, ["path", "row"])) {
    for (let k = 0; k < records.length; k += 1) {
      const { path, row } = records[k]!;
      const key = withRow ? placeKey(String(path), Number(row ?? 0)) : String(path);
      known.add(pileOf(key, count), firstId + k, [key]);
    }
  }
  for (let pile = 0; pile < count; pile += 1) matchPile(known, wanted, pile, matched);
}

function matchPile(known: Spool, wanted: Spool, pile: number, matched: Matched): void {
  const samples = new Map<string, { ids: number[]; isNamed: boolean }>();
  for (const { number: id, values } of known.take(pile)) {
    const key = values[0] as string;
    const others = samples.get(key);
    if (others) others.ids.push(id);
    else samples.set(key, { ids: [id], isNamed: false });
  }
  for (const { number: line, values } of wanted.take(pile)) {
    const key = values.shift() as string;
    const found = samples.get(key);
    if (!found) matched.addUnmatched(line, wordKey(key));
    else if (found.isNamed) matched.addTwice(line, wordKey(key));
    else {
      found.isNamed = true;
      for (const id of found.ids) matched.add(id, values);
    }
  }
}

/** A hash of the text (FNV-1a, mixed at the end: neighbours differ in a digit only). */
function pileOf(key: string, count: number): number {
  if (count === 1) return 0;
  let hash = 0x811c9dc5;
  for (let k = 0; k < key.length; k += 1) hash = Math.imul(hash ^ key.charCodeAt(k), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return ((hash ^ (hash >>> 13)) >>> 0) % count;
}
