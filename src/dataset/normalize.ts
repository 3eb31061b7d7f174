// Normalisation as it is asked for, checked against the fields that it is for: a mean and a deviation of each channel,
// turned into what loops fold into the decoding.

import type { SetStatistics } from "../catalog/statistics.js";
import { SpillwayError } from "../errors.js";
import type { Normalisation } from "../kernels/decoding.js";
import { type Deliver, deliveries } from "../load/plan.js";
import { channelRuns, type Field, type TensorField } from "../tensor/field.js";

/** Delivered is (value - mean) / std: numbers for each channel, or one for all. */
export interface MeanAndStd {
  /** In the unit of the values. */
  mean: number | readonly number[];
  /** Above 0. */
  std: number | readonly number[];
}

/**
 * By field name; or by the statistics of the training split, for all tensor fields: "standard" to mean 0 and deviation 1,
 * "range" to 0 .. 1.
 */
export type Normalize = "standard" | "range" | Readonly<Record<string, MeanAndStd>>;

/**
 * Normalisation by statistics; a channel that never changes is only shifted.
 *
 * @throws SpillwayError `mismatch` for statistics by another axis than a field is stored by
 */
export function normalisationsBy(
  way: "standard" | "range",
  statistics: SetStatistics,
  fields: ReadonlyMap<string, Field>,
): Record<string, Normalisation> {
  return Object.fromEntries(
    Object.entries(statistics.fields).map(([name, { axis, channels }]) => {
      requireSameAxis(name, axis, fields.get(name));
      const spreads = channels.map(({ std, min, max }) => (way === "standard" ? std : max - min));
      const shift = channels.map(({ mean, min }) => (way === "standard" ? mean : min));
      // The least numbers have no finite inverse.
      const factor = spreads.map((spread) => (Number.isFinite(1 / spread) ? 1 / spread : 1));
      return [name, { axis, shift, factor }];
    }),
  );
}

/** A field that is stored with a formula per channel is decoded and normalised in one step: by the same channels. */
function requireSameAxis(name: string, axis: number | undefined, field: Field | undefined): void {
  const stored = field?.kind === "tensor" && field.encoding?.axis;
  if (axis === undefined || typeof stored !== "number" || stored === axis) return;
  throw new SpillwayError(
    "mismatch",
    `field "${name}" has statistics by axis ${axis}, and is stored with a formula for each place of axis ${stored}`,
    {
      remedy: "Measure them by that axis: spillway statistics, without --channel-axis.",
      where: { field: name },
    },
  );
}

/** @throws SpillwayError `usage` for a way that is not known, or that cannot be normalised */
export function requireDeliver(deliver: Deliver, normalize: Normalize | undefined): void {
  if (normalize !== undefined && deliver === "stored") {
    throw new SpillwayError("usage", "what is delivered as stored cannot be normalised", {
      remedy: 'Leave out normalize, or deliver "float32" or "float16".',
    });
  }
  if (typeof normalize === "string" && normalize !== "standard" && normalize !== "range") {
    throw new SpillwayError("usage", `normalize: "${normalize as string}" is not known`, {
      remedy: 'Use "standard", "range", or mean and std by field.',
    });
  }
  if (deliveries.includes(deliver)) return;
  throw new SpillwayError("usage", `deliver: "${deliver}" is not known`, {
    remedy: 'Use "float32", "float16" or "stored".',
  });
}

/** The axis whose places have a mean and a deviation each; undefined where one is for all. */
export function normalisedAxis({ encoding, channelAxis }: TensorField): number | undefined {
  return encoding?.axis ?? channelAxis;
}

/**
 * What loops need of it.
 *
 * @throws SpillwayError `usage` for a field that is no tensor, numbers that are none, another count than there are
 * channels; `missing` for a field that is not there
 */
export function normalisationsOf(
  normalize: Exclude<Normalize, string> | undefined,
  fields: ReadonlyMap<string, Field>,
): Record<string, Normalisation> | undefined {
  if (normalize === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(normalize).map(([name, { mean, std }]) => {
      const field = tensorOf(name, fields);
      const axis = normalisedAxis(field);
      const { channels } = channelRuns(field.shape, axis);
      const shift = numbersOf(name, "mean", mean, axis, channels);
      const deviations = numbersOf(name, "std", std, axis, channels);
      const factor = deviations.map((deviation, channel) => {
        // The least numbers have no finite inverse.
        if (deviation > 0 && Number.isFinite(1 / deviation)) return 1 / deviation;
        throw refused(
          name,
          `std of channel ${channel} is ${deviation}`,
          "Give 1 for a channel that never changes.",
        );
      });
      return [name, { axis, shift, factor }];
    }),
  );
}

function tensorOf(name: string, fields: ReadonlyMap<string, Field>): TensorField {
  const field = fields.get(name);
  if (field?.kind === "tensor") return field;
  const tensors = [...fields].filter(([, { kind }]) => kind === "tensor").map(([tensor]) => tensor);
  const remedy = `Tensor fields are: ${tensors.join(", ")}.`;
  if (field) throw refused(name, "it is a class label", remedy);
  throw new SpillwayError("missing", `there is no field "${name}" to normalise`, {
    remedy,
    where: { field: name },
  });
}

function numbersOf(
  field: string,
  what: "mean" | "std",
  given: number | readonly number[],
  axis: number | undefined,
  channels: number,
): number[] {
  const numbers = typeof given === "object" ? Array.from(given) : [given];
  if (numbers.length !== 1 && numbers.length !== channels) {
    const have = axis === undefined ? "no channel axis is known" : `axis ${axis} has ${channels} channels`;
    throw refused(
      field,
      `${what} has ${numbers.length} numbers, ${have}`,
      axis === undefined || channels === 1 ? "Give one number." : `Give ${channels} numbers, or one for all.`,
    );
  }
  numbers.forEach((number, channel) => {
    if (!Number.isFinite(number))
      throw refused(field, `${what} of channel ${channel} is ${number}`, "Give finite numbers.");
  });
  return numbers;
}

function refused(field: string, why: string, remedy: string): SpillwayError {
  return new SpillwayError("usage", `field "${field}" cannot be normalised: ${why}`, {
    remedy,
    where: { field },
  });
}
