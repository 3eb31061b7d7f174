// Whether datasets can be mixed: their fields must have the same names, dtypes and shapes, and class fields the same
// classes in the same order, so that label 3 means the same in every sample of a batch. Bits may be cut differently,
// unless stored numbers are handed over.

import { SpillwayError } from "../errors.js";
import {
  deliveredField,
  describeField,
  type Field,
  originalField,
  type TensorField,
} from "../tensor/field.js";
import type { NamedField } from "./mixed-batch.js";

/**
 * @param first fields of views[0]
 * @param other fields of views[k], of the dataset at `path`
 * @throws SpillwayError `mismatch`, both sides named
 */
export function requireSameFields(
  first: readonly NamedField[],
  other: readonly NamedField[],
  k: number,
  path: string,
): void {
  const names = (fields: readonly NamedField[]) => fields.map(([name]) => name);
  const refuse = (what: string, field?: string) =>
    new SpillwayError("mismatch", `views[0] and views[${k}] cannot be mixed: ${what}`, {
      remedy: "Mix datasets whose fields are the same, or pack them so.",
      where: { dataset: path, ...(field !== undefined && { field }) },
    });
  const others = new Map(other);
  if (first.length !== other.length || first.some(([name]) => !others.has(name))) {
    throw refuse(`one has fields ${names(first).join(", ")}, the other ${names(other).join(", ")}`);
  }
  for (const [name, field] of first) {
    const difference = differenceOf(field, others.get(name)!);
    if (difference) throw refuse(`field "${name}" ${difference}`, name);
  }
}

/**
 * Whether stored numbers stand for the same in all views.
 *
 * @throws SpillwayError `mismatch`
 */
export function requireSameEncodings(fields: readonly (readonly NamedField[])[]): void {
  for (const [k, others] of fields.entries()) {
    for (const [name, other] of others) {
      const first = fields[0]!.find(([known]) => known === name)![1];
      if (first.kind !== "tensor" || other.kind !== "tensor") continue;
      const formulas = ({ encoding }: TensorField) =>
        JSON.stringify([encoding?.axis, encoding?.channels ?? []]);
      if (first.dtype === other.dtype && formulas(first) === formulas(other)) continue;
      const [one, another] = [describeField(first), describeField(other)];
      const what =
        one === another
          ? "has other scales in one than in the other"
          : `is ${one} in one, ${another} in the other`;
      throw new SpillwayError(
        "mismatch",
        `views[0] and views[${k}] cannot be mixed as stored: field "${name}" ${what}`,
        { remedy: 'Leave out deliver: "stored", so that values are mixed.', where: { field: name } },
      );
    }
  }
}

/** In what two fields differ; undefined if a sample of one can lie beside a sample of the other. */
function differenceOf(first: Field, second: Field): string | undefined {
  const [a, b] = [deliveredField(first), deliveredField(second)];
  if (a.kind === "class" && b.kind === "class") {
    const at = a.classes.findIndex((name, label) => name !== b.classes[label]);
    if (at < 0 && a.classes.length === b.classes.length) return undefined;
    if (at < 0) return `has ${a.classes.length} classes in one, ${b.classes.length} in the other`;
    const there = b.classes[at] === undefined ? "nothing" : `"${b.classes[at]}"`;
    return `has class ${at} "${a.classes[at]}" in one, ${there} in the other`;
  }
  const isSame =
    a.kind === "tensor" &&
    b.kind === "tensor" &&
    originalField(a).dtype === originalField(b).dtype &&
    String(a.shape) === String(b.shape);
  return isSame ? undefined : `is ${describeField(first)} in one, ${describeField(second)} in the other`;
}
