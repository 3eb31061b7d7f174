// What an index asks of a source: that its samples lie in files as they would be stored, under one folder.

import { SpillwayError } from "../errors.js";
import type { Manifest } from "../format/manifest.js";
import type { Source } from "../source/source.js";

/**
 * The source with the place of each sample in its origin.
 *
 * @param committed the indexed dataset that it is added to, if there is one
 * @throws SpillwayError `source` for samples that cannot stay where they are, `mismatch` for another folder
 */
export function locatedSource(source: Source, committed: Manifest | undefined): Source {
  const { files, readInto, sampleCount } = source;
  if (!files || !readInto || sampleCount === undefined) {
    throw new SpillwayError(
      "source",
      `samples of this source (${source.kind}) cannot stay in their files: they have to be decoded or turned first`,
      {
        remedy:
          "Pack them instead: spillway pack. Indexes are made of plain .npy and IDX files, little-endian and in C order.",
      },
    );
  }
  const { root, field } = committed?.files ?? files;
  if (root !== files.root || field !== files.field) {
    throw new SpillwayError(
      "mismatch",
      `the samples lie in ${files.root} (field "${files.field}"); those of the dataset in ${root} (field "${field}")`,
      { remedy: "An index is of one folder: put them there, or pack both datasets and append." },
    );
  }
  return {
    ...source,
    async readInto(index, into) {
      // After the bytes, when the disk need not be asked again; a file that changes in between will not agree with its
      // hash.
      const origin = await readInto.call(source, index, into);
      return { ...origin, place: files.locate(index) };
    },
    close: () => source.close(),
  };
}
