// What an index asks of a source: that its samples lie in files as they would be stored, under one folder. Where an
// index grows, the source is that folder again, or one within it: what is indexed already is left out.

import { isAbsolute, relative, sep } from "node:path";
import { SpillwayError } from "../errors.js";
import type { Manifest } from "../format/manifest.js";
import { hashHex } from "../kernels/hasher.js";
import { IndexedRecords } from "../source/index-places.js";
import { leadsOut } from "../source/indexed-file.js";
import { readAhead } from "../source/read-ahead.js";
import type { Source } from "../source/source.js";

/**
 * The source with the place of each sample in its origin, and with paths that start from the folder that is indexed.
 *
 * @param committed the indexed dataset that it is added to, if there is one
 * @throws SpillwayError `source` for samples that cannot stay where they are, `mismatch` for another folder
 */
export function locatedSource(source: Source, committed: Manifest | undefined): Source {
  const { files, readInto, sampleCount } = source;
  if (!files || !readInto || sampleCount === undefined) throw cannotStay(source, committed !== undefined);
  const { root, field } = committed?.files ?? files;
  const within = relative(root, files.root);
  if (within.split(sep)[0] === ".." || isAbsolute(within) || field !== files.field) {
    throw new SpillwayError(
      "mismatch",
      `the samples lie in ${files.root} (field "${files.field}"); those of the dataset in ${root} (field "${field}")`,
      { remedy: "An index is of one folder: put them there, or pack both datasets and append." },
    );
  }
  const prefix = within === "" ? "" : `${within.replaceAll(sep, "/")}/`;
  const pathOf = (index: number) => prefix + files.pathOf(index);
  return {
    ...source,
    files: { ...files, root, pathOf },
    async readInto(index, into) {
      const path = pathOf(index);
      if (leadsOut(path)) throw badName(root, path);
      // After the bytes, when the disk need not be asked again; a file that changes in between will not agree with its
      // hash.
      const origin = await readInto.call(source, index, into);
      return { ...origin, path, place: files.locate(index) };
    },
    close: () => source.close(),
  };
}

/**
 * The source without the samples that an index has already.
 *
 * @param before rows of the index that are looked at
 * @throws SpillwayError `exists` where no sample is left
 */
export async function withoutIndexed(
  source: Source,
  path: string,
  manifest: Manifest,
  before: number,
  note: (text: string) => void,
): Promise<Source> {
  const { files, sampleCount: count = 0 } = source;
  const indexed = await IndexedRecords.read(path, manifest, before);
  const kept: number[] = [];
  for (let index = 0; index < count; index += 1) {
    if (!indexed.has(files!.pathOf(index), files!.locate(index).startByte)) kept.push(index);
  }
  if (kept.length === count) return source;
  if (kept.length === 0) {
    throw new SpillwayError("exists", `all ${count} samples are in ${path} already`, {
      remedy: "There is nothing to do; to have them twice, add --again.",
      where: { dataset: path },
    });
  }
  note(`${count - kept.length} of the samples are in the index already, ${kept.length} are new.`);
  const readInto: NonNullable<Source["readInto"]> = (index, into) => source.readInto!(kept[index]!, into);
  return {
    ...source,
    sampleCount: kept.length,
    // Not that of all of them: an append is gone on with by the same samples alone.
    fingerprint: hashHex(Buffer.from(source.fingerprint), new Uint8Array(Float64Array.from(kept).buffer)),
    readInto,
    samples: (start) => readAhead(source.fields, kept.length, start, readInto),
    close: () => source.close(),
  };
}

function cannotStay({ kind }: Source, isAppend: boolean): SpillwayError {
  if (kind === "dataset") {
    return new SpillwayError("source", "the samples of a dataset cannot be indexed", {
      remedy: "Index the files themselves, or pack both datasets and append.",
    });
  }
  return new SpillwayError(
    "source",
    `samples of this source (${kind}) cannot stay in their files: they have to be decoded or turned first`,
    {
      remedy: isAppend
        ? "Pack the dataset first, then append them. Indexes are of plain .npy and IDX files, little-endian and in C order."
        : "Pack them instead: spillway pack. Indexes are made of plain .npy and IDX files, little-endian and in C order.",
    },
  );
}

function badName(root: string, path: string): SpillwayError {
  return new SpillwayError(
    "source",
    `"${path}" in ${root} cannot be indexed: on some systems this name leads out of its folder`,
    { remedy: "Rename it, or pack the folder.", where: { path } },
  );
}
