// Many files that grow at the same time, each with a buffer of its own in one piece of memory. A file is opened when its
// buffer goes out: there may be more of them than a process may have open.

import fs from "node:fs";
import { ioError } from "./file.js";

export class AppendBuffers {
  readonly #arena: Uint8Array;
  readonly #bufferBytes: number;
  readonly #used: Int32Array;
  readonly #pathOf: (file: number) => string;
  readonly #onWritten: (file: number, byteLength: number) => void;

  /**
   * @param arena memory for all buffers together
   * @param count files, numbered from 0
   * @param onWritten told of every `byteLength` bytes that were written to a file
   */
  constructor(
    arena: Uint8Array,
    count: number,
    pathOf: (file: number) => string,
    onWritten: (file: number, byteLength: number) => void = () => {},
  ) {
    this.#arena = arena;
    this.#bufferBytes = Math.floor(arena.length / count);
    if (this.#bufferBytes === 0) throw new RangeError(`${arena.length} bytes for ${count} files`);
    this.#used = new Int32Array(count);
    this.#pathOf = pathOf;
    this.#onWritten = onWritten;
  }

  /** Adds bytes to the end of a file. @throws SpillwayError `io`, `space` */
  put(file: number, bytes: Uint8Array): void {
    const start = file * this.#bufferBytes;
    for (let done = 0; done < bytes.length; ) {
      const used = this.#used[file]!;
      const take = Math.min(this.#bufferBytes - used, bytes.length - done);
      this.#arena.set(take === bytes.length ? bytes : bytes.subarray(done, done + take), start + used);
      this.#used[file] = used + take;
      done += take;
      if (used + take === this.#bufferBytes) this.flush(file);
    }
  }

  /** Writes out what is buffered of a file; `durable` waits for the disk too, for all that was ever written to it. */
  flush(file: number, durable = false): void {
    const used = this.#used[file]!;
    if (used === 0 && !durable) return;
    const path = this.#pathOf(file);
    const start = file * this.#bufferBytes;
    let fd = -1;
    try {
      fd = fs.openSync(path, "a");
      for (let done = 0; done < used; ) done += fs.writeSync(fd, this.#arena, start + done, used - done);
      if (durable) fs.fdatasyncSync(fd);
    } catch (cause) {
      throw ioError(cause, path, "cannot be written");
    } finally {
      if (fd >= 0) fs.closeSync(fd);
    }
    this.#used[file] = 0;
    this.#onWritten(file, used);
  }
}
