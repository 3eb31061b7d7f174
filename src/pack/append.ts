// What appending asks of a source: the dataset's own fields. Classes may be new; labels are renumbered by their names,
// so that a class has one number in all commits.

import fs from "node:fs";
import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import { type Manifest, wholeCommits } from "../format/manifest.js";
import type { Source } from "../source/source.js";
import {
  type ClassField,
  classDtype,
  describeField,
  type Field,
  type Fields,
  fieldStride,
} from "../tensor/field.js";
import { writeManifest } from "./dataset-writer.js";
import { readState, removeState } from "./state.js";

/**
 * @param again whether a source may be added that is part of the dataset already
 * @throws SpillwayError `exists` for such a source
 */
export function requireNew(source: Source, path: string, manifest: Manifest, again: boolean): void {
  // A program's samples cannot be told from others with the same fields.
  if (again || source.kind === "samples") return;
  const sources = wholeCommits(manifest).map((commit, k) => (k === 0 ? manifest.source : commit.source));
  const at = sources.findIndex((known) => known?.fingerprint === source.fingerprint);
  if (at < 0) return;
  throw new SpillwayError("exists", `these samples are in ${path} already, since commit ${at + 1}`, {
    remedy: "There is nothing to do; to have them twice, add --again.",
    where: { dataset: path },
  });
}

/** @throws SpillwayError `mismatch` for a dataset whose first pack has not finished */
export function requireAppendable(path: string, manifest: Manifest | undefined): void {
  if (manifest && (!manifest.packing || manifest.packing.before !== undefined)) return;
  throw new SpillwayError("mismatch", `${path} is not whole yet, so nothing can be added to it`, {
    remedy: "Run the pack command again to finish it, then append.",
    where: { dataset: path },
  });
}

/**
 * The source with the dataset's fields.
 *
 * @throws SpillwayError `mismatch` for other fields, shapes or dtypes, each with both sides
 */
export function fitToDataset(
  source: Source,
  manifest: Manifest,
  path: string,
  note: (text: string) => void,
): Source {
  const there = manifest.fields as Fields;
  const names = Object.keys(there);
  requireSameNames(source, names, path);
  const fields: Fields = {};
  const renumber: (Uint32Array | undefined)[] = [];
  for (const name of names) {
    const [field, numbers] = fitField(name, there[name]!, source.fields[name]!, path, note);
    fields[name] = field;
    renumber.push(numbers);
  }
  const order = names.map((name) => Object.keys(source.fields).indexOf(name));
  return renumbered(source, fields, order, renumber);
}

function requireSameNames(source: Source, names: readonly string[], path: string): void {
  const given = Object.keys(source.fields);
  if (given.length === names.length && names.every((name) => given.includes(name))) return;
  throw new SpillwayError(
    "mismatch",
    `the samples have the fields ${given.join(", ")}; those of ${path} have ${names.join(", ")}`,
    { remedy: "Append samples of the same kind, or pack them into a dataset of their own." },
  );
}

