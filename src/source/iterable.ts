// Samples from a program: any async or sync iterable of objects becomes a source. Fields are declared by the caller or
// inferred from the first sample; every later one is held to them.
// Rule: the iterable is run through once, one sample ahead at most, and is ended properly when the reader stops early.

import { SpillwayError } from "../errors.js";
import { hashHex } from "../kernels/hasher.js";
import {
  type ClassField,
  classes,
  encodedImage,
  type Field,
  type Fields,
  sampleBytes,
  tensor,
} from "../tensor/field.js";
import type { Sample } from "../tensor/sample.js";
import { writeLabel } from "./class-labels.js";
import {
  describeValue,
  encodeTensor,
  frameImage,
  inferTensor,
  refusal,
  type TensorValue,
  type ValuePlace,
} from "./iterable-values.js";
import { sampleSlot } from "./read-ahead.js";
import type { Source } from "./source.js";

/**
 * One sample as a program gives it: tensors and class names (or numbers of classes) by field. A text under the name
 * "path" is no field but says where the sample came from.
 */
export type SampleValues = { readonly [field: string]: TensorValue | string };

const maxClasses = 1_000_000;

/**
 * A source of samples from any iterable.
 *
 * Without `fields`, the first sample decides: a typed array is a tensor of its dtype and length, nested lists of
 * numbers a float64 tensor of their shape, `{ data, shape }` a tensor of that shape, a number a float64 scalar, and a
 * text a class label. Which classes there are is then known only at the end: `fields.label.classes` is a list that
 * grows as names are met, in the order of their first appearance, and the dtype is int32, which holds any number of
 * them.
 *
 * @throws SpillwayError `source` for an iterable without samples or a first sample that cannot be stored; `usage` for
 * fields that make no sense. While it is read: `source`, naming sample, field, what it is and what was expected
 */
export async function sourceOf(
  samples: AsyncIterable<SampleValues> | Iterable<SampleValues>,
  options: { fields?: Fields } = {},
): Promise<Source> {
  const iterator = iterate(samples);
  let first: IteratorResult<SampleValues> | undefined;
  let fields: Fields;
  try {
    if (options.fields) fields = checkFields(options.fields);
    else {
      first = await iterator.next();
      if (first.done) {
        throw new SpillwayError("source", "the iterable gave no samples", { remedy: "Check what feeds it." });
      }
      fields = inferFields(first.value);
    }
  } catch (error) {
    await iterator.return?.();
    throw error;
  }
  let isTaken = false;
  async function* read(start: number): AsyncGenerator<Sample> {
    if (isTaken) {
      throw new SpillwayError("usage", "the samples of an iterable were read once already", {
        remedy: "Make a new source from a new iterable.",
      });
    }
    isTaken = true;
    const encode = createEncoder(fields, options.fields !== undefined);
    try {
      let next = first ?? (await iterator.next());
      first = undefined;
      for (let index = 0; !next.done; index++) {
        // Skipped samples are encoded too: classes are numbered by first appearance.
        const sample = encode(next.value, index);
        if (index >= start) yield sample;
        next = await iterator.next();
      }
    } finally {
      await iterator.return?.();
    }
  }
  return {
    kind: "samples",
    fields,
    ...(Array.isArray(samples) ? { sampleCount: samples.length, ...meanOf(samples, fields) } : {}),
    fingerprint: hashHex(
      Buffer.from(`samples\n${JSON.stringify(options.fields ? fields : describeInferred(fields))}`),
    ),
    notes: options.fields ? [] : ["Fields are those of the first sample."],
    samples: read,
    async close() {
      isTaken = true;
      await iterator.return?.();
    },
  };
}

/** Bytes of a sample on average, where encoded images differ in length. */
function meanOf(samples: readonly SampleValues[], fields: Fields): Pick<Source, "meanBytes"> {
  const all = Object.entries(fields);
  const images = all.filter(([, { kind }]) => kind === "image").map(([name]) => name);
  if (images.length === 0 || samples.length === 0) return {};
  const others = all.filter(([, { kind }]) => kind !== "image");
  let bytes = 0;
  for (const sample of samples) {
    for (const name of images) {
      const value: unknown = sample?.[name];
      if (ArrayBuffer.isView(value)) bytes += value.byteLength;
    }
  }
  return { meanBytes: sampleBytes(Object.fromEntries(others)) + Math.ceil(bytes / samples.length) };
}

/** Whether a value can be iterated, and so be given to `sourceOf`. */
export function isIterable(value: unknown): value is AsyncIterable<SampleValues> | Iterable<SampleValues> {
  return (
    typeof value === "object" && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value)
  );
}

function iterate(
  samples: AsyncIterable<SampleValues> | Iterable<SampleValues>,
): AsyncIterator<SampleValues> | Iterator<SampleValues> {
  if (!isIterable(samples)) {
    throw new SpillwayError("usage", "the samples are no iterable", {
      remedy: "Give a list, a generator, or any object with Symbol.asyncIterator.",
    });
  }
  return Symbol.asyncIterator in samples ? samples[Symbol.asyncIterator]() : samples[Symbol.iterator]();
}

