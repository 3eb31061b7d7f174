// Which samples a view consists of: a split or a range or all, without those that are left out, narrowed by a condition,
// and perhaps a few of them at random. Each step is one bit per sample; a range alone needs none.

import type { CatalogPlace } from "../catalog/catalog-reader.js";
import { readExcluded } from "../catalog/excluded.js";
import { defaultScheme } from "../catalog/scheme.js";
import { findSplitBits } from "../catalog/split-bits.js";
import { SpillwayError } from "../errors.js";
import { hashHex } from "../kernels/hasher.js";
import type { Selection } from "../load/selection.js";
import type { OptionNames } from "../option-names.js";
import {
  andBits,
  andNotBits,
  bitBytes,
  bitmapBytes,
  countBits,
  cutBits,
  directoryBytes,
  fillDirectory,
  select,
  setBit,
} from "../order/bitmap.js";
import { checkSeed } from "../order/keys.js";
import { type Take, type TakeRequest, takeCount, takeEvenly, takeSome } from "../order/take.js";

export interface ViewOptions {
  /** Only the samples of a split; default: all samples. */
  split?: string;
  /** Scheme that the split, and the column `split` of a condition, are of; default "main". */
  scheme?: string;
  /** Which fold is "val", from 0, where the scheme has folds; "train" is all others. */
  fold?: number;
  /** Only the ids [start, end). */
  rows?: readonly [start: number, end: number];
  /** Only samples that satisfy a condition over the catalog's columns, such as "label <> 'rest' and subject in (1, 2)". */
  where?: string;
  /** Only some of all these, at random: a number, or a part such as "1%". The same seed takes the same ones. */
  take?: Take;
  /** With `take`: name of a class field, of whose classes equally many are taken, as far as there are. */
  balance?: string;
  /** Decides which are taken, default 0. */
  seed?: number;
  /** Commit to look at, from 1; default: the last. Earlier ones have fewer samples, the same as then. */
  commit?: number;
  /** Also those that were left out by `exclude`. */
  withExcluded?: boolean;
}

export const viewOptions: OptionNames<ViewOptions> = {
  split: true,
  scheme: true,
  fold: true,
  rows: true,
  where: true,
  take: true,
  balance: true,
  seed: true,
  commit: true,
  withExcluded: true,
};

/** Options whose samples are known at once; a condition, or a balance by class, has to read the catalog first. */
export type PlainViewOptions = ViewOptions & { where?: undefined; balance?: undefined };

/** A choice of samples, and the commit that it was made at. */
export interface Choice {
  selection: Selection;
  commit: number;
}

/** What the steps so far leave: a range of ids, or bits. */
type Members =
  | { kind: "range"; start: number; count: number }
  | { kind: "bits"; count: number; hash: string; rows: number; read(): Uint8Array };

/** Rows of a commit, and the fingerprint that all choices at it begin with. */
interface Commit {
  number: number;
  rows: number;
  fingerprint: string;
}

/**
 * The samples that options choose which need no look into the catalog.
 *
 * @throws SpillwayError `missing` for a split that is not there, `mismatch` for one made for other content, `usage`
 */
export function choose(place: CatalogPlace, options: PlainViewOptions): Choice {
  const { commit, members } = begin(place, options);
  const { take } = options;
  const taken = take === undefined ? members : takeOf(place, commit, members, options, takeSome);
  return finish(place, commit, taken, options);
}

/** The samples that any options choose. @throws SpillwayError as `choose`, and as `selectRows` for a condition */
export async function chooseByCatalog(place: CatalogPlace, options: ViewOptions): Promise<Choice> {
  const { where, take, balance, scheme } = options;
  const begun = begin(place, options);
  const { commit } = begun;
  let { members } = begun;
  if (where !== undefined) {
    const { selectRows } = await import("../catalog/select.js");
    const satisfied = await selectRows(place, where, scheme === undefined ? {} : { scheme });
    members = bitsOf(commit.rows, andBits(toBits(members, commit.rows), satisfied));
  }
  if (balance !== undefined && take === undefined) {
    throw new SpillwayError(
      "usage",
      "balance chooses how many of each class to take, and take is not given",
      {
        remedy: 'Say how many: take: "1%"; or give balance to batches().',
      },
    );
  }
  if (take !== undefined && members.count > 0) {
    const labels = balance === undefined ? undefined : await readLabels(place, balance, commit.rows);
    members = takeOf(place, commit, members, options, (request) =>
      labels ? takeEvenly(request, (k) => labels[request.memberAt(k)]!) : takeSome(request),
    );
  }
  return finish(place, commit, members, options);
}

/** Split or range, without those that are left out. */
function begin(place: CatalogPlace, options: ViewOptions): { commit: Commit; members: Members } {
  const { split, scheme = defaultScheme, fold, rows, withExcluded = false } = options;
  const commit = commitOf(place, options.commit);
  if (split !== undefined && rows !== undefined) {
    throw new SpillwayError("usage", "a view has either a split or rows, not both", {
      remedy: "Leave one of them out.",
    });
  }
  if (split === undefined && fold !== undefined) {
    throw new SpillwayError("usage", "a fold is of a split, and none is named", {
      remedy: 'Use split: "train" or "val" with it.',
    });
  }
  const members: Members =
    split === undefined
      ? rangeOf(place, commit, rows)
      : { kind: "bits", ...findSplitBits(place, { scheme, split, fold }, commit.rows) };
  const excluded = withExcluded ? undefined : readExcluded(place);
  if (!excluded) return { commit, members };
  const left = andNotBits(toBits(members, commit.rows), excluded.read());
  const after = bitsOf(commit.rows, left);
  // What leaves nothing out is as it was: a range stays one, and fingerprints do not change.
  return { commit, members: after.count === members.count ? members : after };
}

