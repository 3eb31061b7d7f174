// XXH64 over bytes that are not in a loader's memory: manifests, sums, samples on their way into a shard. The bytes
// pass through a small memory of the hasher's own.

import { bindKernels, type Kernels, kernelModule, sharedMemory } from "./kernels.js";

const stateBytes = 64;
const chunkBytes = 65_536;

/** XXH64 (seed 0) of bytes that come part by part. */
export class Hasher {
  readonly #kernels: Kernels;
  readonly #bytes: Uint8Array;
  #held = 0;

  constructor() {
    const memory = sharedMemory(2 * stateBytes + chunkBytes);
    this.#kernels = bindKernels(kernelModule(), memory);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#kernels.xxh64Start(0);
  }

  update(part: Uint8Array): this {
    for (let at = 0; at < part.length; ) {
      const take = Math.min(chunkBytes - this.#held, part.length - at);
      this.#bytes.set(take === part.length ? part : part.subarray(at, at + take), stateBytes + this.#held);
      this.#held += take;
      at += take;
      if (this.#held < chunkBytes) continue;
      this.#kernels.xxh64Update(0, stateBytes, chunkBytes);
      this.#held = 0;
    }
    return this;
  }

  /** The hash of all parts so far as an unsigned 64-bit number; more may come. */
  peek(): bigint {
    const whole = this.#held - (this.#held % 32);
    const spare = stateBytes + chunkBytes;
    this.#bytes.copyWithin(spare, 0, stateBytes);
    if (whole > 0) this.#kernels.xxh64Update(spare, stateBytes, whole);
    return BigInt.asUintN(64, this.#kernels.xxh64Finish(spare, stateBytes + whole, this.#held - whole));
  }

  /** The hash of all parts; the next part begins a new one. */
  finish(): bigint {
    const hash = this.peek();
    this.#kernels.xxh64Start(0);
    this.#held = 0;
    return hash;
  }

  /** The same as 16 hexadecimal digits, the form in which manifests and messages write it. */
  finishHex(): string {
    return hexDigits(this.finish());
  }
}

/** A hash as 16 hexadecimal digits. */
export function hexDigits(hash: bigint): string {
  return hash.toString(16).padStart(16, "0");
}

let shared: Hasher | undefined;

/** XXH64 (seed 0) of the parts one after another, as 16 hexadecimal digits. */
export function hashHex(...parts: readonly Uint8Array[]): string {
  shared ??= new Hasher();
  for (const part of parts) shared.update(part);
  return shared.finishHex();
}
