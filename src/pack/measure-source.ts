// Measures the tensors of a source: as many passes over all samples as it takes to know what every value can be stored
// in, normally one. Samples that can be read at random are, many at a time; others come from front to back.

import { mergeParts } from "../precision/facts.js";
import type { Kept } from "../precision/kept.js";
import { firstPass, nextPass, type PassPlan } from "../precision/plan.js";
import { type FieldReport, reportOf } from "../precision/report.js";
import { sampleSlot } from "../source/read-ahead.js";
import type { Source } from "../source/source.js";
import { channelAxisOf, type Fields, fieldStride, type TensorField } from "../tensor/field.js";
import type { Sample } from "../tensor/sample.js";
import { createMeasurePool, type MeasurePool } from "./measure-pool.js";

/** Samples that a formula is first guessed from, spread over all. */
const probeSamples = 64;
const probeBytes = 2 ** 23;

/** Where samples come from, pass after pass. */
export interface Measured {
  fields: Fields;
  /** Samples in all, where that is known. */
  sampleCount?: number | undefined;
  /** Reads any sample; absent where they come from front to back only. */
  readInto?: Source["readInto"] | undefined;
  /** All samples, again for every pass. */
  samples(): AsyncIterable<Sample>;
}

/** What was found of a field, and stretches of its values as they are. */
export interface MeasuredField {
  report: FieldReport;
  kept: Kept;
}

export interface MeasureOptions {
  /** Names of the tensor fields that are measured. */
  names: readonly string[];
  /** Samples that are read at the same time. */
  jobs: number;
  /** Axis that counts the channels by field, null for none; default: what is known, or a guess by the shape. */
  channelAxis?: Readonly<Record<string, number | null>> | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((samples: number, pass: number) => void) | undefined;
}

/**
 * Reports on each of the fields; nothing where there are no samples.
 *
 * @throws SpillwayError what reading throws; `usage` for a channel axis that a field does not have
 */
export async function measureFields(
  source: Measured,
  options: MeasureOptions,
): Promise<Record<string, MeasuredField>> {
  const { names, channelAxis = {} } = options;
  const fields = names.map((name) => source.fields[name] as TensorField);
  if (names.length === 0) return {};
  const probe = await readProbe(source, options);
  let plans: (PassPlan | undefined)[] = fields.map((field, k) => {
    const asked = channelAxis[names[k]!];
    const axis = asked === undefined ? channelAxisOf(field) : (asked ?? undefined);
    const { sampleCount } = source;
    const known = {
      ...(axis !== undefined && { axis }),
      ...(sampleCount !== undefined && { samples: sampleCount }),
    };
    const { channelAxis: _axis, ...plain } = field;
    return firstPass(plain, known, probe?.[k]);
  });
  const measured: Record<string, MeasuredField> = {};
  for (let pass = 1; plans.some((plan) => plan); pass += 1) {
    // Fields of which all is known are not measured again.
    const open = names.flatMap((name, k) =>
      plans[k] ? [{ name, k, field: fields[k]!, plan: plans[k]! }] : [],
    );
    const found = await runPass(source, open, options, pass);
    plans = plans.map(() => undefined);
    open.forEach(({ name, k, field, plan }, at) => {
      const part = found.map((parts) => parts[at]!).reduce((a, b) => mergeParts(a, b, plan));
      plans[k] = nextPass(plan, part);
      if (!plans[k]) measured[name] = { report: reportOf(field, plan, part), kept: part.kept };
    });
  }
  return Object.fromEntries(names.map((name) => [name, measured[name]!]));
}

interface OpenField {
  name: string;
  field: TensorField;
  plan: PassPlan;
}

async function runPass(source: Measured, open: readonly OpenField[], options: MeasureOptions, pass: number) {
  const fields = open.map(({ field }) => field);
  const bytes = fields.reduce((sum, field) => sum + fieldStride(field), 0);
  const pool = createMeasurePool(fields, bytes * (source.sampleCount ?? Number.POSITIVE_INFINITY));
  try {
    pool.begin(open.map(({ plan }) => plan));
    const advance = (samples: number) => {
      options.signal?.throwIfAborted();
      options.onProgress?.(samples, pass);
    };
    const places = Object.keys(source.fields).map((name) => open.findIndex((each) => each.name === name));
    if (source.readInto && source.sampleCount !== undefined)
      await readAll(source, source.readInto, source.sampleCount, { pool, fields, places, options, advance });
    else await takeAll(source, { pool, fields, places, options, advance });
    return await pool.end();
  } finally {
    await pool.close();
  }
}