/** The dataset's field, perhaps with more classes, and the number there of each class of the source. */
function fitField(
  name: string,
  there: Field,
  given: Field,
  path: string,
  note: (text: string) => void,
): [Field, Uint32Array | undefined] {
  const differs = () =>
    new SpillwayError(
      "mismatch",
      `field "${name}" of the samples is ${describeField(given)}; in ${path} it is ${describeField(there)}`,
      {
        remedy: "Append samples of the same shape and dtype, or pack them into a dataset of their own.",
        where: { dataset: path, field: name },
      },
    );
  if (there.kind !== given.kind) throw differs();
  if (there.kind === "tensor") {
    const isSame =
      given.kind === "tensor" && given.dtype === there.dtype && String(given.shape) === String(there.shape);
    if (!isSame) throw differs();
    return [there, undefined];
  }
  const { classes } = given as ClassField;
  // Names that come with the samples are numbered by the source itself, from the dataset's list on.
  const isOpen = classes.length === 0;
  if (isOpen) {
    if (there.dtype !== "int32") throw differs();
    throw new SpillwayError(
      "usage",
      `the classes of field "${name}" are not declared, and ${path} knows some already`,
      {
        remedy: `Declare them: fields: { ${name}: classes([...]) }, the dataset's first.`,
        where: { dataset: path, field: name },
      },
    );
  }
  const more = classes.filter((label) => !there.classes.includes(label));
  const all = [...there.classes, ...more];
  if (fieldStride({ ...there, dtype: classDtype(all.length) }) > fieldStride(there)) {
    throw new SpillwayError(
      "mismatch",
      `field "${name}" would have ${all.length} classes, more than ${there.dtype} in ${path} can number`,
      {
        remedy: "Pack all samples anew: labels then get a wider dtype.",
        where: { dataset: path, field: name },
      },
    );
  }
  if (more.length > 0) {
    const shown = more.slice(0, 10).join(", ") + (more.length > 10 ? ", ..." : "");
    note(`${more.length === 1 ? "A new class" : `${more.length} new classes`} of field "${name}": ${shown}.`);
  }
  return [{ ...there, classes: all }, Uint32Array.from(classes, (label) => all.indexOf(label))];
}

/** A source with its fields in another order, its labels with other numbers. */
function renumbered(
  source: Source,
  fields: Fields,
  order: readonly number[],
  numbers: readonly (Uint32Array | undefined)[],
): Source {
  const given = Object.values(source.fields);
  const wanted = Object.values(fields);
  const strides = wanted.map(fieldStride);
  const relabel = (bytes: Uint8Array, from: number, k: number): Uint8Array => {
    const table = numbers[k];
    if (!table) return bytes;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const size = fieldStride(given[from]!);
    const label =
      size === 1 ? view.getUint8(0) : size === 2 ? view.getUint16(0, true) : view.getInt32(0, true);
    const out = new Uint8Array(strides[k]!);
    const outView = new DataView(out.buffer);
    if (out.length === 1) outView.setUint8(0, table[label]!);
    else if (out.length === 2) outView.setUint16(0, table[label]!, true);
    else outView.setInt32(0, table[label]!, true);
    return out;
  };
  const { readInto } = source;
  return {
    ...source,
    fields,
    async *samples(start) {
      for await (const sample of source.samples(start)) {
        yield { ...sample, bytes: order.map((from, k) => relabel(sample.bytes[from]!, from, k)) };
      }
    },
    ...(readInto && {
      async readInto(index: number, into: readonly Uint8Array[]) {
        // Labels of the source may be narrower than the dataset's: they are read aside.
        const parts = given.map((field, from) => {
          const k = order.indexOf(from);
          return numbers[k] ? new Uint8Array(fieldStride(field)) : into[k]!;
        });
        const origin = await readInto.call(source, index, parts);
        order.forEach((from, k) => {
          if (numbers[k]) into[k]!.set(relabel(parts[from]!, from, k));
        });
        return origin;
      },
    }),
    close: () => source.close(),
  };
}

/** Gives an unfinished append up: the dataset is again what it was before. False where there is none. */
export function discardAppend(path: string, manifest: Manifest | undefined): boolean {
  const { before } = manifest?.packing ?? {};
  if (manifest && before !== undefined) {
    let rows = 0;
    const kept = manifest.shards.filter((shard) => {
      rows += shard.rows;
      return rows <= before;
    });
    const dropped = manifest.shards.slice(kept.length);
    const droppedParts = manifest.catalog.splice(manifest.catalog.length - dropped.length);
    manifest.shards = kept;
    manifest.rows = before;
    manifest.commits.pop();
    delete manifest.packing;
    writeManifest(path, manifest);
    for (const shard of dropped) {
      fs.rmSync(join(path, shard.path), { force: true });
      fs.rmSync(join(path, shard.sums.path), { force: true });
    }
    for (const part of droppedParts) fs.rmSync(join(path, part.path), { force: true });
  }
  const hadState = readState(path) !== undefined;
  removeState(path);
  return before !== undefined || hadState;
}
