// From what was asked for to the fields that are stored: values are measured, a type is chosen for each field, and what
// a lossy one loses is counted on every value before anything is written.

import { SpillwayError } from "../errors.js";
import { type Choice, choose } from "../precision/choose.js";
import { Coder, type Misfit } from "../precision/coder.js";
import type { FieldReport } from "../precision/report.js";
import { sampleSlot } from "../source/read-ahead.js";
import type { Origin } from "../source/source.js";
import { describeField, type TensorField } from "../tensor/field.js";
import { type Measured, type MeasureOptions, measureFields } from "./measure-source.js";
import type { DtypeChoice } from "./stored-fields.js";

export interface ChooseOptions extends Omit<MeasureOptions, "names"> {
  /** By tensor field. */
  choices: Readonly<Record<string, DtypeChoice>>;
  lossy: boolean;
  clip: boolean;
}

/** What was chosen for a field, and by what. */
export interface FieldChoice {
  /** As it is stored. */
  field: TensorField;
  reason: string;
  /** The channel that stands in the way of a smaller type. */
  hindrance?: Choice["hindrance"];
  report: FieldReport;
}

/** Whether values have to be looked at for a choice. */
export function isMeasured(choice: DtypeChoice | undefined): boolean {
  return choice !== undefined && choice !== "keep" && choice !== "original";
}

/**
 * Chooses how each field is stored. Fields that are kept are not looked at.
 *
 * @param source with the fields as they were before bits were cut
 * @throws SpillwayError `source` for values that a wanted type cannot hold, with how many and the first; `usage` for a
 * type that makes no sense for a field, or a channel axis that it has not
 */
export async function chooseFields(
  source: Measured,
  options: ChooseOptions,
): Promise<Record<string, FieldChoice>> {
  const { choices, lossy, clip } = options;
  const names = Object.keys(source.fields).filter((name) => isMeasured(choices[name]));
  const measured = await measureFields(source, { ...options, names });
  const chosen: Record<string, FieldChoice> = {};
  for (const name of names) {
    const { report } = measured[name]!;
    const field = source.fields[name] as TensorField;
    const asked = choices[name] as Exclude<DtypeChoice, "original">;
    const { dtype, encoding, reason, outOfRange, hindrance } = inField(name, () =>
      choose(report, { dtype: asked, lossy }),
    );
    const stored: TensorField = { ...field, dtype, ...(encoding && { encoding }) };
    if (outOfRange.length > 0 && !clip) throw await cannotHold(source, name, stored, outOfRange, options);
    chosen[name] = { field: stored, reason, ...(hindrance && { hindrance }), report };
  }
  const isLossy = ({ field }: FieldChoice) => field.encoding?.claim === "lossy";
  const lossyNames = names.filter((name) => isLossy(chosen[name]!));
  if (lossyNames.length === 0) return chosen;
  const coders = new Map(lossyNames.map((name) => [name, new Coder(chosen[name]!.field)]));
  await eachSample(source, options, (parts) => {
    for (const [name, coder] of coders) coder.encode(parts[name]!);
  });
  for (const [name, coder] of coders) {
    const { field } = chosen[name]!;
    chosen[name] = {
      ...chosen[name]!,
      field: { ...field, encoding: { ...field.encoding!, errors: coder.errors() } },
    };
  }
  return chosen;
}

/** Sentences about what was chosen, for people. */
export function describeChoices(chosen: Readonly<Record<string, FieldChoice>>): string[] {
  return Object.entries(chosen).map(([name, { field, reason }]) =>
    field.encoding ? `${name}: stored as ${describeField(field)}. ${reason}` : `${name}: ${reason}`,
  );
}

/** Errors of a choice with the field that they are of. */
function inField<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SpillwayError)) throw error;
    throw new SpillwayError(error.code, `field "${name}": ${error.what}`, {
      remedy: error.remedy,
      where: { ...error.where, field: name },
      cause: error,
    });
  }
}

/** The error for values that a wanted type cannot hold; the first of them is looked for. */
async function cannotHold(
  source: Measured,
  name: string,
  field: TensorField,
  outOfRange: Choice["outOfRange"],
  options: ChooseOptions,
): Promise<SpillwayError> {
  const coder = new Coder(field);
  let first: { misfit: Misfit; sample: number; origin: Origin } | undefined;
  await eachSample(source, options, (parts, sample, origin) => {
    const misfit = coder.encode(parts[name]!);
    if (misfit && (!first || sample < first.sample)) first = { misfit, sample, origin };
  });
  const count = outOfRange.reduce((sum, each) => sum + each.count, 0);
  const values = count === 1 ? "1 value" : `${count} values`;
  const place = first
    ? `: the first is ${first.misfit.value} in sample ${first.sample}${wordOrigin(first.origin)}, channel ${first.misfit.channel}, place ${first.misfit.index}`
    : "";
  return new SpillwayError(
    "source",
    `field "${name}" has ${values} that ${field.dtype} cannot hold${place}`,
    {
      remedy: 'Use "auto" or a wider type; --clip (clip: true) cuts them to its range, and counts them.',
      where: { field: name, ...(first && { sample: first.sample }) },
    },
  );
}

function wordOrigin({ path, row }: Origin): string {
  if (path === "") return "";
  return ` (${path}${row === undefined ? "" : `, row ${row}`})`;
}

/** Goes through all samples once, in any order where they can be read so. */
async function eachSample(
  source: Measured,
  { jobs, signal }: ChooseOptions,
  use: (parts: Readonly<Record<string, Uint8Array>>, sample: number, origin: Origin) => void,
): Promise<void> {
  const names = Object.keys(source.fields);
  const named = (bytes: readonly Uint8Array[]) =>
    Object.fromEntries(names.map((name, k) => [name, bytes[k]!]));
  const { readInto, sampleCount } = source;
  if (!readInto || sampleCount === undefined) {
    let sample = 0;
    for await (const { bytes, ...origin } of source.samples()) {
      signal?.throwIfAborted();
      use(named(bytes), sample, origin);
      sample += 1;
    }
    return;
  }
  let next = 0;
  const lane = async () => {
    const slot = sampleSlot(source.fields);
    const parts = named(slot);
    while (next < sampleCount) {
      const sample = next;
      next += 1;
      signal?.throwIfAborted();
      const origin = await readInto(sample, slot);
      use(parts, sample, origin);
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, sampleCount) }, lane));
}
