// What appending asks of a source: the dataset's own fields. Classes may be new; labels are renumbered by their names,
// so that a class has one number in all commits.

import { SpillwayError } from "../errors.js";
import type { Manifest } from "../format/manifest.js";
import type { Source } from "../source/source.js";
import {
  classDtype,
  describeField,
  type Field,
  type Fields,
  fieldStride,
  originalField,
  type TensorField,
} from "../tensor/field.js";
import { defaultJobs } from "./checks.js";
import { withOrigins } from "./dataset-copy.js";
import { discardAppend } from "./discard.js";
import { locatedSource } from "./index-source.js";
import { type KnownIn, requireNew, withoutKnown } from "./known-samples.js";
import type { PackOptions } from "./options.js";
import { hasState, readState } from "./state.js";

/** A source that fits a dataset, and the dataset that it is added to. */
export interface Appending {
  source: Source;
  dataset: Manifest;
  /** Lets go of what was opened besides the source. */
  release(): void;
}

/**
 * Makes a source fit a dataset, whose lock is held. What an interrupted append left is given up where that is asked for.
 *
 * @param manifest undefined where the first pack of the dataset has not come so far
 * @throws SpillwayError `mismatch` for a dataset that is not whole, and for samples of another kind; `exists` for
 * samples that are there; of an index also `source`
 */
export async function sourceToAppend(
  opened: Source,
  path: string,
  manifest: Manifest | undefined,
  options: PackOptions,
  note: (text: string) => void,
): Promise<Appending> {
  requireWhole(path, manifest);
  if (options.discard && discardAppend(path, manifest)) note("Gave up what an interrupted run had left.");
  requireKnown(path, manifest);
  const located = manifest.files ? locatedSource(opened, manifest) : opened;
  const named = located.dataset && withOrigins(located, located.dataset);
  const release = () => named?.release();
  try {
    const source = fitToDataset(named?.source ?? located, manifest, path, note);
    const { again = false, jobs = defaultJobs, signal } = options;
    const state = readState(path, true);
    const known: KnownIn = { path, manifest, before: state?.begun.before ?? manifest.rows, jobs, signal };
    if (again) return { source, dataset: manifest, release };
    if (!state) requireNew(source, known);
    return { source: await withoutKnown(source, known, note), dataset: manifest, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** @throws SpillwayError `mismatch` for a dataset whose first pack has not finished */
function requireWhole(path: string, manifest: Manifest | undefined): asserts manifest is Manifest {
  if (manifest && (!manifest.packing || manifest.packing.before !== undefined)) return;
  throw new SpillwayError("mismatch", `${path} is not whole yet, so nothing can be added to it`, {
    remedy: "Run the pack command again to finish it, then append.",
    where: { dataset: path },
  });
}

/** @throws SpillwayError `mismatch` for an unfinished append of which nobody knows any more what it was of */
function requireKnown(path: string, { packing }: Manifest): void {
  if (packing?.before === undefined || hasState(path)) return;
  throw new SpillwayError(
    "mismatch",
    `${path} holds an unfinished append, and what it was of is lost with its folder .packing`,
    { remedy: "Give the unfinished part up with --discard.", where: { dataset: path } },
  );
}

/**
 * The source with the dataset's fields.
 *
 * @throws SpillwayError `mismatch` for other fields, shapes or dtypes, each with both sides
 */
function fitToDataset(
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
  return withColumns(renumbered(source, fields, order, renumber), manifest, path, note);
}

/**
 * The source with the columns of the dataset's catalog: those that it has, in their order; others have no value.
 *
 * @throws SpillwayError `mismatch` for a column of another type
 */
function withColumns(source: Source, manifest: Manifest, path: string, note: (text: string) => void): Source {
  const { columns: given, readInto, ...rest } = source;
  const there = manifest.columns;
  if (!there && !given) return source;
  const names = Object.keys(given ?? {});
  const wanted = Object.entries(there ?? {});
  for (const [name, type] of wanted) {
    if (given?.[name] === undefined || given[name] === type) continue;
    throw new SpillwayError(
      "mismatch",
      `column "${name}" of the samples has values of type ${given[name]}; in ${path} it has ${type}`,
      { remedy: "Rename it in the table of labels, or write its values alike.", where: { dataset: path } },
    );
  }
  const others = names.filter((name) => there?.[name] === undefined);
  if (others.length > 0)
    note(`Columns that ${path} has not are left out: ${others.join(", ")}. spillway annotate adds them.`);
  const places = wanted.map(([name]) => names.indexOf(name));
  return {
    ...rest,
    ...(there && { columns: there }),
    ...(readInto && {
      async readInto(index: number, into: readonly Uint8Array[]) {
        const { extra, ...origin } = await readInto.call(source, index, into);
        return { ...origin, extra: places.map((place) => extra?.[place] ?? null) };
      },
    }),
    close: () => source.close(),
  };
}

function requireSameNames(source: Source, names: readonly string[], path: string): void {
  const given = Object.keys(source.fields);
  if (given.length === names.length && names.every((name) => given.includes(name))) return;
  throw new SpillwayError(
    "mismatch",
    `the samples have the fields ${given.join(", ")}; those of ${path} have ${names.join(", ")}`,
    {
      remedy: "Append samples of the same kind, or pack them into a dataset of their own.",
      where: { dataset: path },
    },
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
      `field "${name}" of the samples is ${describeField(originalField(given))}; in ${path} it is ${describeField(originalField(there))}`,
      {
        remedy: "Append samples of the same shape and dtype, or pack them into a dataset of their own.",
        where: { dataset: path, field: name },
      },
    );
  if (there.kind === "image") {
    // What is stored are the bytes as they were: how images are delivered is for the dataset to say.
    if (given.kind !== "image") throw differs();
    return [{ ...there, maxBytes: Math.max(there.maxBytes, given.maxBytes) }, undefined];
  }
  if (there.kind === "tensor") {
    const [known, found] = [originalField(there) as TensorField, originalField(given)];
    const isSame =
      found.kind === "tensor" && found.dtype === known.dtype && String(found.shape) === String(known.shape);
    if (!isSame) throw differs();
    // As the source gives it: how it is stored is the writer's concern.
    const { encoding } = given as TensorField;
    return [
      { ...known, dtype: given.dtype as TensorField["dtype"], ...(encoding && { encoding }) },
      undefined,
    ];
  }
  if (given.kind !== "class") throw differs();
  const { classes } = given;
  const numbers = new Map(there.classes.map((label, number) => [label, number]));
  const more = classes.filter((label) => !numbers.has(label));
  const all = [...there.classes, ...more];
  for (const label of more) numbers.set(label, numbers.size);
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
  return [{ ...there, classes: all }, Uint32Array.from(classes, (label) => numbers.get(label)!)];
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
