// IDX files, plain or gzip: images and their labels, as MNIST, Fashion-MNIST and EMNIST are given out. Plain images are
// read at any place; packed ones only from front to back, in bounded memory. Labels are held: 1 to 4 bytes each.

import { basename, dirname, resolve } from "node:path";
import { SpillwayError } from "../errors.js";
import { openFile, type ReadableFile } from "../store/file.js";
import { elementBytes } from "../tensor/dtype.js";
import { type ClassField, classes, type Fields, fieldStride } from "../tensor/field.js";
import type { Sample } from "../tensor/sample.js";
import { isGzip, readHead, readRawHead, streamBytes } from "./byte-stream.js";
import { writeLabel } from "./class-labels.js";
import { elementReader } from "./element-reader.js";
import { checkIdxLength, type IdxHeader, maxIdxHeaderBytes, parseIdxHeader } from "./idx-header.js";
import { detectIdx, findIdxPair } from "./idx-pair.js";
import { swapBytes } from "./npy-data.js";
import { checkLabel } from "./number-labels.js";
import { refuseOtherOptions } from "./options.js";
import { createPace } from "./pace.js";
import { readAhead } from "./read-ahead.js";
import { recordsOf } from "./records.js";
import type { FilePlace, Source, SourceKind, SourceOptions } from "./source.js";
import { fingerprintOf, tensorOf } from "./source-checks.js";

const maxLabels = 2 ** 31;
const maxClassNumber = 999_999;

/** Fields "image", in the shape of the file, and "label". */
export const idxKind: SourceKind = {
  name: "idx",
  summary: "IDX images and labels (MNIST and its relatives), plain or .gz",
  detect: detectIdx,
  open: openIdx,
};

type LabelArray = Uint8Array | Int32Array;

async function openIdx(path: string, options: SourceOptions): Promise<Source> {
  refuseOtherOptions("idx", options, ["classes", "labels"]);
  const pair = findIdxPair(path, options.labels);
  const header = parseIdxHeader(readHead(pair.images, maxIdxHeaderBytes), pair.images);
  const sampleCount = header.shape[0]!;
  const image = tensorOf(header.dtype, header.shape.slice(1), pair.images);
  const labels =
    pair.labels === undefined ? undefined : await readLabels(pair.labels, pair.images, sampleCount);
  const fields: Fields = labels
    ? { image, label: labelField(labels, options.classes, pair.labels!) }
    : { image };
  const isPacked = isGzip(readRawHead(pair.images, 2));
  const file = isPacked ? undefined : openFile(pair.images);
  try {
    if (file) checkIdxLength(header, file.byteLength, pair.images);
    return {
      kind: "idx",
      fields,
      sampleCount,
      fingerprint: fingerprintOf(
        "idx",
        [pair.images, ...(pair.labels === undefined ? [] : [pair.labels])],
        options,
      ),
      notes: pair.labels === undefined ? [] : [`Labels come from ${pair.labels}.`],
      ...(file
        ? readAnywhere(file, header, fields, labels)
        : readInOrder(pair.images, header, fields, labels)),
      close: async () => file?.close(),
    };
  } catch (error) {
    file?.close();
    throw error;
  }
}

/** Reading of plain files. */
function readAnywhere(
  file: ReadableFile,
  header: IdxHeader,
  fields: Fields,
  labels: LabelArray | undefined,
): Pick<Source, "originOf" | "labelOf" | "readInto" | "samples" | "files"> {
  const stride = fieldStride(fields.image!);
  const label = fields.label as ClassField | undefined;
  const count = header.shape[0]!;
  const size = elementBytes(header.dtype);
  const path = basename(file.path);
  const pace = createPace();
  const readInto: NonNullable<Source["readInto"]> = async (index, into) => {
    const startByte = header.headerBytes + index * stride;
    await pace(
      () => file.readSync(into[0]!, startByte),
      () => file.read(into[0]!, startByte),
    );
    swapBytes(into[0]!, size);
    if (label && labels) writeLabel(label, labels[index]!, into[1]!);
    return { path, row: index };
  };
  const locate = (index: number): FilePlace => ({
    startByte: header.headerBytes + index * stride,
    fileBytes: file.byteLength,
    modifiedUs: file.modifiedUs,
  });
  return {
    originOf: (index) => ({ path, row: index }),
    ...(label && labels && { labelOf: (index: number) => labels[index]! }),
    readInto,
    samples: (start) => readAhead(fields, count, start, readInto),
    // IDX is big-endian: bytes need no turning, wider numbers do.
    ...(size === 1 && {
      files: { field: "image", root: dirname(resolve(file.path)), pathOf: () => path, locate },
    }),
  };
}

