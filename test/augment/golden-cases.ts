// Outcomes that are pinned to the bit: a hash of what each transform makes of one sample, for one seed. As a program it
// writes them anew, which breaks the runs that people go on with: raise `augmentVersion` with it.
//   node build/test/augment/golden-cases.js

import fs from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { cutmix, mixup } from "spillway";
import { hashHex } from "#spillway/kernels/hasher";
import { bytesOf } from "#spillway/tensor/dtype";
import { bench, caseName, colour, everyCase, grey, series, valuesOf, wave, waveFirst } from "./samples.js";

export const goldenPath = resolve(import.meta.dirname, "../../../test/fixtures/augmented.json");

/** Hashes by the name of a case: of the values of samples 0 to 9 in epoch 3, with seed 7. */
export async function goldenHashes(): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for (const one of everyCase) {
    const { apply } = await bench([one[0]], one[1], { seed: 7 });
    const outcomes = Array.from({ length: 10 }, (_, id) => bytesOf(apply(valuesOf(one[1], id), id, 3)));
    hashes[caseName(one)] = hashHex(...outcomes);
  }
  for (const augmentation of [mixup(), cutmix()]) {
    for (const field of [wave, waveFirst, series, grey, colour]) {
      const { mix, augmenter } = await bench([augmentation], field, { seed: 7 });
      const outcomes = Array.from({ length: 10 }, (_, id) => {
        const { values, weight } = mix(valuesOf(field, id), valuesOf(field, id + 1), id, 3);
        return [bytesOf(values), bytesOf(Float64Array.of(weight, augmenter.partnerOf(3, id * 64, 64, 5)))];
      });
      hashes[caseName([augmentation, field])] = hashHex(...outcomes.flat());
    }
  }
  return hashes;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  fs.writeFileSync(goldenPath, `${JSON.stringify(await goldenHashes(), null, 1)}\n`);
}
