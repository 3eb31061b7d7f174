// Local files. Every read either fills what it was asked to fill or throws with path and byte range: a short read is
// never passed on as zeros. Written files become visible whole or not at all.

import fs from "node:fs";
import { dirname, resolve } from "node:path";
import { SpillwayError, systemCode } from "../errors.js";

/** A file open for reading at any place, from one thread. */
export interface ReadableFile {
  readonly path: string;
  readonly byteLength: number;
  /** When it was last changed, in microseconds since 1970. */
  readonly modifiedUs: number;
  /** Fills `target` from `startByte` on, blocking; works on shared memory. */
  readSync(target: Uint8Array, startByte: number): void;
  /** Fills `target` from `startByte` on. */
  read(target: Uint8Array, startByte: number): Promise<void>;
  close(): void;
}

/** @throws SpillwayError `missing` if it is not there, `io` if it cannot be opened */
export function openFile(path: string): ReadableFile {
  let fd: number;
  try {
    fd = fs.openSync(path, "r");
  } catch (cause) {
    throw ioError(cause, path, "cannot be opened");
  }
  let stat: fs.Stats;
  try {
    stat = fs.fstatSync(fd);
  } catch (cause) {
    fs.closeSync(fd);
    throw ioError(cause, path, "cannot be examined");
  }
  const { size: byteLength, mtimeMs } = stat;
  return {
    path,
    byteLength,
    modifiedUs: toMicroseconds(mtimeMs),
    readSync: (target, startByte) =>
      readFully(fd, target, 0, target.length, startByte, { pathOf: () => path }),
    async read(target, startByte) {
      let done = 0;
      while (done < target.length) {
        const read = await new Promise<number>((resolve, reject) => {
          fs.read(fd, target, done, target.length - done, startByte + done, (error, count) =>
            error ? reject(ioError(error, path, "cannot be read")) : resolve(count),
          );
        });
        if (read === 0) throw shortRead(path, startByte, target.length, done);
        done += read;
      }
    },
    close: () => fs.closeSync(fd),
  };
}

/** A file's time of modification as indexes keep it. */
export function toMicroseconds(mtimeMs: number): number {
  return Math.round(mtimeMs * 1000);
}

/** Where a descriptor came from, asked for only when there is an error to word. */
export interface PathSource {
  pathOf(file: number): string;
}

/** The system's positioned read. */
export type ReadSync = (
  fd: number,
  target: Uint8Array,
  at: number,
  byteLength: number,
  start: number,
) => number;

/** Fills bytes [at, at + byteLength) of `target` from an open descriptor, blocking; `names` words errors. */
export function readFully(
  fd: number,
  target: Uint8Array,
  at: number,
  byteLength: number,
  startByte: number,
  names: PathSource,
  file = 0,
  readSync: ReadSync = fs.readSync,
): void {
  const range = { startByte, byteLength, neededBytes: byteLength };
  readBlocks(fd, target, at, range, names, file, readSync);
}

/** What is read of a file: so many bytes, of which the first `neededBytes` must be there. */
export interface BlockRange {
  startByte: number;
  byteLength: number;
  /** Less than `byteLength` where the last block may reach over the file's end. */
  neededBytes: number;
}

/** As `readFully`, for whole blocks, as direct reads need them. */
export function readBlocks(
  fd: number,
  target: Uint8Array,
  at: number,
  { startByte, byteLength, neededBytes }: BlockRange,
  names: PathSource,
  file: number,
  readSync: ReadSync,
): void {
  let done = 0;
  while (done < neededBytes) {
    let read: number;
    try {
      read = readSync(fd, target, at + done, byteLength - done, startByte + done);
    } catch (cause) {
      throw ioError(cause, names.pathOf(file), `cannot be read at byte ${startByte + done}`);
    }
    if (read === 0) throw shortRead(names.pathOf(file), startByte, neededBytes, done);
    done += read;
  }
}

function shortRead(path: string, startByte: number, wanted: number, got: number): SpillwayError {
  const end = `${got === 0 ? "at or before" : "at"} byte ${startByte + got}`;
  return new SpillwayError(
    "io",
    `${path} ends ${end}, bytes ${startByte} to ${startByte + wanted} were expected`,
    {
      remedy: "The file was cut short: restore it from where it was copied, or make it again.",
      where: { path, startByte, endByte: startByte + wanted },
    },
  );
}

