// Samples of 4 KiB for bench/append.ts: a list whose length is not told, as a program gives them.

import { type Fields, tensor } from "spillway";

export const benchFields: Fields = { data: tensor("float32", [1024]) };

/** Samples that say which they are. */
export function* benchSamples(count: number) {
  const data = new Float32Array(1024);
  for (let i = 0; i < count; i += 1) {
    data[0] = i;
    yield { data };
  }
}
