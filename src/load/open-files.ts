// The shards that one reader keeps open: the least recently used is closed when there are too many.

import fs from "node:fs";
import { join } from "node:path";
import { SpillwayError, systemCode } from "../errors.js";
import { ioError } from "../store/file.js";

/** Descriptors by number of the file. */
export class OpenFiles {
  readonly #root: string;
  readonly #paths: readonly string[];
  readonly #byteLengths: Float64Array;
  readonly #most: number;
  /** In order of last use, the oldest first. */
  readonly #open = new Map<number, number>();
  #lastFile = -1;
  #lastDescriptor = -1;
  #flags = fs.constants.O_RDONLY;

  /** @param byteLengths expected length of each file: one that is shorter was cut and is refused */
  constructor(root: string, paths: readonly string[], byteLengths: Float64Array, most: number) {
    this.#root = root;
    this.#paths = paths;
    this.#byteLengths = byteLengths;
    this.#most = Math.max(1, most);
  }

  /** @throws SpillwayError `missing` or `io` if it cannot be opened, `corrupt` if it was cut short */
  descriptor(file: number): number {
    if (file === this.#lastFile) return this.#lastDescriptor;
    let fd = this.#open.get(file);
    if (fd === undefined) {
      fd = this.#openFile(file);
    } else {
      this.#open.delete(file);
    }
    this.#open.set(file, fd);
    if (this.#open.size > this.#most) this.#closeOldest();
    this.#lastFile = file;
    this.#lastDescriptor = fd;
    return fd;
  }

  /** Whether files are opened for direct reads, past the page cache; those that are open otherwise are closed. */
  setDirect(isDirect: boolean): void {
    const flags = fs.constants.O_RDONLY | (isDirect ? fs.constants.O_DIRECT : 0);
    if (flags === this.#flags) return;
    this.closeAll();
    this.#flags = flags;
  }

  pathOf(file: number): string {
    return join(this.#root, this.#paths[file]!);
  }

  closeAll(): void {
    for (const fd of this.#open.values()) fs.closeSync(fd);
    this.#open.clear();
    this.#lastFile = -1;
  }

  #openFile(file: number): number {
    const path = this.pathOf(file);
    const fd = this.#tryOpen(path);
    try {
      requireLength(path, fs.fstatSync(fd).size, this.#byteLengths[file]!);
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
    return fd;
  }

  /** Opens a file; where the process has too many, closes own ones until it works. */
  #tryOpen(path: string): number {
    for (;;) {
      try {
        return fs.openSync(path, this.#flags);
      } catch (cause) {
        const isShort = ["EMFILE", "ENFILE"].includes(systemCode(cause));
        if (!isShort || this.#open.size === 0) throw ioError(cause, path, "cannot be opened");
        this.#closeOldest();
      }
    }
  }

  #closeOldest(): void {
    const [file, fd] = this.#open.entries().next().value!;
    this.#open.delete(file);
    if (file === this.#lastFile) this.#lastFile = -1;
    fs.closeSync(fd);
  }
}

/** @throws SpillwayError `corrupt` unless a file of a dataset is as long as its manifest says */
export function requireLength(path: string, byteLength: number, expected: number): void {
  if (byteLength === expected) return;
  throw new SpillwayError("corrupt", `${path} has ${byteLength} bytes, dataset.json says ${expected}`, {
    remedy:
      "The file was cut or changed: restore it from a copy, or pack again; spillway verify tells the extent.",
    where: { path },
  });
}

/** Files that this process may have open, Infinity where the system does not say. */
export function openFileLimit(): number {
  try {
    const limits = fs.readFileSync("/proc/self/limits", "utf8");
    return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
