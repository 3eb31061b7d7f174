// Looks for what two splits share: the same content, by the catalog's hashes, and the same group. Contents are
// compared in passes over the catalog, each for a range of hashes, so that memory stays bounded.

import type { Assignment, Numbering } from "./assignment.js";
import { type CatalogPlace, readCatalogRow } from "./catalog-reader.js";
import { ContentTable } from "./content-table.js";
import { type ColumnNumbers, type ColumnReader, type OnRows, storedReader } from "./split-columns.js";

/** A sample as reports name it. */
export interface LeakSample {
  id: number;
  path: string;
  /** Row within the file, where that holds many samples. */
  row?: number;
  /** Undefined for a sample in none. */
  split?: string;
  label?: string;
}

/** Two samples with the same content. */
export type LeakPair = readonly [first: LeakSample, second: LeakSample];

export interface ContentLeaks {
  /** Different contents that lie in two splits or more. */
  contents: number;
  /** The first pair of each of the first ten. */
  pairs: readonly LeakPair[];
  /** Different contents that have several labels; undefined without labels. */
  labelConflicts?: { contents: number; pairs: readonly LeakPair[] };
  /** Samples whose hash is not known. */
  unchecked: number;
}

/** A group that lies in two splits or more, with its samples in each. */
export interface LeakedGroup {
  group: string;
  splits: Record<string, number>;
}

export interface GroupLeaks {
  column: string;
  groups: number;
  /** The first ten. */
  first: readonly LeakedGroup[];
  /** Samples without a group. */
  unchecked: number;
}

/** Contents in one pass: about 30 bytes each. */
const passRows = 2 ** 23;
const maxListed = 10;
const isLeaked = 1;
const isContradicted = 2;

export interface LeakCheckOptions {
  /** Names of the parts. */
  names: readonly string[];
  /** Classes by which the same content could be called two things. */
  labels?: Numbering | undefined;
  reader?: ColumnReader | undefined;
  onRows?: OnRows | undefined;
  /** Most rows of one pass, default 8 million. */
  passRows?: number;
}

/** Finds contents that lie in two parts, and such as have two labels. */
export async function findContentLeaks(
  place: CatalogPlace,
  parts: Assignment,
  options: LeakCheckOptions,
): Promise<ContentLeaks> {
  const { names, labels, reader = storedReader, onRows } = options;
  const rows = parts.length;
  const passes = Math.max(1, Math.ceil(rows / (options.passRows ?? passRows)));
  const leaks = new FirstPairs();
  const conflicts = new FirstPairs();
  let unchecked = 0;
  for (let pass = 0; pass < passes; pass += 1) {
    const table = new ContentTable();
    for await (const { ids, lows, highs, missing } of scanHashes(place, rows, reader)) {
      if (pass === 0) unchecked += missing;
      for (let index = 0; index < ids.length; index += 1) {
        const high = highs[index]!;
        if (passes > 1 && Math.floor((high / 2 ** 32) * passes) !== pass) continue;
        const row = ids[index]!;
        const known = table.size;
        const entry = table.entryOf(lows[index]!, high, row);
        if (entry === known) continue;
        const other = table.rows[entry]!;
        const [part, otherPart] = [parts[row]!, parts[other]!];
        const note = table.notes[entry]!;
        if ((note & isContradicted) === 0 && labels && labels.numbers[row] !== labels.numbers[other]) {
          table.notes[entry] = note | isContradicted;
          conflicts.add(other, row);
        }
        if (part === names.length) continue;
        if (otherPart === names.length) table.rows[entry] = row;
        else if (part !== otherPart && (note & isLeaked) === 0) {
          table.notes[entry]! |= isLeaked;
          leaks.add(other, row);
        }
      }
      onRows?.((pass * rows + (ids.at(-1) ?? 0) + 1) / passes);
    }
  }
  const describe = (pairs: FirstPairs) => describePairs(place, pairs.first(), parts, names);
  return {
    contents: leaks.count,
    pairs: await describe(leaks),
    ...(labels && { labelConflicts: { contents: conflicts.count, pairs: await describe(conflicts) } }),
    unchecked,
  };
}

