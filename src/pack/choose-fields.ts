// From what was asked for to the fields that are stored: values are measured, a type is chosen for each field, and what
// a lossy one loses is counted on every value before anything is written.

import { SpillwayError } from "../errors.js";
import { type Choice, choose } from "../precision/choose.js";
import { Coder, type Misfit } from "../precision/coder.js";
import type { FieldReport } from "../precision/report.js";
import { sampleSlot } from "../source/read-ahead.js";
import type { Origin } from "../source/source.js";
import type { CodeError } from "../tensor/encoding.js";
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
    const { dtype, encoding, reason, hindrance } = inField(name, () =>
      choose(report, { dtype: asked, lossy }),
    );
    const stored: TensorField = { ...field, dtype, ...(encoding && { encoding }) };
    chosen[name] = { field: stored, reason, ...(hindrance && { hindrance }), report };
  }
  const isLossy = ({ field }: FieldChoice) => field.encoding?.claim === "lossy";
  const lossyNames = names.filter((name) => isLossy(chosen[name]!));
  if (lossyNames.length === 0) return chosen;
  const trials = lossyNames.map((name) => new Trial(name, chosen[name]!.field));
  await eachSample(source, options, (parts, sample, origin) => {
    for (const trial of trials) trial.add(parts[trial.name]!, sample, origin);
  });
  for (const { name, errors, refusal } of trials) {
    const { field } = chosen[name]!;
    if (refusal && !clip) throw refusal;
    chosen[name] = { ...chosen[name]!, field: { ...field, encoding: { ...field.encoding!, errors } } };
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

/** A lossy type tried on all samples: what it costs, and the first value that it cannot hold. */
class Trial {
  readonly name: string;
  readonly #coder: Coder;
  #first: { misfit: Misfit; sample: number; origin: Origin } | undefined;

  constructor(name: string, field: TensorField) {
    this.name = name;
    this.#coder = new Coder(field);
  }

  add(bytes: Uint8Array, sample: number, origin: Origin): void {
    const misfit = this.#coder.encode(bytes);
    if (misfit && (!this.#first || sample < this.#first.sample)) this.#first = { misfit, sample, origin };
  }

  get errors(): CodeError[] {
    return this.#coder.errors();
  }

  /** The error for values that the type cannot hold, undefined where it holds all. */
  get refusal(): SpillwayError | undefined {
    if (!this.#first) return undefined;
    const { misfit, sample, origin } = this.#first;
    const count = this.#coder.tallies.reduce((sum, { clipped }) => sum + clipped, 0);
    const values = count === 1 ? "1 value" : `${count} values`;
    const place = `${misfit.value} in sample ${sample}${wordOrigin(origin)}, channel ${misfit.channel}, place ${misfit.index}`;
    return new SpillwayError(
      "source",
      `field "${this.name}" has ${values} that ${this.#coder.field.dtype} cannot hold: the first is ${place}`,
      {
        remedy: 'Use "auto" or a wider type; --clip (clip: true) cuts them to its range, and counts them.',
        where: { field: this.name, sample },
      },
    );
  }
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
