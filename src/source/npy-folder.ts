// A folder tree with one .npy file per sample and a class per first-level sub-folder, as numpy users keep their data.
// Rule: all files have the shape and dtype of the first one (by path); the first that differs is named. Where it has
// another size, as nearly always, that is found before anything is packed.

import { join, resolve } from "node:path";
import type { Fields } from "../tensor/field.js";
import { detectClassFolder, openClassFolder } from "./class-folder.js";
import { writeLabel } from "./class-labels.js";
import { needsNoTurning } from "./npy-data.js";
import { checkNpyModel, createNpyFileReader, locateNpy, readNpyModel } from "./npy-file.js";
import { refuseOtherOptions } from "./options.js";
import { readAhead } from "./read-ahead.js";
import type { FilePlace, Source, SourceKind, SourceOptions } from "./source.js";
import { requirePath, tensorOf } from "./source-checks.js";

/** Fields "data" and, where there are sub-folders, "label". */
export const npyFolderKind: SourceKind = {
  name: "npy-folder",
  summary: "a folder of .npy files, one per sample, in a sub-folder per class",
  detect: (path) => detectClassFolder("npy-folder", path),
  open: openNpyFolder,
};

async function openNpyFolder(path: string, options: SourceOptions): Promise<Source> {
  refuseOtherOptions("npy-folder", options, ["classes"]);
  requirePath(path, "npy-folder", "folder");
  const folder = await openClassFolder("npy-folder", path, options);
  const { label, sampleCount } = folder;
  const model = readNpyModel(folder.firstFile);
  for (const file of folder.oneOfEachSize) checkNpyModel(readNpyModel(file), model);
  const data = tensorOf(model.header.dtype, model.header.shape, model.path);
  const fields: Fields = label ? { data, label } : { data };
  const read = createNpyFileReader(model);
  const readInto: NonNullable<Source["readInto"]> = async (index, into) => {
    const file = folder.pathOf(index);
    await read(join(path, file), into[0]!);
    if (label) writeLabel(label, folder.classOf(index), into[1]!);
    return { path: file };
  };
  const locate = (index: number): FilePlace => locateNpy(join(path, folder.pathOf(index)), model);
  const notes = [...folder.notes];
  if (model.header.isFortran)
    notes.push("The first file is in Fortran order: samples are turned to C order.");
  if (sampleCount === 1)
    notes.push("There is one file, taken as one sample: to take its rows, give the path of the file.");
  return {
    kind: "npy-folder",
    fields,
    sampleCount,
    fingerprint: folder.fingerprint,
    notes,
    originOf: (index) => ({ path: folder.pathOf(index) }),
    readInto,
    ...(label && { labelOf: folder.classOf }),
    ...(needsNoTurning(model.header) && {
      files: { field: "data", root: resolve(path), pathOf: folder.pathOf, locate },
    }),
    samples: (start) => readAhead(fields, sampleCount, start, readInto),
    close: async () => {},
  };
}
