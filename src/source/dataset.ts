// A Spillway dataset as a source, packed or indexed: what makes packing an index, compacting and merging one path.
// Samples come by their ids, checked against their sums.

import fs from "node:fs";
import { join, resolve } from "node:path";
import { SpillwayError } from "../errors.js";
import { fieldsOfCommit, wholeCommits } from "../format/commits.js";
import { bytesPerSampleOf, manifestName } from "../format/manifest.js";
import { requireFiles } from "./indexed-file.js";
import { readManifest } from "./manifest-file.js";
import { refuseOtherOptions } from "./options.js";
import { readAhead } from "./read-ahead.js";
import type { Source, SourceKind, SourceOptions } from "./source.js";
import { isFolder, requirePath } from "./source-checks.js";
import { StoredRecords } from "./stored-records.js";

/** The fields of the dataset. */
export const datasetKind: SourceKind = {
  name: "dataset",
  summary: "a Spillway dataset, packed or indexed",
  detect: (path) => isFolder(path) && fs.existsSync(join(path, manifestName)),
  open: openDataset,
};

async function openDataset(path: string, options: SourceOptions): Promise<Source> {
  refuseOtherOptions("dataset", options, ["source"]);
  requirePath(path, "dataset", "folder");
  const folder = resolve(path);
  const manifest = readManifest(folder);
  if (!manifest) {
    throw new SpillwayError("missing", `${path} holds no ${manifestName}`, {
      remedy: "Give the folder of a dataset, or leave out the kind.",
      where: { path },
    });
  }
  requireFiles(path, manifest, options.source);
  if (manifest.packing && manifest.packing.before === undefined) throw notWhole(path);
  const commits = wholeCommits(manifest);
  const { rows: sampleCount, fingerprint } = commits.at(-1)!;
  const fields = fieldsOfCommit(manifest, commits.length - 1);
  const records = new StoredRecords(folder, manifest, options.source && resolve(options.source));
  const readInto: NonNullable<Source["readInto"]> = async (id, into) => {
    await records.readInto(id, into);
    return { path: "" };
  };
  const hasImages = Object.values(fields).some(({ kind }) => kind === "image");
  const notes = manifest.packing
    ? ["It is being added to, or that was interrupted: its finished commits are taken."]
    : [];
  return {
    kind: "dataset",
    fields,
    sampleCount,
    ...(hasImages && { meanBytes: bytesPerSampleOf(manifest) }),
    fingerprint,
    notes,
    dataset: { folder, manifest },
    readInto,
    samples: (start) => readAhead(fields, sampleCount, start, readInto),
    close: async () => records.close(),
  };
}

function notWhole(path: string): SpillwayError {
  return new SpillwayError("mismatch", `${path} is not whole yet, so nothing can be made of it`, {
    remedy: "Run the pack command again to finish it.",
    where: { dataset: path },
  });
}