interface Pass {
  pool: MeasurePool;
  fields: readonly TensorField[];
  /** For each field of the source, its number among those that are measured, or -1. */
  places: readonly number[];
  options: MeasureOptions;
  advance(samples: number): void;
}

/** Where the samples of each measured field start in a slab that holds `samples` of them. */
function startsOf(fields: readonly TensorField[], samples: number): number[] {
  let at = 0;
  return fields.map((field) => {
    const start = at;
    at += samples * fieldStride(field);
    return start;
  });
}

async function readAll(
  source: Measured,
  readInto: NonNullable<Source["readInto"]>,
  count: number,
  { pool, fields, places, options, advance }: Pass,
): Promise<void> {
  const strides = fields.map(fieldStride);
  for (let first = 0; first < count; ) {
    const slab = await pool.slab();
    const samples = Math.min(slab.capacity, count - first);
    const starts = startsOf(fields, samples);
    let next = 0;
    let hasFailed = false;
    const lane = async () => {
      const spare = sampleSlot(source.fields);
      while (next < samples && !hasFailed) {
        const k = next;
        next += 1;
        const into = places.map((place, at) => {
          if (place < 0) return spare[at]!;
          const start = starts[place]! + k * strides[place]!;
          return slab.bytes.subarray(start, start + strides[place]!);
        });
        try {
          await readInto(first + k, into);
        } catch (error) {
          hasFailed = true;
          throw error;
        }
      }
    };
    const lanes = await Promise.allSettled(Array.from({ length: Math.min(options.jobs, samples) }, lane));
    for (const result of lanes) if (result.status === "rejected") throw result.reason;
    pool.submit(slab, samples, first);
    first += samples;
    advance(first);
  }
}

async function takeAll(source: Measured, { pool, fields, places, advance }: Pass): Promise<void> {
  const strides = fields.map(fieldStride);
  let slab = await pool.slab();
  let starts = startsOf(fields, slab.capacity);
  let [held, first] = [0, 0];
  const hand = () => {
    // Short slabs: what belongs to later fields moves down to where they start with so many samples.
    const short = startsOf(fields, held);
    for (let k = 1; held < slab.capacity && k < fields.length; k += 1)
      slab.bytes.copyWithin(short[k]!, starts[k]!, starts[k]! + held * strides[k]!);
    pool.submit(slab, held, first);
    first += held;
    held = 0;
    advance(first);
  };
  for await (const { bytes } of source.samples()) {
    places.forEach((place, at) => {
      if (place >= 0) slab.bytes.set(bytes[at]!, starts[place]! + held * strides[place]!);
    });
    held += 1;
    if (held < slab.capacity) continue;
    hand();
    slab = await pool.slab();
    starts = startsOf(fields, slab.capacity);
  }
  if (held > 0) hand();
}

/** Some samples from all over the data, by measured field; undefined where samples come from front to back only. */
async function readProbe(source: Measured, { names }: MeasureOptions): Promise<Uint8Array[] | undefined> {
  const { readInto, sampleCount: count = 0, fields } = source;
  if (!readInto || count === 0) return undefined;
  const all = Object.keys(fields);
  const each = names.reduce((sum, name) => sum + fieldStride(fields[name]!), 0);
  const samples = Math.min(count, probeSamples, Math.max(1, Math.floor(probeBytes / each)));
  const probe = names.map((name) => new Uint8Array(samples * fieldStride(fields[name]!)));
  const slot = sampleSlot(fields);
  for (let k = 0; k < samples; k += 1) {
    await readInto(Math.floor((k * count) / samples), slot);
    names.forEach((name, at) => {
      probe[at]!.set(slot[all.indexOf(name)]!, k * fieldStride(fields[name]!));
    });
  }
  return probe;
}
