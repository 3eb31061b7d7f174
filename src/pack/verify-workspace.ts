// Memory in which `verify` hashes: one chunk of a file, the sums computed from it, and states for hashes over more than
// a chunk. Its size is fixed: a record may be larger than all of it.
//
//   | state of a record | state of a stream | tail of the stream | sums of a chunk | chunk |

import { bindKernels, type Kernels, kernelModule, sharedMemory } from "../kernels/kernels.js";

/** Bytes read at once. */
export const chunkBytes = 2 ** 20;

const recordState = 0;
const streamState = 64;
const streamTail = 128;
/** A sum covers more than 2 KiB wherever there are many: at most 512 of them in a chunk. */
const sumsAt = 4096;
const chunkAt = sumsAt + 2 * 4096;

/** XXH64 works on stripes of this many bytes. */
const stripe = 32;

export class VerifyWorkspace {
  /** Where a chunk of a file goes. */
  readonly chunk: Uint8Array;
  readonly #bytes: Uint8Array;
  readonly #kernels: Kernels;
  #tail = 0;

  constructor() {
    const memory = sharedMemory(chunkAt + chunkBytes);
    this.#kernels = bindKernels(kernelModule(), memory);
    this.#bytes = new Uint8Array(memory.buffer);
    this.chunk = this.#bytes.subarray(chunkAt, chunkAt + chunkBytes);
  }

  /** Sums of the runs of `runBytes` in the first `byteLength` bytes of the chunk; valid until the next call. */
  sumRuns(runBytes: number, byteLength: number): Uint8Array {
    this.#kernels.xxh64Runs(chunkAt, runBytes, byteLength, sumsAt);
    return this.#bytes.subarray(sumsAt, sumsAt + 8 * Math.ceil(byteLength / runBytes));
  }

  /** Begins the sum of a record that is larger than a chunk. */
  startRecord(): void {
    this.#kernels.xxh64Start(recordState);
  }

  /** Takes in a whole chunk of such a record. */
  addToRecord(): void {
    this.#kernels.xxh64Update(recordState, chunkAt, chunkBytes);
  }

  /** The sum of such a record, whose last `byteLength` bytes are in the chunk. */
  finishRecord(byteLength: number): Uint8Array {
    const whole = byteLength - (byteLength % stripe);
    if (whole > 0) this.#kernels.xxh64Update(recordState, chunkAt, whole);
    const sum = this.#kernels.xxh64Finish(recordState, chunkAt + whole, byteLength - whole);
    new DataView(this.#bytes.buffer).setBigUint64(sumsAt, BigInt.asUintN(64, sum), true);
    return this.#bytes.subarray(sumsAt, sumsAt + 8);
  }

  /** Begins the hash of a stream of any parts. */
  startStream(): void {
    this.#kernels.xxh64Start(streamState);
    this.#tail = 0;
  }

  /** Takes in a part of the workspace itself: the chunk, or sums. */
  addToStream(part: Uint8Array): void {
    let from = part.byteOffset;
    const end = from + part.length;
    if (this.#tail > 0) {
      const take = Math.min(stripe - this.#tail, part.length);
      this.#bytes.copyWithin(streamTail + this.#tail, from, from + take);
      this.#tail += take;
      from += take;
      if (this.#tail < stripe) return;
      this.#kernels.xxh64Update(streamState, streamTail, stripe);
      this.#tail = 0;
    }
    const whole = end - from - ((end - from) % stripe);
    if (whole > 0) this.#kernels.xxh64Update(streamState, from, whole);
    this.#bytes.copyWithin(streamTail, from + whole, end);
    this.#tail = end - from - whole;
  }

  /** The stream's hash, 16 hexadecimal digits. */
  finishStream(): string {
    const hash = this.#kernels.xxh64Finish(streamState, streamTail, this.#tail);
    return BigInt.asUintN(64, hash).toString(16).padStart(16, "0");
  }
}
