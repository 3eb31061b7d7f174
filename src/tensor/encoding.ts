// How numbers are stored in fewer bits than they had, and how they come back: per channel a formula over float64.
//
//   scaled    (q + zero) * scale + offset      recorders with a gain and an offset, standardised float16
//   divided   (q + zero) / divisor             decimals (k / 1000), pixels (k / 255)
//
// q is the stored number. Each operation is rounded to float64 in the order in which it is written, nowhere fused.
// Rule: who has these numbers and q has the value; nothing else is needed, see FORMAT.md.

import type { DType } from "./dtype.js";

/**
 * What was found by decoding every value: "lossless" each comes back bit for bit; "exact" each gives the same float32;
 * "lossy" neither.
 */
export type Claim = "lossless" | "exact" | "lossy";

/** The formula of one channel. What is left out is not computed: a missing offset keeps the sign of zeros. */
export type ChannelCode =
  | { kind: "scaled"; zero?: number; scale?: number; offset?: number }
  | { kind: "divided"; zero?: number; divisor: number };

/** How far stored values are from the original ones, measured over all of them. */
export interface CodeError {
  /** Largest difference, in the unit of the values. */
  max: number;
  /** Root of the mean square of the differences. */
  rms: number;
  /** Signal-to-quantisation-noise ratio in dB: variance of the values over mean square difference; null without loss. */
  sqnrDb: number | null;
  /** Values outside of the range that can be stored, which were cut to its ends. */
  clipped: number;
}

/** The encoding of a tensor field whose stored dtype is not the one that its values had. */
export interface Encoding {
  /** dtype of the values before. */
  original: DType;
  claim: Claim;
  /** Axis of a sample whose places have a formula each; left out where one formula is for all. */
  axis?: number;
  /** Formulas, one per place of the axis, or one, or none where stored numbers are the values. */
  channels: readonly ChannelCode[];
  /** Why this type, in a sentence. */
  reason?: string;
  /** Of lossy encodings, for each of the channels. */
  errors?: readonly CodeError[];
}
