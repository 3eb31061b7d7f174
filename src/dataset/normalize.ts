// Normalisation as it is asked for, checked against the fields that it is for: a mean and a deviation of each channel,
// turned into what loops fold into the decoding.

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

/** By field name. */
export type Normalize = Readonly<Record<string, MeanAndStd>>;

/** @throws SpillwayError `usage` for a way that is not known */
export function requireDeliver(deliver: Deliver): void {
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
 * channels, or numbers that are delivered as stored; `missing` for a field that is not there
 */
export function normalisationsOf(
  normalize: Normalize | undefined,
  fields: ReadonlyMap<string, Field>,
  deliver: Deliver,
): Record<string, Normalisation> | undefined {
  if (normalize === undefined) return undefined;
  if (deliver === "stored") {
    throw new SpillwayError("usage", "what is delivered as stored cannot be normalised", {
      remedy: 'Leave out normalize, or deliver "float32" or "float16".',
    });
  }
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
