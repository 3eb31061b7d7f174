// What of a source a dataset has already, so that a folder that has grown can be appended as it is: of an index, the
// records at places that it has; of a packed dataset, files whose path and content its catalog knows; of another
// dataset, the commits that were appended before.

import { scanCatalog } from "../catalog/catalog-reader.js";
import { SpillwayError } from "../errors.js";
import { wholeCommits } from "../format/commits.js";
import type { Manifest } from "../format/manifest.js";
import { Hasher, hashHex } from "../kernels/hasher.js";
import { bitBytes, countBits, hasBit, setBit } from "../order/bitmap.js";
import { IndexedRecords } from "../source/index-places.js";
import { partOfSource } from "../source/part-of-source.js";
import { sampleSlot } from "../source/read-ahead.js";
import type { Origin, Source } from "../source/source.js";
import type { Field } from "../tensor/field.js";
import { frameContent } from "../tensor/frame.js";

/** The dataset that a source is compared with. */
export interface KnownIn {
  path: string;
  manifest: Manifest;
  /** Rows that are looked at: those before the append. */
  before: number;
  /** Samples that are read at the same time. */
  jobs: number;
  signal: AbortSignal | undefined;
}

/**
 * Refuses a source that was appended before and is the same as then.
 *
 * @throws SpillwayError `exists`
 */
export function requireNew({ kind, fingerprint }: Source, { path, manifest }: KnownIn): void {
  // A program's samples cannot be told from others with the same fields.
  if (kind === "samples") return;
  const commits = wholeCommits(manifest);
  const at = commits.findIndex((commit, k) => {
    const from = k === 0 ? manifest.source : commit.source;
    // A dataset that this one was made of, or this one itself, has the fingerprint of one of its commits.
    const isDataset = kind === "dataset" && commit.fingerprint === fingerprint;
    return isDataset || from?.fingerprint === fingerprint;
  });
  if (at < 0) return;
  throw new SpillwayError("exists", `these samples are in ${path} already, since commit ${at + 1}`, {
    remedy: "There is nothing to do; to have them twice, add --again.",
    where: { dataset: path },
  });
}

/**
 * The source without the samples that the dataset has.
 *
 * @param source with the dataset's fields
 * @throws SpillwayError `exists` where no sample is left; `corrupt`, `io`
 */
export async function withoutKnown(
  source: Source,
  known: KnownIn,
  note: (text: string) => void,
): Promise<Source> {
  const { sampleCount: count } = source;
  if (count === undefined) return source;
  const { path, manifest } = known;
  const fresh = manifest.files
    ? await notIndexed(source, count, known)
    : source.kind === "dataset"
      ? notAppended(source, count, known)
      : await notPacked(source, count, known, note);
  const left = fresh ? countBits(fresh) : count;
  if (!fresh || left === count) return source;
  if (left === 0) {
    throw new SpillwayError("exists", `all ${count} samples are in ${path} already`, {
      remedy: "There is nothing to do; to have them twice, add --again.",
      where: { dataset: path },
    });
  }
  const where = manifest.files ? "index" : "dataset";
  note(`${count - left} of the samples are in the ${where} already, ${left} are new.`);
  // Not that of all of them: an append is gone on with by the same samples alone. A dataset is known by its own.
  const fingerprint =
    source.kind === "dataset" ? source.fingerprint : hashHex(Buffer.from(source.fingerprint), fresh);
  return partOfSource(source, fresh, fingerprint);
}

async function notIndexed(
  { files }: Source,
  count: number,
  { path, manifest, before }: KnownIn,
): Promise<Uint8Array> {
  const indexed = await IndexedRecords.read(path, manifest, before);
  const fresh = new Uint8Array(bitBytes(count));
  for (let index = 0; index < count; index += 1) {
    if (!indexed.has(files!.pathOf(index), files!.locate(index).startByte)) setBit(fresh, index);
  }
  return fresh;
}

