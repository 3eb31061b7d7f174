// The fields of a dataset as they will be stored: what the source gives, what the dataset has already, or what a choice
// of types makes of them.

import { SpillwayError } from "../errors.js";
import type { Manifest } from "../format/manifest.js";
import { type DType, dtypes } from "../tensor/dtype.js";
import { defaultImageBytes, type Fields, originalField, originalFields } from "../tensor/field.js";

/** Types that can be asked for. */
export const dtypeChoices = ["keep", "auto", "float32", "float16", "int16", "uint8", "original"] as const;

/**
 * How the values of a tensor field are to be stored: "keep" as they come; "auto" in the smallest type from which each
 * comes back; a type; or "original", what they were before bits were cut.
 */
export type DtypeChoice = (typeof dtypeChoices)[number];

/** The choice for each tensor field of some fields. */
export function choicesOf(
  fields: Fields,
  asked: DtypeChoice | Readonly<Record<string, DtypeChoice>> | undefined,
): Record<string, DtypeChoice> {
  const names = Object.keys(fields).filter((name) => fields[name]!.kind === "tensor");
  const byName = typeof asked === "object" ? asked : {};
  for (const [name, choice] of Object.entries(byName)) {
    requireChoice(choice, name);
    if (names.includes(name)) continue;
    const known = fields[name] ? `"${name}" is a class field` : `there is no field "${name}"`;
    throw new SpillwayError("usage", `dtype: ${known}`, {
      remedy: names.length === 0 ? "Leave dtype out." : `Its tensor fields are ${names.join(", ")}.`,
      where: { field: name },
    });
  }
  const forAll = typeof asked === "string" ? asked : "keep";
  requireChoice(forAll, undefined);
  return Object.fromEntries(names.map((name) => [name, byName[name] ?? forAll]));
}

function requireChoice(choice: string, name: string | undefined): void {
  if (dtypeChoices.includes(choice as DtypeChoice)) return;
  const isWide = dtypes.includes(choice as DType);
  throw new SpillwayError(
    "usage",
    `dtype "${choice}"${name === undefined ? "" : ` of field "${name}"`} is no choice`,
    {
      remedy: `Use one of ${dtypeChoices.join(", ")}${isWide ? "; values are never stored in a wider type than they have" : ""}.`,
    },
  );
}

/**
 * Fields of an append as they are stored: tensors as the dataset has them, class lists as they have grown, encoded
 * images as long as they come.
 *
 * @param given fields of the source, fitted to the dataset
 */
export function appendedFields(given: Fields, { fields }: Manifest): Fields {
  const there = fields as Fields;
  return Object.fromEntries(
    Object.entries(given).map(([name, field]) => [name, field.kind === "tensor" ? there[name]! : field]),
  );
}

/**
 * Fields of the samples that a program may add to a dataset: as they were before bits were cut, encoded images as long
 * as where they are declared.
 */
export function fieldsToGive(there: Fields): Fields {
  return Object.fromEntries(
    Object.entries(originalFields(there)).map(([name, field]) => [
      name,
      field.kind === "image" ? { ...field, maxBytes: Math.max(field.maxBytes, defaultImageBytes) } : field,
    ]),
  );
}

/** Fields without the encodings that choices undo. */
export function undoneFields(fields: Fields, choices: Readonly<Record<string, DtypeChoice>>): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      name,
      choices[name] === "original" ? originalField(field) : field,
    ]),
  );
}

/** Class fields are the source's own: their lists grow while samples come. */
export function withSourceClasses(fields: Fields, given: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, field.kind === "class" ? given[name]! : field]),
  );
}