/** A system error as ours: a full disk, a missing file, and the rest each with what to do. */
export function ioError(cause: unknown, path: string, what: string): SpillwayError {
  const code = systemCode(cause);
  const where = { path };
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new SpillwayError("missing", `${path} does not exist`, {
      remedy: "Check the path.",
      where,
      cause,
    });
  }
  if (code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG") {
    return new SpillwayError("space", `the disk is full (${code}) at ${path}`, {
      remedy: "Free some space, then run the same command again: it goes on where it stopped.",
      where,
      cause,
    });
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new SpillwayError("io", `${path} ${what}: permission denied (${code})`, {
      remedy: "Check who owns it and whether the disk is mounted read-only.",
      where,
      cause,
    });
  }
  if (code === "EMFILE" || code === "ENFILE") {
    return new SpillwayError("io", `${path} ${what}: too many open files (${code})`, {
      remedy: "Raise the limit, for example with ulimit -n 4096.",
      where,
      cause,
    });
  }
  return new SpillwayError(
    "io",
    `${path} ${what}: ${cause instanceof Error ? cause.message : String(cause)}`,
    {
      remedy: "Check the disk and the system's log.",
      where,
      cause,
    },
  );
}

/**
 * Reads a whole file of at most `maxBytes`.
 *
 * @throws SpillwayError `missing`, `io`, or `corrupt` if it is larger
 */
export function readSmallFile(path: string, maxBytes: number): Uint8Array {
  const file = openFile(path);
  try {
    if (file.byteLength > maxBytes) {
      throw new SpillwayError(
        "corrupt",
        `${path} has ${file.byteLength} bytes, at most ${maxBytes} are accepted`,
        {
          remedy: "This is not a file that Spillway wrote: restore it, or pack again.",
          where: { path },
        },
      );
    }
    const bytes = new Uint8Array(file.byteLength);
    file.readSync(bytes, 0);
    return bytes;
  } finally {
    file.close();
  }
}

/** Makes a folder's entries durable; systems that cannot open folders do it by themselves. */
export function syncFolder(path: string): void {
  let fd: number;
  try {
    fd = fs.openSync(path, "r");
  } catch {
    return;
  }
  try {
    fs.fsyncSync(fd);
  } catch (error) {
    if (!["EINVAL", "EISDIR", "EPERM", "ENOTSUP"].includes(systemCode(error))) throw error;
  } finally {
    fs.closeSync(fd);
  }
}

/** Makes a folder and its parents. */
export function createFolder(path: string): void {
  try {
    fs.mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw ioError(reasonFor(path, cause), path, "cannot be created");
  }
}

/** Node says ENOENT where a disk is read-only: making the first missing folder alone tells the reason. */
function reasonFor(path: string, cause: unknown): unknown {
  if (systemCode(cause) !== "ENOENT") return cause;
  let missing = resolve(path);
  while (dirname(missing) !== missing && !fs.existsSync(dirname(missing))) missing = dirname(missing);
  try {
    fs.mkdirSync(missing);
    return cause;
  } catch (reason) {
    return reason;
  }
}

/**
 * Replaces a file as a whole: readers see the old one or the new one, also after a crash. Two writers at once are
 * kept apart by the dataset's lock, so the temporary name is fixed and a crash leaves at most one such file.
 */
export function replaceFile(path: string, content: Uint8Array | string): void {
  const folder = dirname(path);
  const temporary = `${path}.tmp`;
  try {
    const fd = fs.openSync(temporary, "w");
    try {
      fs.writeFileSync(fd, content);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(temporary, path);
    syncFolder(folder);
  } catch (cause) {
    fs.rmSync(temporary, { force: true });
    throw ioError(cause, path, "cannot be written");
  }
}

/** Bytes free for this user on the disk that holds `path` (or its nearest existing parent). */
export function freeBytes(path: string): number {
  for (let at = path; ; at = dirname(at)) {
    try {
      const { bavail, bsize } = fs.statfsSync(at);
      return bavail * bsize;
    } catch (error) {
      if (systemCode(error) !== "ENOENT" || dirname(at) === at)
        throw ioError(error, at, "cannot be measured");
    }
  }
}
