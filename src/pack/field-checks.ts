// Which fields a dataset can hold: names that its catalog has room for, and that its manifest can be read back with.
// Checked before anything is written, and for class names that a stream tells late, before they are committed.

import { SpillwayError } from "../errors.js";
import { isSameColumn, reservedColumns } from "../format/columns.js";
import { fieldsSchema } from "../format/manifest.js";
import { formatBytes } from "../store/byte-size.js";
import { type Fields, sampleBytes } from "../tensor/field.js";
import { blockBytesFor } from "./block.js";

/** A block, which holds one sample at least, is one WebAssembly memory. */
const maxBlockMemory = 2 ** 32 - 2 ** 16;

/** @throws SpillwayError `usage` for fields that a dataset cannot hold */
export function checkFields(fields: Fields): void {
  for (const [name, field] of Object.entries(fields)) {
    if (field.kind !== "class" || !reservedColumns.some((taken) => isSameColumn(taken, name))) continue;
    throw new SpillwayError(
      "usage",
      `a class field cannot be called "${name}": the catalog has a column of that name`,
      { remedy: "Rename the field, for example to label.", where: { field: name } },
    );
  }
  if (blockBytesFor(fields, 1) > maxBlockMemory) {
    throw new SpillwayError(
      "usage",
      `a sample has ${formatBytes(sampleBytes(fields))} in all its fields, at most 4 GiB are possible`,
      { remedy: "Cut it into smaller samples." },
    );
  }
  requireStorable(fields, "usage");
}

/** @throws SpillwayError if a manifest with these fields could not be read again */
export function requireStorable(fields: Fields, code: "usage" | "source"): void {
  const parsed = fieldsSchema.safeParse(fields);
  if (parsed.success && !Object.hasOwn(fields, "__proto__")) return;
  const { path = [], message = "this name is not possible" } = parsed.error?.issues[0] ?? {};
  const place = path.map((part) => (typeof part === "string" ? part.slice(0, 64) : String(part))).join(".");
  throw new SpillwayError(code, `the fields cannot be stored: ${place || "__proto__"}: ${message}`, {
    remedy: "Use shorter names: 256 letters for a field, 1,024 for a class.",
  });
}
