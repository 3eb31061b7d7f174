// One large .npy file with a row per sample: axis 0 counts the samples. One column of a two-dimensional array may be
// the label. A row is one positioned read; the file is never held in memory.

import { basename, dirname, resolve } from "node:path";
import { SpillwayError } from "../errors.js";
import { openFile, type ReadableFile } from "../store/file.js";
import { type DType, elementBytes } from "../tensor/dtype.js";
import type { Fields } from "../tensor/field.js";
import { readHead, readRawHead } from "./byte-stream.js";
import { writeLabel } from "./class-labels.js";
import { elementReader } from "./element-reader.js";
import { normalise, swapBytes } from "./npy-data.js";
import { isNpy, maxHeaderBytes, type NpyHeader, parseNpyHeader } from "./npy-header.js";
import { checkLabel, givenLabels, LabelNumbers, type NumberLabels, unknownLabel } from "./number-labels.js";
import { columnNumber, refuseOtherOptions, resolveColumn } from "./options.js";
import { createPace } from "./pace.js";
import { readAhead } from "./read-ahead.js";
import type { FilePlace, Source, SourceKind, SourceOptions } from "./source.js";
import { fingerprintOf, isFile, requirePath, tensorOf } from "./source-checks.js";

/** Bytes read at once while the label column is scanned. */
const scanBytes = 2 ** 22;
/** From rows of this size on, a scan reads the label's bytes only. */
const wideRowBytes = 2 ** 16;

/** Fields "data" and, where a label column is named, "label" or "target". */
export const npyTableKind: SourceKind = {
  name: "npy",
  summary: "one .npy file with a row per sample",
  detect: (path) => isFile(path) && (path.toLowerCase().endsWith(".npy") || isNpy(readRawHead(path, 8))),
  open: openNpyTable,
};

/** Where the label lies in a row. */
interface LabelPlace {
  /** First byte within the row. */
  byte: number;
  size: number;
  dtype: DType;
  isSwapped: boolean;
  kind: "class" | "value";
}

async function openNpyTable(path: string, options: SourceOptions): Promise<Source> {
  refuseOtherOptions("npy", options, ["classes", "labelColumn", "labelKind"]);
  requirePath(path, "npy", "file");
  const file = openFile(path);
  try {
    return await createTable(file, options);
  } catch (error) {
    file.close();
    throw error;
  }
}

async function createTable(file: ReadableFile, options: SourceOptions): Promise<Source> {
  const { path } = file;
  const header = parseNpyHeader(readHead(path, maxHeaderBytes), file.byteLength, path);
  const { headerBytes, dataBytes, dtype, shape, isSwapped } = header;
  const [sampleCount] = shape;
  if (sampleCount === undefined) {
    throw new SpillwayError("source", `${path} holds a single number, not a row per sample`, {
      remedy: "Save an array whose first axis counts the samples.",
      where: { path },
    });
  }
  if (header.isFortran) {
    throw new SpillwayError(
      "source",
      `${path} is in Fortran order: the numbers of a row lie far apart, in ${dataBytes} bytes`,
      { remedy: "Save it in C order: np.save(path, np.ascontiguousarray(x)).", where: { path } },
    );
  }
  const rowBytes = dataBytes / sampleCount;
  const size = elementBytes(dtype);
  const place = findLabel(header, options, path);
  const dataShape = place ? [shape[1]! - 1] : shape.slice(1);
  const data = tensorOf(dtype, dataShape, path);
  const fields: Fields = { data };
  const notes: string[] = [];
  let labels: NumberLabels | undefined;
  if (place?.kind === "class") {
    labels = options.classes ? givenLabels(options.classes) : await scanLabels(file, header, place);
    fields.label = labels.field;
  } else if (place) {
    fields.target = tensorOf(dtype, [], path);
  } else {
    notes.push("No label column is named (--label-column), so every row is one tensor.");
  }

  const readNumber = elementReader(dtype, !isSwapped);
  const layout = { dtype, shape: dataShape, isFortran: false, isSwapped };
  const split = (index: number, row: Uint8Array, into: readonly Uint8Array[]): void => {
    const [dataInto, labelInto] = into;
    if (place && dataInto && labelInto) {
      const label = row.subarray(place.byte, place.byte + place.size);
      const value = readNumber(new DataView(label.buffer, label.byteOffset, place.size), 0);
      if (labels) {
        const found = labels.indexOf(value);
        if (found === undefined) {
          checkLabel(value, index, path);
          throw unknownLabel(value, index, path, labels.field);
        }
        writeLabel(labels.field, found, labelInto);
      } else {
        if (Number.isNaN(value)) checkLabel(value, index, path);
        labelInto.set(label);
        if (isSwapped) swapBytes(labelInto, size);
      }
      dataInto.set(row.subarray(0, place.byte));
      dataInto.set(row.subarray(place.byte + place.size), place.byte);
    }
    normalise(dataInto!, layout);
  };

  const pace = createPace();
  const blockingRow = new Uint8Array(place ? rowBytes : 0);
  const name = basename(path);
  const readInto: NonNullable<Source["readInto"]> = async (index, into) => {
    const startByte = headerBytes + index * rowBytes;
    await pace(
      () => {
        const row = place ? blockingRow : into[0]!;
        file.readSync(row, startByte);
        split(index, row, into);
      },
      async () => {
        const row = place ? new Uint8Array(rowBytes) : into[0]!;
        await file.read(row, startByte);
        split(index, row, into);
      },
    );
    return { path: name, row: index };
  };
  // A label in the middle of a row parts its numbers; at either end they lie in one piece.
  const isWhole = !place || place.byte === 0 || place.byte + place.size === rowBytes;
  const startInRow = place?.byte === 0 ? place.size : 0;
  const locate = (index: number): FilePlace => ({
    startByte: headerBytes + index * rowBytes + startInRow,
    fileBytes: file.byteLength,
    modifiedUs: file.modifiedUs,
  });
  return {
    kind: "npy",
    fields,
    sampleCount,
    ...(isWhole &&
      !isSwapped && {
        files: { field: "data", root: dirname(resolve(path)), pathOf: () => name, locate },
      }),
    fingerprint: fingerprintOf("npy", [path], options),
    notes,
    originOf: (index) => ({ path: name, row: index }),
    readInto,
    samples: (start) => readAhead(fields, sampleCount, start, readInto),
    close: async () => file.close(),
  };
}