/** Pairs of rows, of which those are kept whose second one comes first. */
class FirstPairs {
  count = 0;
  #pairs: [number, number][] = [];

  add(first: number, second: number): void {
    this.count += 1;
    this.#pairs.push([first, second]);
    if (this.#pairs.length > 100) this.#pairs = this.first();
  }

  first(): [number, number][] {
    return this.#pairs.sort((a, b) => a[1] - b[1]).slice(0, maxListed);
  }
}

interface Hashes {
  ids: Float64Array;
  lows: Uint32Array;
  highs: Uint32Array;
  missing: number;
}

/** The column of hashes, as halves of 32 bits. */
async function* scanHashes(place: CatalogPlace, rows: number, reader: ColumnReader): AsyncGenerator<Hashes> {
  for await (const { firstId, records } of reader.scan(place, ["hash"])) {
    const end = Math.max(0, Math.min(records.length, rows - firstId));
    const [ids, hashes] = [new Float64Array(end), new BigUint64Array(end)];
    let count = 0;
    for (let index = 0; index < end; index += 1) {
      const { hash } = records[index]!;
      if (typeof hash !== "bigint") continue;
      ids[count] = firstId + index;
      hashes[count] = hash;
      count += 1;
    }
    const halves = new Uint32Array(hashes.buffer, 0, 2 * count);
    const [lows, highs] = [new Uint32Array(count), new Uint32Array(count)];
    for (let index = 0; index < count; index += 1) {
      lows[index] = halves[2 * index]!;
      highs[index] = halves[2 * index + 1]!;
    }
    yield { ids: ids.subarray(0, count), lows, highs, missing: end - count };
    if (firstId + end >= rows) return;
  }
}

async function describePairs(
  place: CatalogPlace,
  pairs: readonly (readonly [number, number])[],
  parts: Assignment,
  names: readonly string[],
): Promise<LeakPair[]> {
  const describe = async (id: number): Promise<LeakSample> => {
    const { path, row, labels } = await readCatalogRow(place, id);
    const split = names[parts[id]!];
    return {
      id,
      path,
      ...(row !== undefined && { row }),
      ...(split !== undefined && { split }),
      ...(labels.length > 0 && { label: labels.join(", ") }),
    };
  };
  const described: LeakPair[] = [];
  for (const [first, second] of pairs) described.push([await describe(first), await describe(second)]);
  return described;
}

/** Finds groups that lie in two parts. Takes 5 bytes a group. */
export function findGroupLeaks(
  groups: ColumnNumbers,
  parts: Assignment,
  names: readonly string[],
): GroupLeaks {
  const { numbers, values, count, name } = groups;
  const none = names.length;
  const partOf = new Int32Array(count).fill(none);
  const isShared = new Uint8Array(count);
  let [unchecked, shared] = [0, 0];
  const first: number[] = [];
  for (let row = 0; row < parts.length; row += 1) {
    const group = numbers[row]!;
    if (group < 0) unchecked += 1;
    if (group < 0 || parts[row] === none) continue;
    if (partOf[group] === none) partOf[group] = parts[row]!;
    else if (partOf[group] !== parts[row] && isShared[group] === 0) {
      isShared[group] = 1;
      shared += 1;
      if (first.length < maxListed) first.push(group);
    }
  }
  const placeOf = new Map(first.map((group, place) => [group, place]));
  const counts = first.map(() => new Array<number>(none).fill(0));
  if (first.length > 0) {
    for (let row = 0; row < parts.length; row += 1) {
      const place = placeOf.get(numbers[row]!);
      if (place !== undefined && parts[row] !== none) counts[place]![parts[row]!]! += 1;
    }
  }
  return {
    column: name,
    groups: shared,
    first: first.map((group, place) => ({
      group: String(values[group]),
      splits: Object.fromEntries(
        counts[place]!.flatMap((each, part) => (each > 0 ? [[names[part]!, each]] : [])),
      ),
    })),
    unchecked,
  };
}
