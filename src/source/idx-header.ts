// The header of IDX files (MNIST and its relatives): from bytes to dtype and shape. Big-endian throughout.
// Follows http://yann.lecun.com/exdb/mnist/.
//
//   00 00 | type | axes | size of each axis, u32 | data

import { SpillwayError } from "../errors.js";
import { type DType, elementBytes } from "../tensor/dtype.js";

/** What an IDX file says of itself. */
export interface IdxHeader {
  dtype: DType;
  /** Sizes of all axes; the first counts the samples. */
  shape: readonly number[];
  headerBytes: number;
  dataBytes: number;
}

/** Longest header that is read: 16 axes. */
export const maxIdxHeaderBytes = 4 + 16 * 4;
const maxAxes = 16;

const dtypeCodes: Record<number, DType> = {
  8: "uint8",
  9: "int8",
  11: "int16",
  12: "int32",
  13: "float32",
  14: "float64",
};

/** Whether bytes look like the beginning of an IDX file. */
export function isIdx(head: Uint8Array): boolean {
  const [a, b, type, axes] = head;
  return (
    a === 0 &&
    b === 0 &&
    dtypeCodes[type ?? 0] !== undefined &&
    axes !== undefined &&
    axes >= 1 &&
    axes <= maxAxes
  );
}

/**
 * @param head the first bytes of the unpacked file: all of the header, or `maxIdxHeaderBytes`
 * @throws SpillwayError `source` for a file that is no IDX file, is cut short or says nonsense
 */
export function parseIdxHeader(head: Uint8Array, path: string): IdxHeader {
  const where = { path };
  if (head.length < 4 || !isIdx(head)) {
    const found =
      head.length === 0
        ? "is empty"
        : `begins with bytes ${Buffer.from(head.subarray(0, 4)).toString("hex")}`;
    throw new SpillwayError(
      "source",
      `${path} is no IDX file: it ${found}, 0000, a type of 08 to 0e and a number of axes were expected`,
      {
        remedy: "Get it again from where it came, or name another file.",
        where,
      },
    );
  }
  const axes = head[3]!;
  const headerBytes = 4 + axes * 4;
  if (head.length < headerBytes) {
    throw new SpillwayError(
      "source",
      `${path} is cut short: it has ${head.length} bytes, its header alone needs ${headerBytes}`,
      {
        remedy: "Copy or download it again.",
        where,
      },
    );
  }
  const view = new DataView(head.buffer, head.byteOffset, headerBytes);
  const shape = Array.from({ length: axes }, (_, axis) => view.getUint32(4 + axis * 4, false));
  const dtype = dtypeCodes[head[2]!]!;
  const dataBytes = shape.reduce((product, size) => product * size, elementBytes(dtype));
  if (dataBytes === 0 || !Number.isSafeInteger(dataBytes)) {
    throw new SpillwayError(
      "source",
      `${path} holds no samples that can be read: its shape is [${shape.join(", ")}]`,
      {
        remedy: "Get it again from where it came.",
        where,
      },
    );
  }
  return { dtype, shape, headerBytes, dataBytes };
}

/** @throws SpillwayError `source` if a file has other bytes than its header says */
export function checkIdxLength(header: IdxHeader, bytes: number, path: string): void {
  const wanted = header.headerBytes + header.dataBytes;
  if (bytes === wanted) return;
  const what = bytes < wanted ? "is cut short" : "is longer than it says";
  const says = `its header says ${header.dtype} [${header.shape.join(", ")}], which takes ${wanted}`;
  throw new SpillwayError("source", `${path} ${what}: it has ${bytes} bytes unpacked, ${says}`, {
    remedy: "Copy or download it again.",
    where: { path },
  });
}
