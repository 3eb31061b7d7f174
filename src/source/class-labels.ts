// Class labels that come as names: what the classes are, and how an index is written into a sample.

import { SpillwayError } from "../errors.js";
import { type ClassField, classes } from "../tensor/field.js";

/** Writes the index of a class as the field stores it, little-endian. */
export function writeLabel(field: ClassField, index: number, into: Uint8Array): void {
  into[0] = index & 0xff;
  if (field.dtype === "uint8") return;
  into[1] = (index >>> 8) & 0xff;
  if (field.dtype === "uint16") return;
  into[2] = (index >>> 16) & 0xff;
  into[3] = (index >>> 24) & 0xff;
}

/**
 * The class field of labels found as names, in the order that the caller gave, or sorted.
 *
 * @param found names that are there, sorted
 * @param given names in the order of their numbers; may hold some that are not there
 * @param path where the names were found, for messages
 * @throws SpillwayError `source` if a name was found that is not given
 */
export function namedClasses(
  found: readonly string[],
  given: readonly string[] | undefined,
  path: string,
): ClassField {
  if (!given) return classes(found);
  const field = classes(given);
  const known = new Set(given);
  const unknown = found.find((name) => !known.has(name));
  if (unknown !== undefined) {
    throw new SpillwayError(
      "source",
      `${path} holds class "${unknown}", which is not among the ${given.length} given: ${shortList(given)}`,
      {
        remedy: `Add it to --classes, or leave --classes out to use all ${found.length} that are there.`,
        where: { path },
      },
    );
  }
  return field;
}

/** Up to eight names, and how many more there are. */
export function shortList(names: readonly string[]): string {
  const more = names.length > 8 ? `, and ${names.length - 8} more` : "";
  return names.slice(0, 8).join(", ") + more;
}