/** Of a dataset that has grown since it was appended: what came after the last commit that is there. */
function notAppended({ dataset }: Source, count: number, { manifest }: KnownIn): Uint8Array | undefined {
  const there = new Set([
    manifest.source.fingerprint,
    ...wholeCommits(manifest).flatMap(({ fingerprint, source }) => [
      fingerprint,
      source?.fingerprint ?? fingerprint,
    ]),
  ]);
  const rows =
    dataset && wholeCommits(dataset.manifest).findLast(({ fingerprint }) => there.has(fingerprint))?.rows;
  // One that is there as a whole is refused elsewhere, with the commit that it came with.
  if (rows === undefined || rows === count) return undefined;
  const fresh = new Uint8Array(bitBytes(count));
  for (let id = rows; id < count; id += 1) setBit(fresh, id);
  return fresh;
}

/**
 * Samples whose path the catalog has not, or has with other content. Takes 16 bytes for each sample of the source,
 * and 8 for each that has such a path; these are read for their content.
 */
async function notPacked(
  source: Source,
  count: number,
  { path, manifest, before, jobs, signal }: KnownIn,
  note: (text: string) => void,
): Promise<Uint8Array | undefined> {
  const { originOf, readInto } = source;
  if (!originOf || !readInto) return undefined;
  const keys = new Keys();
  const places = BigUint64Array.from({ length: count }, (_, index) => keys.ofPlace(originOf(index)));
  const sorted = places.slice().sort();
  let contents = new BigUint64Array(1024);
  let matched = 0;
  const met = new Uint8Array(bitBytes(count));
  for await (const { firstId, records } of scanCatalog({ folder: path, manifest }, ["path", "row", "hash"])) {
    signal?.throwIfAborted();
    for (let k = 0; k < Math.min(records.length, before - firstId); k += 1) {
      const { path: file, row, hash } = records[k]!;
      if (typeof file !== "string" || file === "") continue;
      const place = keys.ofPlace({ path: file, ...(row != null && { row: Number(row) }) });
      const at = placeIn(sorted, place);
      if (at < 0) continue;
      setBit(met, at);
      if (matched === contents.length) contents = grown(contents);
      contents[matched] = keys.ofContent(place, BigInt.asUintN(64, hash as bigint));
      matched += 1;
    }
    if (firstId + records.length >= before) break;
  }
  if (matched === 0) return undefined;
  note(`${countBits(met)} of the samples have paths that the dataset knows: their contents are compared.`);
  const there = contents.subarray(0, matched).sort();
  const kinds = Object.values(source.fields).map(({ kind }) => kind);
  const fresh = new Uint8Array(bitBytes(count));
  let next = 0;
  const lane = async () => {
    const slot = sampleSlot(source.fields);
    while (next < count) {
      const index = next;
      next += 1;
      const place = places[index]!;
      if (hasBit(met, placeIn(sorted, place))) {
        signal?.throwIfAborted();
        await readInto.call(source, index, slot);
        const content = keys.ofContent(place, keys.hash(contentOf(slot, kinds)));
        if (placeIn(there, content) >= 0) continue;
      }
      setBit(fresh, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, count) }, lane));
  return fresh;
}

function grown(numbers: BigUint64Array): BigUint64Array<ArrayBuffer> {
  const larger = new BigUint64Array(2 * numbers.length);
  larger.set(numbers);
  return larger;
}

/** The bytes of a sample that are hashed as its content. */
function contentOf(slot: readonly Uint8Array[], kinds: readonly Field["kind"][]): Uint8Array[] {
  return slot.flatMap((part, k) =>
    kinds[k] === "class" ? [] : [kinds[k] === "image" ? frameContent(part) : part],
  );
}

/** What stands for a sample's place, and for a place with its content. */
class Keys {
  readonly #hasher = new Hasher();
  readonly #words = new BigUint64Array(2);

  ofPlace({ path, row }: Origin): bigint {
    return this.#hasher.update(Buffer.from(`${path}\0${row ?? ""}`)).finish();
  }

  ofContent(place: bigint, content: bigint): bigint {
    this.#words[0] = place;
    this.#words[1] = content;
    return this.hash([new Uint8Array(this.#words.buffer)]);
  }

  hash(parts: readonly Uint8Array[]): bigint {
    for (const part of parts) this.#hasher.update(part);
    return this.#hasher.finish();
  }
}

/** Where a number is in an ascending array; -1 if it is not. */
function placeIn(ascending: BigUint64Array, value: bigint): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return ascending[low] === value ? low : -1;
}
