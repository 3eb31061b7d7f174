// The header of numpy's .npy files, versions 1 to 3: from bytes to dtype, shape and order, with every length checked.
// Follows numpy/lib/format.py. Nothing in a header is run: only plain numbers are read, never pickled objects.
//
//   93 "NUMPY" | major minor | length u16 (version 1) or u32 | {'descr': '<f8', 'fortran_order': False, 'shape': (256, 8), } | data

import { SpillwayError } from "../errors.js";
import { type DType, elementBytes } from "../tensor/dtype.js";

/** What a .npy file says of itself. */
export interface NpyHeader {
  dtype: DType;
  shape: readonly number[];
  /** Whether the first axis varies fastest (column-major), as `np.asfortranarray` makes it. */
  isFortran: boolean;
  /** Whether the numbers are big-endian. */
  isSwapped: boolean;
  /** Bytes before the data. */
  headerBytes: number;
  /** Bytes of the data: the file has exactly headerBytes + dataBytes. */
  dataBytes: number;
}

/** Most bytes that a header may have; numpy itself refuses to read more than 10,000. */
export const maxHeaderBytes = 65_536;
const maxAxes = 32;

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** numpy's type codes without the byte order. */
const dtypeCodes: Record<string, DType> = {
  b1: "bool",
  u1: "uint8",
  i1: "int8",
  u2: "uint16",
  i2: "int16",
  u4: "uint32",
  i4: "int32",
  u8: "uint64",
  i8: "int64",
  f2: "float16",
  f4: "float32",
  f8: "float64",
};

/** Whether bytes begin as a .npy file does. */
export function isNpy(head: Uint8Array): boolean {
  return magic.every((byte, index) => head[index] === byte);
}

/**
 * Parses a header.
 *
 * @param head the first bytes of the file: all of the header, or `maxHeaderBytes`
 * @param fileBytes length of the whole file
 * @param path for messages
 * @throws SpillwayError `source` for a file that is no .npy, is cut short or longer than it says, holds no numbers,
 * or is empty
 */
export function parseNpyHeader(head: Uint8Array, fileBytes: number, path: string): NpyHeader {
  if (!isNpy(head)) {
    const found = head.length === 0 ? "is empty" : `begins with bytes ${hex(head.subarray(0, 6))}`;
    throw refusal(
      path,
      `${path} is no .npy file: it ${found}, ${hex(magic)} was expected`,
      "Make it with np.save, or move it elsewhere.",
    );
  }
  const major = head[6] ?? 0;
  const lengthBytes = major === 1 ? 2 : 4;
  if (major < 1 || major > 3) {
    if (head.length < 8) throw truncated(path, fileBytes, 8);
    throw refusal(
      path,
      `${path} has .npy version ${major}, versions 1 to 3 are read`,
      "Save it again with a current numpy.",
    );
  }
  if (head.length < 8 + lengthBytes) throw truncated(path, fileBytes, 8 + lengthBytes);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const textBytes = lengthBytes === 2 ? view.getUint16(8, true) : view.getUint32(8, true);
  const headerBytes = 8 + lengthBytes + textBytes;
  if (headerBytes > maxHeaderBytes) {
    throw refusal(
      path,
      `${path} has a header of ${headerBytes} bytes, at most ${maxHeaderBytes} are read`,
      "Save it again with np.save.",
    );
  }
  if (head.length < headerBytes) throw truncated(path, fileBytes, headerBytes);
  const text = Buffer.from(head.buffer, head.byteOffset + 8 + lengthBytes, textBytes).toString("utf8");
  const { descr, fortran, shape } = parseText(text, path);
  const dtype = parseDescr(descr, path);
  const count = shape.reduce((product, size) => product * size, 1);
  const dataBytes = count * elementBytes(dtype);
  if (!Number.isSafeInteger(dataBytes)) {
    throw refusal(
      path,
      `${path} has shape [${shape.join(", ")}], more than can be counted`,
      "The header is damaged: save it again.",
    );
  }
  if (count === 0) {
    throw refusal(path, `${path} holds no numbers: its shape is [${shape.join(", ")}]`, "Remove it.");
  }
  if (fileBytes !== headerBytes + dataBytes) {
    const wanted = `its header says ${dtype} [${shape.join(", ")}], which with the header takes ${headerBytes + dataBytes}`;
    const what = fileBytes < headerBytes + dataBytes ? "is cut short" : "is longer than it says";
    throw refusal(path, `${path} ${what}: it has ${fileBytes} bytes, ${wanted}`, "Copy or save it again.");
  }
  // For one axis both orders are the same; numpy marks such arrays as C.
  const isFortran = fortran && shape.length > 1;
  return {
    dtype,
    shape,
    isFortran,
    isSwapped: descr.startsWith(">") && elementBytes(dtype) > 1,
    headerBytes,
    dataBytes,
  };
}

