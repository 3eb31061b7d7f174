// What an append does to the splits of a dataset: each scheme shares the new samples out by its own rule, earlier ones
// keep their split. Imported when something was appended: a pack needs none of it.

import { extendScheme } from "../catalog/make-scheme.js";
import { listSchemes, partsOf, readScheme } from "../catalog/scheme.js";
import { SpillwayError } from "../errors.js";
import type { Manifest } from "../format/manifest.js";

/**
 * Extends the schemes of a dataset to the samples that were appended, each by its own rule. A scheme that cannot be,
 * since values are missing for example, stays as it is, which is said.
 */
export async function extendSchemes(
  folder: string,
  manifest: Manifest,
  note: (text: string) => void,
): Promise<void> {
  for (const name of listSchemes({ folder })) {
    try {
      const before = readScheme({ folder }, name);
      const after = await extendScheme({ folder, manifest }, name);
      const more = [...partsOf(after)].map(({ name: split, part }) => {
        const known = partsOf(before).find((each) => each.name === split)?.part.count ?? 0;
        return `${split} ${part.count - known}`;
      });
      if (after.rows > before.rows) note(`Scheme "${name}" shares out the new samples: ${more.join(", ")}.`);
    } catch (error) {
      if (!(error instanceof SpillwayError)) throw error;
      note(
        `Scheme "${name}" stays at the samples that it has: ${error.what}. Once that is mended: spillway split ${folder} --extend --scheme ${name}.`,
      );
    }
  }
}