function commitOf({ folder, manifest }: CatalogPlace, number = manifest.commits.length): Commit {
  const commit = manifest.commits[number - 1];
  if (commit) return { number, rows: commit.rows, fingerprint: commit.fingerprint };
  throw new SpillwayError("usage", `${folder} has no commit ${number}`, {
    remedy: `Use 1 to ${manifest.commits.length}.`,
    where: { dataset: folder },
  });
}

function rangeOf({ folder }: CatalogPlace, { rows: size }: Commit, rows: ViewOptions["rows"]): Members {
  const [start, end] = rows ?? [0, size];
  if (Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start < end && end <= size)
    return { kind: "range", start, count: end - start };
  throw new SpillwayError(
    "usage",
    `rows ${start} to ${end} are not a part of the ${size} rows of ${folder}`,
    {
      remedy: size === 0 ? "Finish packing first." : `Use 0 to ${size}.`,
      where: { dataset: folder },
    },
  );
}

/** Bits of all rows of the commit; the caller's. */
function toBits(members: Members, rows: number): Uint8Array {
  const bits = new Uint8Array(bitBytes(rows));
  if (members.kind === "bits") {
    bits.set(cutBits(members.read(), Math.min(rows, members.rows)));
    return bits;
  }
  const end = members.start + members.count;
  const [firstByte, endByte] = [Math.ceil(members.start / 8), Math.floor(end / 8)];
  for (let row = members.start; row < Math.min(end, firstByte * 8); row += 1) setBit(bits, row);
  if (endByte > firstByte) bits.fill(255, firstByte, endByte);
  for (let row = Math.max(members.start, endByte * 8); row < end; row += 1) setBit(bits, row);
  return bits;
}

function bitsOf(rows: number, all: Uint8Array): Members & { kind: "bits" } {
  const bits = cutBits(all, rows);
  return { kind: "bits", count: countBits(bits), hash: hashHex(bits), rows, read: () => bits };
}

/** Some of the members, as bits. */
function takeOf(
  place: CatalogPlace,
  commit: Commit,
  members: Members,
  options: ViewOptions,
  pick: (request: TakeRequest) => Uint8Array,
): Members {
  const wanted = takeCount(options.take!, members.count);
  const seed = checkSeed(options.seed ?? 0);
  const memberAt = finderOf(members, commit.rows);
  const key = fingerprintOf(place, commit, members, options);
  return bitsOf(commit.rows, pick({ rows: commit.rows, count: members.count, memberAt, wanted, seed, key }));
}

/** Finds the k-th member. */
function finderOf(members: Members, rows: number): (k: number) => number {
  if (members.kind === "range") return (k) => members.start + k;
  const words = new Uint32Array(bitmapBytes(rows) / 4);
  new Uint8Array(words.buffer).set(toBits(members, rows));
  const directory = new Float64Array(directoryBytes(rows) / 8);
  fillDirectory(words, directory);
  return (k) => select(words, directory, k);
}

/** Number of each sample's class: 4 bytes a sample, held while some are taken. */
async function readLabels(place: CatalogPlace, name: string, rows: number): Promise<Uint32Array> {
  const field = place.manifest.fields[name];
  if (field?.kind !== "class") {
    const known = Object.entries(place.manifest.fields).flatMap(([other, { kind }]) =>
      kind === "class" ? [other] : [],
    );
    throw new SpillwayError("usage", `"${name}" is no class field of ${place.folder}`, {
      remedy: known.length === 0 ? "It has none." : `Use one of ${known.join(", ")}.`,
      where: { dataset: place.folder, field: name },
    });
  }
  const numbers = new Map(field.classes.map((label, number) => [label, number]));
  const labels = new Uint32Array(rows);
  const { scanCatalog } = await import("../catalog/catalog-reader.js");
  for await (const { firstId, records } of scanCatalog(place, [name])) {
    const end = Math.min(records.length, rows - firstId);
    for (let k = 0; k < end; k += 1) labels[firstId + k] = numbers.get(String(records[k]![name])) ?? 0;
  }
  return labels;
}

function finish(place: CatalogPlace, commit: Commit, members: Members, options: ViewOptions): Choice {
  const fingerprint = fingerprintOf(place, commit, members, options);
  const { count } = members;
  const rows =
    members.kind === "range"
      ? { kind: "range" as const, start: members.start }
      : { kind: "bits" as const, rows: members.rows, hash: members.hash, read: members.read };
  return { selection: { count, fingerprint, rows }, commit: commit.number };
}

/** Tells the choice: the same samples at the same commit have the same one, however they were chosen. */
function fingerprintOf(
  { folder }: CatalogPlace,
  commit: Commit,
  members: Members,
  options: ViewOptions,
): string {
  if (members.count === 0) throw empty(folder, options);
  const choice =
    members.kind === "range"
      ? `rows ${members.start} ${members.start + members.count}`
      : `bits ${members.hash}`;
  return hashHex(new TextEncoder().encode(`${commit.fingerprint} ${choice}`));
}

function empty(folder: string, { split, scheme = defaultScheme, where, rows }: ViewOptions): SpillwayError {
  const parts = [
    ...(split === undefined ? [] : [`of split "${split}" of scheme "${scheme}"`]),
    ...(rows === undefined ? [] : [`with ids from ${rows[0]} to ${rows[1]}`]),
    ...(where === undefined ? [] : [`where ${where}`]),
  ];
  return new SpillwayError(
    "missing",
    `${folder} has no sample ${parts.join(", ") || "that is not left out"}`,
    {
      remedy: "Choose others, or look at the catalog: spillway query.",
      where: { dataset: folder },
    },
  );
}
