// How the fields of a dataset are stored, decided before its first shard: what was asked for, what is there already, and
// where types are chosen by the values, how these are looked at.

import { SpillwayError } from "../errors.js";
import type { Manifest } from "../format/manifest.js";
import type { Source } from "../source/source.js";
import { type Fields, sampleBytes } from "../tensor/field.js";
import { defaultJobs } from "./checks.js";
import { chooseFields, describeChoices, isMeasured } from "./choose-fields.js";
import { decodedSource } from "./decoded-source.js";
import type { Measured } from "./measure-source.js";
import type { PackOptions } from "./options.js";
import { appendedFields, choicesOf, undoneFields } from "./stored-fields.js";

/** What is to be made of a source, as far as its fields go. */
export interface FieldTask {
  isIndex: boolean;
  isAppend: boolean;
  /** Fields as they are to be stored, where that was decided already. */
  stored?: Fields;
}

/** Fields as they will be stored, and how that is decided where samples have to be on piles first. */
export interface Decision {
  fields: Fields;
  decide: ((samples: Measured) => Promise<Fields>) | undefined;
}

/**
 * Decides how the fields of a source are stored: as the dataset has them that they are added to, as they come, or in
 * types that are chosen by their values.
 *
 * @param isTwoPass whether samples come once, and wait on piles meanwhile: they are measured there
 * @throws SpillwayError as `chooseFields`; `usage` for a choice where there is none
 */
export async function decideFields(
  source: Source,
  { isIndex, isAppend, stored }: FieldTask,
  committed: Manifest | undefined,
  options: PackOptions,
  isTwoPass: boolean,
  note: (text: string) => void,
): Promise<Decision> {
  if (stored) return { fields: stored, decide: undefined };
  const choices = choicesOf(source.fields, options.dtype);
  const isAsked = Object.values(choices).some((choice) => choice !== "keep");
  if (isAsked && (isAppend || isIndex)) throw noChoice(isIndex && !isAppend);
  const without = (["lossy", "clip", "channelAxis"] as const).find((name) => options[name] !== undefined);
  if (!isAsked && without !== undefined) throw noDtype(without);
  if (isAppend && committed) return { fields: appendedFields(source.fields, committed), decide: undefined };
  const undone = undoneFields(source.fields, choices);
  if (!Object.values(choices).some(isMeasured)) return { fields: undone, decide: undefined };
  const decide = async (measured: Measured): Promise<Fields> => {
    const chosen = await chooseFields(measured, {
      choices,
      lossy: options.lossy === true,
      clip: options.clip === true,
      jobs: options.jobs ?? defaultJobs,
      channelAxis: options.channelAxis,
      signal: options.signal,
      onProgress: (samples) =>
        options.onProgress?.({
          phase: "measuring",
          samples,
          total: measured.sampleCount,
          bytes: samples * sampleBytes(measured.fields),
        }),
    });
    for (const line of describeChoices(chosen)) note(line);
    return Object.fromEntries(
      Object.entries(undone).map(([name, field]) => [name, chosen[name]?.field ?? field]),
    );
  };
  if (isTwoPass) return { fields: undone, decide };
  if (source.kind === "samples") throw onceOnly();
  const decoded = decodedSource(source);
  const { fields, sampleCount, readInto } = decoded;
  return {
    fields: await decide({
      fields,
      sampleCount,
      ...(readInto && { readInto: (index, into) => readInto.call(decoded, index, into) }),
      samples: () => decoded.samples(0),
    }),
    decide: undefined,
  };
}

function noChoice(isIndex: boolean): SpillwayError {
  return new SpillwayError(
    "usage",
    isIndex
      ? "samples that stay in their own files keep their dtype"
      : "samples that are appended are stored as the dataset's are",
    {
      remedy: isIndex
        ? "Leave dtype out, or pack."
        : "Leave dtype out; spillway convert changes the whole dataset.",
    },
  );
}

function onceOnly(): SpillwayError {
  return new SpillwayError(
    "usage",
    "samples of a program come once, and their values are measured before they are stored",
    {
      remedy:
        'Leave out layout "source": shuffled samples wait on disk meanwhile. Or pack first, then convert.',
    },
  );
}

function noDtype(option: string): SpillwayError {
  return new SpillwayError("usage", `${option} is of a choice of types, and dtype chooses none`, {
    remedy: 'Add dtype: "auto" (--dtype auto), or leave it out.',
  });
}