function findLabel(header: NpyHeader, options: SourceOptions, path: string): LabelPlace | undefined {
  const { labelColumn, labelKind, classes } = options;
  const { dtype, shape, isSwapped } = header;
  if (labelColumn === undefined) {
    if (labelKind === undefined && classes === undefined) return undefined;
    throw new SpillwayError("usage", `${path} has no label until its column is named`, {
      remedy: "Add --label-column -1 for the last column.",
    });
  }
  const column = columnNumber(labelColumn);
  if (column === undefined) {
    throw new SpillwayError(
      "usage",
      `the columns of a .npy file have no names, so "${labelColumn}" cannot be found`,
      {
        remedy: "Give --label-column as a number from 0, or -1 for the last.",
      },
    );
  }
  if (shape.length !== 2 || shape[1]! < 2) {
    throw new SpillwayError(
      "source",
      `${path} has shape [${shape.join(", ")}]; a label column needs two axes, the second of at least 2`,
      { remedy: "Leave out --label-column, or save the array as rows and columns.", where: { path } },
    );
  }
  const size = elementBytes(dtype);
  const byte = resolveColumn(column, shape[1]!, path) * size;
  return { byte, size, dtype, isSwapped, kind: labelKind ?? "class" };
}

/** Finds the classes: one pass over the label column. */
async function scanLabels(file: ReadableFile, header: NpyHeader, place: LabelPlace): Promise<NumberLabels> {
  const rows = header.shape[0]!;
  const rowBytes = header.dataBytes / rows;
  const readNumber = elementReader(place.dtype, !place.isSwapped);
  const numbers = new LabelNumbers(file.path);
  const isWide = rowBytes >= wideRowBytes;
  const rowsAtOnce = isWide ? 1 : Math.floor(scanBytes / rowBytes);
  const bytes = new Uint8Array(isWide ? place.size : Math.min(rows, rowsAtOnce) * rowBytes);
  const view = new DataView(bytes.buffer);
  for (let row = 0; row < rows; row += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, rows - row);
    const startByte = header.headerBytes + row * rowBytes;
    if (isWide) {
      await file.read(bytes, startByte + place.byte);
      numbers.add(readNumber(view, 0), row);
      continue;
    }
    await file.read(bytes.subarray(0, count * rowBytes), startByte);
    for (let k = 0; k < count; k++) numbers.add(readNumber(view, k * rowBytes + place.byte), row + k);
  }
  return numbers.labels();
}
