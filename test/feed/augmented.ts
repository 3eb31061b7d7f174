// What augmentation must give, sample by sample and without a loop's readers; and functions that go wrong in it.

import type { Augmentation, BatchOptions, View } from "spillway";
import { Augmenter } from "#spillway/augment/augmenter";
import { planAugmentation } from "#spillway/augment/plan";
import { kernelModule, sharedMemory } from "#spillway/kernels/kernels";

/** Epoch, id and augmented values of each sample of a plain loop over `packed()` samples. @param seed what is drawn by */
export async function augmentedSamples(
  view: View,
  loop: BatchOptions,
  list: readonly Augmentation[],
  seed: number,
): Promise<number[][]> {
  const samples: number[][] = [];
  let augmenter: Augmenter | undefined;
  let sample = new Float32Array();
  for await (const { ids, epoch, fields } of view.batches(loop)) {
    const { data, shape } = fields.data!;
    const length = shape[1]!;
    if (!augmenter) {
      const field = { kind: "tensor", dtype: "float32", shape: [length] } as const;
      const plan = planAugmentation(list, [{ name: "data", field }]);
      const memory = sharedMemory(4096 + plan.scratchBytes);
      augmenter = await Augmenter.create(plan, { module: kernelModule(), memory, scratch: 4096, seed });
      sample = new Float32Array(memory.buffer, 0, length);
    }
    for (const [k, id] of ids.entries()) {
      sample.set((data as Float32Array).subarray(k * length, (k + 1) * length));
      augmenter.apply(epoch, id, [0]);
      samples.push([epoch, id, ...sample]);
    }
  }
  return samples;
}

/** An ES module of this text. */
export const moduleOf = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;

/** Functions for `custom`, each with what the error says. */
export const faults: [what: string, module: string, message: RegExp][] = [
  [
    "throws",
    moduleOf("export default (_, { id }) => { if (id === 123) throw new RangeError('odd'); }"),
    /custom: default of data:.* threw RangeError: odd for sample 123\. Mend the function/,
  ],
  [
    "returns another shape",
    moduleOf("export default () => new Float32Array(5)"),
    /returned a Float32Array of 5 values for sample \d+\. It must change the sample in place, or return a Float32Array of 6 values\./,
  ],
  [
    "is not exported",
    moduleOf("export const other = () => {}"),
    /custom: default of data:.* is not there\. It exports other\. Export one, and name it as "export"\./,
  ],
  [
    "cannot be imported",
    "file:///nowhere/at-all.mjs",
    /default of file:.* cannot be imported: .*Check the module/,
  ],
];