/** Fields as the caller declared them, with the checks of `tensor` and `classes`. */
function checkFields(fields: Fields): Fields {
  const entries = Object.entries(fields);
  if (entries.length === 0 || Object.hasOwn(fields, "path")) {
    throw new SpillwayError(
      "usage",
      entries.length === 0 ? "no fields are declared" : 'a field cannot be called "path"',
      {
        remedy:
          'Declare at least one: fields: { wave: tensor("float32", [256, 8]) }; "path" says where a sample came from.',
      },
    );
  }
  return Object.fromEntries(
    entries.map(([name, field]) => {
      if (field.kind === "class") return [name, classes(field.classes)];
      if (field.kind === "image") {
        const { shape, maxBytes } = field;
        const [height, width, channels] = shape;
        return [name, encodedImage({ width, height }, { channels: channels as 1 | 3, maxBytes })];
      }
      const { channelAxis } = field;
      return [name, tensor(field.dtype, field.shape, channelAxis === undefined ? {} : { channelAxis })];
    }),
  );
}

function inferFields(sample: SampleValues): Fields {
  checkObject(sample, 0);
  const entries = Object.entries(sample).filter(([name]) => name !== "path");
  if (entries.length === 0) {
    throw new SpillwayError("source", "sample 0 (from 0) has no fields", {
      remedy: "Give objects such as { wave: new Float32Array(256), label: 'walk' }.",
    });
  }
  return Object.fromEntries(
    entries.map(([name, value]): [string, Field] => {
      if (typeof value === "string") return [name, { kind: "class", dtype: "int32", classes: [] }];
      return [name, inferTensor(value, { sample: 0, field: name })];
    }),
  );
}

/** What identifies inferred fields: the classes are not known yet. */
function describeInferred(fields: Fields): unknown {
  return Object.entries(fields).map(([name, field]) => [name, field.kind === "class" ? "class" : field]);
}

/** Encodes samples into one slot of memory, which each sample uses again. */
function createEncoder(fields: Fields, isDeclared: boolean): (sample: SampleValues, index: number) => Sample {
  const bytes = sampleSlot(fields);
  const names = Object.keys(fields);
  const writers = names.map((name, place) => {
    const field = fields[name]!;
    const into = bytes[place]!;
    if (field.kind === "tensor") {
      return (value: unknown, where: ValuePlace) => encodeTensor(value, field, where, into);
    }
    if (field.kind === "image") {
      return (value: unknown, where: ValuePlace) => frameImage(value, field, where, into);
    }
    const numberOf = isDeclared ? declaredClass(field) : growingClass(field);
    return (value: unknown, where: ValuePlace) => writeLabel(field, numberOf(value, where), into);
  });
  // One for all samples: packing runs through here for each of them, and garbage makes the heap grow.
  const where = { sample: 0, field: "" };
  return (sample, index) => {
    checkObject(sample, index);
    where.sample = index;
    for (const name in sample) {
      if (name === "path" || Object.hasOwn(fields, name) || !Object.hasOwn(sample, name)) continue;
      where.field = name;
      throw refusal(where, `was not expected: the fields are ${names.join(", ")}`);
    }
    for (let place = 0; place < names.length; place += 1) {
      const name = names[place]!;
      where.field = name;
      if (!Object.hasOwn(sample, name)) throw refusal(where, "is missing");
      writers[place]!(sample[name], where);
    }
    const { path } = sample;
    return { bytes, path: typeof path === "string" ? path : "" };
  };
}

/** Classes that the caller declared: names of the list, or numbers in it. */
function declaredClass(field: ClassField): (value: unknown, where: ValuePlace) => number {
  const places = new Map(field.classes.map((name, place) => [name, place]));
  return (value, where) => {
    const place = typeof value === "string" ? places.get(value) : value;
    if (typeof place === "number" && Number.isInteger(place) && place >= 0 && place < field.classes.length)
      return place;
    const shown = field.classes.slice(0, 8).join(", ") + (field.classes.length > 8 ? ", ..." : "");
    const numbers = `a number from 0 to ${field.classes.length - 1}`;
    throw refusal(
      where,
      `is ${describeValue(value)}, expected one of the ${field.classes.length} classes (${shown}) or ${numbers}`,
    );
  };
}

/** Classes that are numbered as they appear; the field's list grows with them. */
function growingClass(field: ClassField): (value: unknown, where: ValuePlace) => number {
  const growing = field.classes as string[];
  const places = new Map<string, number>();
  return (value, where) => {
    if (typeof value !== "string")
      throw refusal(where, `is ${describeValue(value)}, expected a class name, as in sample 0`);
    let place = places.get(value);
    if (place === undefined) {
      place = growing.length;
      if (place === maxClasses)
        throw refusal(where, `is the class number ${maxClasses + 1}, at most ${maxClasses} are possible`);
      growing.push(value);
      places.set(value, place);
    }
    return place;
  };
}

function checkObject(sample: unknown, index: number): void {
  if (typeof sample === "object" && sample !== null && !Array.isArray(sample) && !ArrayBuffer.isView(sample))
    return;
  throw new SpillwayError(
    "source",
    `sample ${index} (from 0) is ${describeValue(sample)}, expected an object of fields`,
    {
      remedy: "Give objects such as { wave: new Float32Array(256), label: 'walk' }.",
      where: { sample: index },
    },
  );
}
