// Which formula a pass tries on each channel, and whether another pass is needed. A formula is guessed from a few values
// (a probe, or what the first pass kept) and tried on all: one pass where the guess holds, two where there was nothing
// to guess from, at most three where rare values break it.

import { SpillwayError } from "../errors.js";
import type { ChannelCode } from "../tensor/encoding.js";
import { channelRuns, type TensorField } from "../tensor/field.js";
import type { FieldPart } from "./facts.js";
import { channelValues, Keeper } from "./kept.js";
import type { MeasurePlan } from "./measure.js";
import { settledOf } from "./settled.js";
import { bytesForSteps, findCode } from "./step.js";
import type { Found } from "./whole.js";

const mostPasses = 3;
const mostKept = 65_536;
const defaultKeepBytes = 2 ** 22;

export interface PlanOptions {
  /** Axis of a sample whose places are the channels; default the field's own `channelAxis`, else one channel. */
  axis?: number;
  /** Bytes that kept values may take, as float64, all channels together; default 4 MiB. */
  keepBytes?: number;
  /** Samples of all of the data, where that is known: saves work, changes no result. */
  samples?: number;
}

/** What a pass does, and what is known before it. */
export interface PassPlan extends MeasurePlan {
  pass: number;
  /** Values of each channel that broke formulas before. */
  known: readonly (readonly number[])[];
}

/**
 * The first pass over a field.
 *
 * @param probe some of its samples, from all over the data: with them one pass is enough as a rule
 * @throws SpillwayError `usage` for an axis that samples do not have
 */
export function firstPass(field: TensorField, options: PlanOptions = {}, probe?: Uint8Array): PassPlan {
  const { axis = field.channelAxis, keepBytes = defaultKeepBytes, samples } = options;
  if (axis !== undefined && !(Number.isInteger(axis) && axis >= 0 && axis < field.shape.length)) {
    throw new SpillwayError(
      "usage",
      `channel axis ${axis} is not an axis of samples of shape [${field.shape.join(", ")}]`,
      {
        remedy:
          field.shape.length === 0
            ? "Samples are single numbers: leave it out."
            : `Use 0 to ${field.shape.length - 1}, or leave it out.`,
      },
    );
  }
  const { channels } = channelRuns(field.shape, axis);
  const keepValues = Math.max(64, Math.min(mostKept, Math.floor(keepBytes / 8 / channels)));
  const none = Array.from({ length: channels }, () => null);
  const plan: PassPlan = {
    ...(axis === undefined ? {} : { axis }),
    codes: none,
    keepValues,
    ...(samples === undefined ? {} : { samples }),
    pass: 1,
    known: none.map(() => []),
  };
  if (!probe || probe.length === 0) return plan;
  const keeper = new Keeper(field, axis, keepValues);
  keeper.offer(probe, 0);
  const kept = keeper.part();
  let effort = 1;
  const codes = none.map((_, k) => {
    const found = findGuess(channelValues(kept, k), effort);
    // What was not found for one channel will hardly be found for the next: all together take no more than two.
    if (!found) effort /= 2;
    return found?.code ?? null;
  });
  return { ...plan, codes };
}

/**
 * The pass that is needed after one, or undefined where everything is known that more passes could tell.
 *
 * @param part what the pass found, all of its parts together
 */
export function nextPass(plan: PassPlan, part: FieldPart): PassPlan | undefined {
  if (plan.pass >= mostPasses || part.inexact > 0) return undefined;
  let isChanged = false;
  const known: number[][] = [];
  const codes: (ChannelCode | null)[] = [];
  for (const [k, channel] of part.channels.entries()) {
    const { facts, trial } = channel;
    const code = plan.codes[k] ?? null;
    const before = [...plan.known[k]!, ...(trial?.examples ?? [])];
    known.push(before);
    const settled = settledOf(channel, code);
    if (facts.finite === 0 || (settled && settled.code === code)) {
      codes.push(code);
      continue;
    }
    const kept = channelValues(part.kept, k);
    const values = new Float64Array(kept.length + before.length + 2);
    values.set(kept);
    values.set(before, kept.length);
    values.set([facts.min, facts.max], kept.length + before.length);
    const better = findGuess(values);
    if (settled && !(better && bytesForSteps(better.steps) < bytesForSteps(settled.high - settled.low))) {
      codes.push(settled.code);
      continue;
    }
    // One channel that needs all of its bits is enough: no integer type will serve the field.
    if (!better || isSameCode(better.code, code)) return undefined;
    codes.push(better.code);
    isChanged = true;
  }
  return isChanged ? { ...plan, codes, known, pass: plan.pass + 1 } : undefined;
}

/** The formula of the smallest type: of values that are float32 themselves one that gives the same float32 will do. */
function findGuess(values: Float64Array, effort = 1): Found | undefined {
  const strict = findCode(values, "float64", effort);
  if (strict && bytesForSteps(strict.steps) === 1) return strict;
  if (values.every((value) => Math.fround(value) === value || Number.isNaN(value))) {
    const loose = findCode(values, "float32", effort);
    if (loose && (!strict || bytesForSteps(loose.steps) < bytesForSteps(strict.steps))) return loose;
  }
  return strict;
}

function isSameCode(a: ChannelCode, b: ChannelCode | null): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