/** Reading of packed files: what lies before `start` is unpacked and dropped. */
function readInOrder(
  path: string,
  header: IdxHeader,
  fields: Fields,
  labels: LabelArray | undefined,
): Pick<Source, "samples"> {
  const stride = fieldStride(fields.image!);
  const label = fields.label as ClassField | undefined;
  const count = header.shape[0]!;
  const size = elementBytes(header.dtype);
  const name = basename(path);
  async function* samples(start: number): AsyncGenerator<Sample> {
    const labelBytes = new Uint8Array(label ? fieldStride(label) : 0);
    let row = start;
    const skipBytes = header.headerBytes + start * stride;
    for await (const image of recordsOf(streamBytes(path), skipBytes, stride, checkEnd)) {
      // A byte too many is found at the end; a sample too many must not be given before.
      if (row >= count) continue;
      swapBytes(image, size);
      if (label && labels) writeLabel(label, labels[row]!, labelBytes);
      yield { bytes: label ? [image, labelBytes] : [image], path: name, row };
      row += 1;
    }
  }
  const checkEnd = (bytes: number) => checkIdxLength(header, bytes, path);
  return { samples };
}

/** All labels, checked to be whole numbers from 0. */
async function readLabels(path: string, imagesPath: string, imageCount: number): Promise<LabelArray> {
  const header = parseIdxHeader(readHead(path, maxIdxHeaderBytes), path);
  const [count = 0, ...rest] = header.shape;
  if (rest.length > 0) {
    throw new SpillwayError(
      "source",
      `${path} has shape [${header.shape.join(", ")}], labels have one axis`,
      {
        remedy: "Name the file of labels: --labels path/to/labels-idx1-ubyte.gz",
        where: { path },
      },
    );
  }
  if (count !== imageCount || count > maxLabels) {
    throw new SpillwayError(
      "source",
      `${path} holds ${count} labels, but ${imagesPath} holds ${imageCount} images`,
      {
        remedy: `They do not belong together, or there are more than ${maxLabels}: name the right one with --labels.`,
        where: { path },
      },
    );
  }
  const labels = header.dtype === "uint8" ? new Uint8Array(count) : new Int32Array(count);
  const readNumber = elementReader(header.dtype, false);
  let row = 0;
  const checkEnd = (bytes: number) => checkIdxLength(header, bytes, path);
  for await (const record of recordsOf(
    streamBytes(path),
    header.headerBytes,
    elementBytes(header.dtype),
    checkEnd,
  )) {
    if (row >= count) continue;
    const value = readNumber(new DataView(record.buffer, record.byteOffset, record.byteLength), 0);
    checkLabel(value, row, path);
    if (value < 0 || value > maxClassNumber) {
      throw new SpillwayError(
        "source",
        `label ${row} (from 0) of ${path} is ${value}, classes are numbered from 0 to ${maxClassNumber}`,
        {
          remedy: "Number the classes from 0 on.",
          where: { path, row, field: "label" },
        },
      );
    }
    labels[row++] = value;
  }
  return labels;
}

function labelField(labels: LabelArray, given: readonly string[] | undefined, path: string): ClassField {
  let last = 0;
  let lastRow = 0;
  for (let row = 0; row < labels.length; row++) {
    if (labels[row]! > last) {
      last = labels[row]!;
      lastRow = row;
    }
  }
  if (!given) return classes(Array.from({ length: last + 1 }, (_, number) => String(number)));
  if (last >= given.length) {
    throw new SpillwayError(
      "source",
      `label ${lastRow} (from 0) of ${path} is ${last}, but only ${given.length} classes are given`,
      {
        remedy: `Give --classes ${last + 1} names, for the numbers 0 to ${last}.`,
        where: { path, row: lastRow, field: "label" },
      },
    );
  }
  return classes(given);
}
