// The shards that one reader keeps open: the least recently used is closed when there are too many.

import fs from "node:fs";
import { join } from "node:path";
import { SpillwayError } from "../errors.js";
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
    if (this.#open.size > this.#most) {
      const oldest = this.#open.entries().next().value!;
      this.#open.delete(oldest[0]);
      fs.closeSync(oldest[1]);
    }
    this.#lastFile = file;
    this.#lastDescriptor = fd;
    return fd;
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
    let fd: number;
    try {
      fd = fs.openSync(path, "r");
    } catch (cause) {
      throw ioError(cause, path, "cannot be opened");
    }
    const { size } = fs.fstatSync(fd);
    const expected = this.#byteLengths[file]!;
    if (size === expected) return fd;
    fs.closeSync(fd);
    throw new SpillwayError("corrupt", `${path} has ${size} bytes, dataset.json says ${expected}`, {
      remedy: `The file was cut or changed: run "spillway verify ${this.#root}" for the extent; restore it, or pack again.`,
      where: { path, dataset: this.#root, shard: this.#paths[file]! },
    });
  }
}
