// What each bit depth would cost: the values of a source or a dataset measured, nothing written.

import { SpillwayError } from "../errors.js";
import { type Choice, choose } from "../precision/choose.js";
import type { Kept } from "../precision/kept.js";
import type { FieldReport } from "../precision/report.js";
import { openSource } from "../source/registry.js";
import type { Source, SourceOptions } from "../source/source.js";
import type { TensorField } from "../tensor/field.js";
import { defaultJobs } from "./checks.js";
import { decodedSource } from "./decoded-source.js";
import { measureFields } from "./measure-source.js";
import type { PackProgress } from "./options.js";
import { takeSource } from "./take-source.js";

/** Samples that an estimate looks at. */
const quickSamples = 2048;

export interface PrecisionOptions extends SourceOptions {
  /** Only these tensor fields; default: all. */
  only?: readonly string[];
  /** Axis that counts the channels by field, null for none; default: what is known, or a guess by the shape. */
  channelAxis?: Readonly<Record<string, number | null>>;
  /** Looks at some 2,000 samples alone: what is said of all values is then an estimate. */
  quick?: boolean;
  /** Samples that are read at the same time, where the source allows it; default 16. */
  jobs?: number;
  signal?: AbortSignal;
  onNote?: (note: string) => void;
  onProgress?: (progress: PackProgress) => void;
}

/** What was found of a field, and what would be chosen. */
export interface FieldPrecision {
  /** As its values are. */
  field: TensorField;
  report: FieldReport;
  /** The smallest type from which every value comes back. */
  auto: Choice;
  /** The smallest type that loses no more than noise hides. */
  lossy: Choice;
  /** Stretches of the values, for pictures. */
  kept: Kept;
}

export interface PrecisionReport {
  path: string;
  /** Samples that were looked at, and how many there are, where that is known. */
  samples: number;
  of: number | undefined;
  /** Whether not all samples were looked at. */
  isEstimate: boolean;
  seconds: number;
  fields: Record<string, FieldPrecision>;
}

/**
 * Measures the tensors of a source or a dataset.
 *
 * @param path a file or folder, as for `pack`
 * @throws SpillwayError as `pack` for the source; `usage` for a field or an axis that is not there
 */
export async function precisionOfSource(
  path: string,
  options: PrecisionOptions = {},
): Promise<PrecisionReport> {
  const {
    only,
    channelAxis,
    quick = false,
    jobs = defaultJobs,
    signal,
    onProgress,
    onNote,
    ...sourceOptions
  } = options;
  const start = performance.now();
  const opened = await openSource(path, sourceOptions);
  try {
    for (const note of opened.notes) onNote?.(note);
    const source = quick ? partOf(opened) : opened;
    const decoded = decodedSource(source);
    const { fields, sampleCount, readInto } = decoded;
    const names = namesOf(decoded, only, path);
    const measured = await measureFields(
      {
        fields,
        sampleCount,
        ...(readInto && { readInto: (index, into) => readInto.call(decoded, index, into) }),
        samples: () => decoded.samples(0),
      },
      {
        names,
        jobs,
        ...(channelAxis && { channelAxis }),
        ...(signal && { signal }),
        onProgress: (samples) => onProgress?.({ phase: "measuring", samples, total: sampleCount, bytes: 0 }),
      },
    );
    const samples = Math.max(0, ...names.map((name) => measured[name]!.report.samples));
    return {
      path,
      samples,
      of: opened.sampleCount,
      isEstimate: quick && samples !== opened.sampleCount,
      seconds: (performance.now() - start) / 1000,
      fields: Object.fromEntries(
        names.map((name) => {
          const { report, kept } = measured[name]!;
          const field = fields[name] as TensorField;
          const [auto, lossy] = [choose(report), choose(report, { lossy: true })];
          return [name, { field, report, auto, lossy, kept }];
        }),
      ),
    };
  } finally {
    await opened.close();
  }
}

/** Some samples, at random, but always the same ones. */
function partOf(source: Source): Source {
  const { sampleCount } = source;
  if (sampleCount !== undefined && sampleCount <= quickSamples) return source;
  return takeSource(source, {
    take: sampleCount === undefined ? "1%" : quickSamples,
    isEven: false,
    seed: 0,
  });
}

function namesOf({ fields }: Source, only: readonly string[] | undefined, path: string): string[] {
  const names = Object.keys(fields).filter((name) => fields[name]!.kind === "tensor");
  for (const name of only ?? []) {
    if (names.includes(name)) continue;
    throw new SpillwayError("usage", `${path} has no tensor field "${name}"`, {
      remedy: names.length === 0 ? "It has none at all." : `Its tensor fields are ${names.join(", ")}.`,
      where: { path, field: name },
    });
  }
  return only ? names.filter((name) => only.includes(name)) : names;
}
