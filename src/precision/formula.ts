// A channel's formula as four numbers that are there in any case: ((q + zero) * scale) / divisor + offset gives the same
// as the formula itself, since what is left out is an identity (a zero or an offset that is left out is -0: x + -0 is x).

import type { ChannelCode } from "../tensor/encoding.js";

export interface Formula {
  zero: number;
  scale: number;
  divisor: number;
  offset: number;
}

export const identity: Formula = { zero: -0, scale: 1, divisor: 1, offset: -0 };

/** The formula of a channel; that of stored values where there is none. */
export function formulaOf(code: ChannelCode | undefined): Formula {
  if (!code) return identity;
  const { zero = -0 } = code;
  if (code.kind === "divided") return { zero, scale: 1, divisor: code.divisor, offset: -0 };
  return { zero, scale: code.scale ?? 1, divisor: 1, offset: code.offset ?? -0 };
}

/** The value of a stored number. */
export function decodedOf(q: number, { zero, scale, divisor, offset }: Formula): number {
  return ((q + zero) * scale) / divisor + offset;
}

/** What should be stored for a value, not rounded. */
export function storedOf(value: number, { zero, scale, divisor, offset }: Formula): number {
  return ((value - offset) * divisor) / scale - zero;
}
