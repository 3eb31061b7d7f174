// Reads whole .npy files that should all be alike, one sample each, in as few system calls as possible: open, one read
// of header and data, close. Where the header's bytes are those of the first file, nothing needs parsing.
// Rule: a file is closed on every path, and no byte of a file that differs is passed on.

import fs from "node:fs";
import { SpillwayError } from "../errors.js";
import { ioError, toMicroseconds } from "../store/file.js";
import { needsNoTurning, normalise } from "./npy-data.js";
import { maxHeaderBytes, type NpyHeader, parseNpyHeader } from "./npy-header.js";
import { createPace, type Pace } from "./pace.js";
import type { FilePlace } from "./source.js";

/** What the first file of a folder says, by which the others are judged. */
export interface NpyModel {
  path: string;
  head: Uint8Array;
  header: NpyHeader;
}

/** Fills `into` with the little-endian, C-ordered data of a file. */
export type NpyFileReader = (path: string, into: Uint8Array) => Promise<void>;

/** Reads and parses the header of a file. */
export function readNpyModel(path: string): NpyModel {
  return withFile(path, (fd) => {
    const fileBytes = fs.fstatSync(fd).size;
    const head = new Uint8Array(Math.min(fileBytes, maxHeaderBytes));
    const read = fs.readSync(fd, head, 0, head.length, 0);
    const header = parseNpyHeader(head.subarray(0, read), fileBytes, path);
    return { path, head: head.slice(0, header.headerBytes), header };
  });
}

/** @throws SpillwayError `source` unless the file has the shape and dtype of the model */
export function checkNpyModel(file: NpyModel, model: NpyModel): void {
  if (describe(file.header) === describe(model.header)) return;
  throw new SpillwayError(
    "source",
    `${file.path} holds ${describe(file.header)}, but ${describe(model.header)} was expected, as in ${model.path}`,
    {
      remedy:
        "All samples need one shape and dtype: move the others into a folder of their own, or save them alike.",
      where: { path: file.path },
    },
  );
}

/**
 * Where the numbers of a file lie that is like the model.
 *
 * @throws SpillwayError `source` unless it is like the model and needs no turning
 */
export function locateNpy(path: string, model: NpyModel): FilePlace {
  return withFile(path, (fd) => {
    const { size, mtimeMs } = fs.fstatSync(fd);
    const { headerBytes, dataBytes } = model.header;
    const head = Buffer.alloc(headerBytes);
    const read = fs.readSync(fd, head, 0, headerBytes, 0);
    const isLike = size === headerBytes + dataBytes && read === headerBytes && head.equals(model.head);
    const header = isLike ? model.header : readNpyModel(path).header;
    if (!isLike) checkNpyModel({ path, head, header }, model);
    if (!needsNoTurning(header)) throw needsTurning(path);
    return { startByte: header.headerBytes, fileBytes: size, modifiedUs: toMicroseconds(mtimeMs) };
  });
}

function needsTurning(path: string): SpillwayError {
  return new SpillwayError(
    "source",
    `${path} is in Fortran order or big-endian, so it cannot stay as it is`,
    {
      remedy: "Pack the folder instead, or save this file in C order, little-endian.",
      where: { path },
    },
  );
}

/** A reader of files that are like the model; `pace` chooses how. */
export function createNpyFileReader(model: NpyModel, pace: Pace = createPace()): NpyFileReader {
  const { headerBytes, dataBytes } = model.header;
  const needsTurning = model.header.isFortran || model.header.isSwapped;
  const blockingHead = Buffer.alloc(headerBytes);
  const expectedHead = Buffer.from(model.head);
  const past = new Uint8Array(1);

  const accept = (path: string, head: Buffer, read: number, into: Uint8Array): void => {
    // Another length, or another way to write the header: rare, so it is read again, slowly and with all checks.
    if (read !== headerBytes + dataBytes || !head.equals(expectedHead)) readDiffering(path, model, into);
    else if (needsTurning) normalise(into, model.header);
  };
  const blocking = (path: string, into: Uint8Array): void => {
    // One byte past the end shows a file that is too long.
    const read = withFile(path, (fd) => fs.readvSync(fd, [blockingHead, into, past], 0));
    accept(path, blockingHead, read, into);
  };
  const asynchronous = (path: string, into: Uint8Array): Promise<void> => {
    const head = Buffer.alloc(headerBytes);
    return new Promise((resolve, reject) => {
      fs.open(path, "r", (openError, fd) => {
        if (openError) return reject(ioError(openError, path, "cannot be opened"));
        fs.readv(fd, [head, into, new Uint8Array(1)], 0, (readError, read) => {
          // Closing never waits for the disk, so it needs no thread.
          fs.closeSync(fd);
          if (readError) return reject(ioError(readError, path, "cannot be read"));
          try {
            accept(path, head, read, into);
            resolve();
          } catch (error) {
            reject(error);
          }
        });
      });
    });
  };
  return (path, into) =>
    pace(
      () => blocking(path, into),
      () => asynchronous(path, into),
    );
}

function readDiffering(path: string, model: NpyModel, into: Uint8Array): void {
  const file = readNpyModel(path);
  checkNpyModel(file, model);
  withFile(path, (fd) => {
    let done = 0;
    while (done < into.length) {
      const read = fs.readSync(fd, into, done, into.length - done, file.header.headerBytes + done);
      if (read === 0) {
        throw new SpillwayError("source", `${path} was cut short while it was read`, {
          remedy: "Wait until whatever writes it has finished, then run the same command again.",
          where: { path },
        });
      }
      done += read;
    }
  });
  normalise(into, file.header);
}

function describe({ dtype, shape }: NpyHeader): string {
  return `${dtype} [${shape.join(", ")}]`;
}

function withFile<T>(path: string, use: (fd: number) => T): T {
  let fd: number;
  try {
    fd = fs.openSync(path, "r");
  } catch (cause) {
    throw ioError(cause, path, "cannot be opened");
  }
  try {
    return use(fd);
  } catch (cause) {
    if (cause instanceof SpillwayError) throw cause;
    throw ioError(cause, path, "cannot be read");
  } finally {
    fs.closeSync(fd);
  }
}
