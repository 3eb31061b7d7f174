// Runs an analysis as a driver does: passes until no more are needed, the data in parts whose results are merged.

import { type Choice, type ChoiceOptions, choose } from "#spillway/precision/choose";
import { mergeParts } from "#spillway/precision/facts";
import { FieldMeasure } from "#spillway/precision/measure";
import { firstPass, nextPass, type PlanOptions } from "#spillway/precision/plan";
import { type FieldReport, reportOf } from "#spillway/precision/report";
import { fieldStride } from "#spillway/tensor/field";
import type { Signal } from "./signals.js";

export interface AnalyseOptions extends PlanOptions {
  /** Samples of which the formula is guessed; default 16, 0 for none. */
  probe?: number;
  /** Samples at which a new part begins. */
  cuts?: readonly number[];
}

export function analyse({ field, bytes, samples }: Signal, options: AnalyseOptions = {}): FieldReport {
  const { probe = 16, cuts = [Math.floor(samples / 3)], ...planOptions } = options;
  const stride = fieldStride(field);
  let plan = firstPass(
    field,
    { samples, ...planOptions },
    bytes.subarray(0, Math.min(probe, samples) * stride),
  );
  for (;;) {
    const ends = [...cuts, samples];
    const parts = ends.map((end, k) => {
      const start = k === 0 ? 0 : ends[k - 1]!;
      const measure = new FieldMeasure(field, plan);
      measure.add(bytes.subarray(start * stride, end * stride), start);
      // As if posted from a thread.
      return structuredClone(measure.part());
    });
    const part = parts.reduce((a, b) => mergeParts(a, b, plan));
    const next = nextPass(plan, part);
    if (!next) return reportOf(field, plan, part);
    plan = structuredClone(next);
  }
}

export function chosen(signal: Signal, options: ChoiceOptions & AnalyseOptions = {}): Choice {
  return choose(analyse(signal, options), options);
}
