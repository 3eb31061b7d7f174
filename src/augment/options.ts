// Options of transforms as tables: what each may be, its default, and what it means. The functions that make transforms,
// the plan and the command line check by the same table, so that a list that came as JSON is held to the same.
// Rule: what passes is complete and frozen, defaults filled in.

import { SpillwayError } from "../errors.js";
import { nearestNames } from "../near-names.js";

/** Meaning of an option, with its unit; the sentence that follows "sigma is ". */
interface Described {
  meaning: string;
}

export interface NumberOption extends Described {
  kind: "number";
  min: number;
  max: number;
  isWhole?: boolean;
  /** Without one, the option has to be given. */
  default?: number;
}

/** Two numbers, the lower one first, between which is drawn. */
export interface RangeOption extends Described {
  kind: "range";
  min: number;
  max: number;
  /** Whether both may be the same number. */
  mayBeEmpty: boolean;
  /** Without one, the option may be left out. */
  default?: readonly [number, number];
}

export interface ChoiceOption extends Described {
  kind: "choice";
  of: readonly string[];
  default: string;
}

/** What only the transform itself can check. */
export interface AnyOption extends Described {
  kind: "any";
}

export type OptionTable = Readonly<Record<string, NumberOption | RangeOption | ChoiceOption | AnyOption>>;

export type OptionValues = Readonly<Record<string, unknown>>;

/** A number from `min` to `max`. */
export function numberOption(
  meaning: string,
  [min, max]: readonly [number, number],
  otherwise?: number,
): NumberOption {
  return { kind: "number", meaning, min, max, ...(otherwise !== undefined && { default: otherwise }) };
}

/** A whole number from `min` to `max`. */
export function wholeOption(
  meaning: string,
  bounds: readonly [number, number],
  otherwise?: number,
): NumberOption {
  return { ...numberOption(meaning, bounds, otherwise), isWhole: true };
}

/** Two numbers from `min` to `max`, the lower one first. */
export function rangeOption(
  meaning: string,
  [min, max]: readonly [number, number],
  otherwise: readonly [number, number],
): RangeOption {
  return { kind: "range", meaning, min, max, mayBeEmpty: true, default: otherwise };
}

/** One of some words, the first of them by default. */
export function choiceOption(meaning: string, of: readonly string[]): ChoiceOption {
  return { kind: "choice", meaning, of, default: of[0]! };
}

/** How often a transform is applied. */
export function probabilityOption(otherwise: number): NumberOption {
  return numberOption("the share of samples that are changed", [0, 1], otherwise);
}

/** Largest number that is taken for a size of values: beyond it float32 is near its end. */
export const maxValue = 1e30;

/**
 * The options of a transform, complete.
 *
 * @throws SpillwayError `usage` naming the transform, the option and what was given
 */
export function checkOptions(transform: string, given: OptionValues, table: OptionTable): OptionValues {
  const names = Object.keys(table);
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(table, name)) continue;
    const near = nearestNames(name, names);
    throw new SpillwayError("usage", `${transform} has no option "${name}"`, {
      remedy:
        near.length > 0
          ? `Did you mean ${near.join(" or ")}? It has ${listed(names)}.`
          : `It has ${listed(names)}.`,
    });
  }
  const complete: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(table)) {
    const value = given[name];
    if (value !== undefined) complete[name] = checkValue(transform, name, option, value);
    else if ("default" in option) complete[name] = option.default;
    else if (option.kind === "number") {
      throw new SpillwayError("usage", `${transform} needs the option "${name}"`, {
        remedy: `${name} is ${option.meaning}.`,
      });
    }
  }
  return Object.freeze(complete);
}

function checkValue(transform: string, name: string, option: OptionTable[string], value: unknown): unknown {
  if (option.kind === "any") return value;
  if (option.kind === "choice") {
    if (typeof value === "string" && option.of.includes(value)) return value;
    const near = typeof value === "string" ? nearestNames(value, option.of) : [];
    throw refused(transform, name, value, `is none of ${option.of.join(", ")}`, option, near[0]);
  }
  const bounds = `from ${option.min} to ${option.max}`;
  if (option.kind === "number") {
    if (isNumber(value, option) && (!option.isWhole || Number.isInteger(value))) return value;
    throw refused(transform, name, value, `is no ${option.isWhole ? "whole " : ""}number ${bounds}`, option);
  }
  if (Array.isArray(value) && value.length === 2 && value.every((each) => isNumber(each, option))) {
    const [low, high] = value as [number, number];
    if (low < high || (option.mayBeEmpty && low === high)) return Object.freeze([low, high]);
  }
  throw refused(transform, name, value, `are no two numbers ${bounds}, the lower one first`, option);
}

function isNumber(value: unknown, { min, max }: { min: number; max: number }): value is number {
  return typeof value === "number" && value >= min && value <= max;
}

function refused(
  transform: string,
  name: string,
  value: unknown,
  what: string,
  { meaning, ...option }: OptionTable[string],
  near?: string,
): SpillwayError {
  const otherwise =
    "default" in option && option.default !== undefined ? ` (default ${shown(option.default)})` : "";
  const hint = near === undefined ? "" : `Did you mean ${near}? `;
  return new SpillwayError("usage", `${transform}: ${name} ${shown(value)} ${what}`, {
    remedy: `${hint}${name} is ${meaning}${otherwise}.`,
  });
}

/** A value in a message, cut where it is long. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(shown).join(", ")}]`.slice(0, 80);
  return (typeof value === "string" ? `"${value}"` : String(value)).slice(0, 80);
}

function listed(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
