// Options by their names: one that is mistyped would otherwise be ignored without a word.

import { SpillwayError } from "./errors.js";
import { nearestNames } from "./near-names.js";

/** Every option of a kind; the compiler sees to it that none is left out. */
export type OptionNames<Options> = Readonly<Record<keyof Required<Options>, true>>;

/**
 * @param what whose options they are: "batches"
 * @throws SpillwayError `usage` for an option that there is not, with those that were perhaps meant
 */
export function checkOptionNames<Options extends object>(
  what: string,
  options: Options,
  names: OptionNames<Options>,
): void {
  const known = Object.keys(names);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || Object.hasOwn(names, name)) continue;
    const near = nearestNames(name, known);
    const meant = near.length > 0 ? `Did you mean ${near.join(" or ")}? ` : "";
    throw new SpillwayError("usage", `${what} has no option ${JSON.stringify(name)}`, {
      remedy: `${meant}There are ${known.join(", ")}.`,
    });
  }
}

/** @throws SpillwayError `usage` for a value that is none of those allowed */
export function requireOneOf(option: string, value: unknown, allowed: readonly string[]): void {
  if (allowed.includes(value as string)) return;
  throw new SpillwayError("usage", `${option} ${JSON.stringify(value)} is not known`, {
    remedy: `Use ${allowed.map((each) => `"${each}"`).join(" or ")}.`,
  });
}
