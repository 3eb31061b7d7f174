// XXH64 over bytes that are not in a loader's memory: manifests, sums, samples on their way into a shard. The bytes
// pass through a small memory of the hasher's own.

import { bindKernels, type Kernels, kernelModule, sharedMemory } from "./kernels.js";

const stateBytes = 64;
const chunkBytes = 65_536;

let shared: { kernels: Kernels; bytes: Uint8Array } | undefined;

function workspace() {
  if (!shared) {
    const memory = sharedMemory(stateBytes + chunkBytes);
    shared = { kernels: bindKernels(kernelModule(), memory), bytes: new Uint8Array(memory.buffer) };
  }
  return shared;
}

/** XXH64 (seed 0) of the parts one after another, as an unsigned 64-bit number. */
export function xxh64(...parts: readonly Uint8Array[]): bigint {
  const { kernels, bytes } = workspace();
  kernels.xxh64Start(0);
  let held = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; ) {
      const take = Math.min(chunkBytes - held, part.length - at);
      bytes.set(take === part.length ? part : part.subarray(at, at + take), stateBytes + held);
      held += take;
      at += take;
      if (held === chunkBytes) {
        kernels.xxh64Update(0, stateBytes, chunkBytes);
        held = 0;
      }
    }
  }
  const whole = held - (held % 32);
  if (whole > 0) kernels.xxh64Update(0, stateBytes, whole);
  return BigInt.asUintN(64, kernels.xxh64Finish(0, stateBytes + whole, held - whole));
}

/** XXH64 as 16 hexadecimal digits, the form in which manifests and messages write it. */
export function hashHex(...parts: readonly Uint8Array[]): string {
  return xxh64(...parts).toString(16).padStart(16, "0");
}