/** The three entries of the header's Python literal, in any order. */
function parseText(text: string, path: string): { descr: string; fortran: boolean; shape: number[] } {
  const body = /^\{(.*)\}\s*$/su.exec(text)?.[1] ?? "";
  if (/(['"])descr\1\s*:\s*[[(]/u.test(body)) {
    const remedy = 'Save each of their fields as an array of its own: np.save(path, x["name"]).';
    throw refusal(path, `${path} holds structured records, not plain numbers`, remedy);
  }
  let descr: string | undefined;
  let fortran: boolean | undefined;
  let shape: number[] | undefined;
  const entry = /\s*(['"])(\w+)\1\s*:\s*(?:(['"])([^'"]*)\3|(True|False)|\(([\dL,\s]*)\))\s*(?:,|$)/uy;
  for (let found = entry.exec(body); found; found = entry.exec(body)) {
    const [, , name, , string, flag, sizes] = found;
    if (name === "descr") descr = string;
    else if (name === "fortran_order" && flag) fortran = flag === "True";
    else if (name === "shape" && sizes !== undefined) shape = parseShape(sizes);
  }
  if (descr === undefined || fortran === undefined || shape === undefined) {
    const shown = JSON.stringify(text.slice(0, 120).trim());
    const remedy = "The file is damaged: save it again with np.save.";
    throw refusal(
      path,
      `${path} has a header that does not say descr, fortran_order and shape: ${shown}`,
      remedy,
    );
  }
  if (shape.length > maxAxes) {
    throw refusal(
      path,
      `${path} has ${shape.length} axes, at most ${maxAxes} are read`,
      "Reshape it to fewer axes.",
    );
  }
  return { descr, fortran, shape };
}

/** "256, 8" or Python 2's "256L, 8L" as numbers; undefined for anything else. */
function parseShape(text: string): number[] | undefined {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.at(-1) === "") parts.pop();
  return parts.every((part) => /^\d{1,16}L?$/u.test(part))
    ? parts.map((part) => Number.parseInt(part, 10))
    : undefined;
}

function parseDescr(descr: string, path: string): DType {
  const dtype = /^[<>|=]/u.test(descr) ? dtypeCodes[descr.slice(1)] : dtypeCodes[descr];
  if (dtype) return dtype;
  const kind = descr.replace(/^[<>|=]/u, "")[0] ?? "";
  const refused: Record<string, [string, string]> = {
    O: [
      "Python objects, which are not read, since unpickling runs code",
      'Save plain numbers: np.save(path, np.asarray(x, dtype="float64")).',
    ],
    c: ["complex numbers", "Save real numbers: np.save(path, np.stack([x.real, x.imag], axis=-1))."],
    U: ["text", "Save numbers; class names belong into sub-folders or a CSV column."],
    S: ["text", "Save numbers; class names belong into sub-folders or a CSV column."],
    V: ["structured records", 'Save each of their fields as an array of its own: np.save(path, x["name"]).'],
    M: ["dates", 'Save numbers: np.save(path, x.astype("int64")).'],
    m: ["time spans", 'Save numbers: np.save(path, x.astype("int64")).'],
    f: ["floats of a size that is not read", 'Save them as np.save(path, x.astype("float64")).'],
  };
  const [what, remedy] = refused[kind] ?? ["an unknown type", "Save it as numbers, such as float64."];
  throw refusal(path, `${path} holds ${what} (numpy type "${descr.slice(0, 40)}")`, remedy);
}

function truncated(path: string, fileBytes: number, wanted: number): SpillwayError {
  return refusal(
    path,
    `${path} is cut short: it has ${fileBytes} bytes, its header alone needs ${wanted}`,
    "Copy or save it again.",
  );
}

function refusal(path: string, what: string, remedy: string): SpillwayError {
  return new SpillwayError("source", what, { remedy, where: { path } });
}

function hex(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
