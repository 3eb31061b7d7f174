// A list of transforms as one text, for command lines: the list as JSON, or a short form.
//
//   jitter:sigma=0.03,shift:steps=16:fill=wrap,noise:colour=pink:snr=10..20
//
// Transforms are parted by commas, their options by colons. A value is a number, a range LOW..HIGH, or a word; of custom,
// whose addresses have colons of their own, only JSON can tell.
// Rule: what comes out has passed the checks of the functions that make transforms.

import { SpillwayError } from "../errors.js";
import { shown } from "./options.js";
import { checkAugmentation } from "./plan.js";
import type { Augmentation } from "./transform.js";

/** Longest text that is looked at. */
const maxLength = 100_000;

/**
 * The list that a text stands for.
 *
 * @throws SpillwayError `usage` for a text that is neither form, or a transform or option that does not exist
 */
export function parseAugmentations(text: string): Augmentation[] {
  if (text.length > maxLength) {
    throw refuse(`the list of transforms has ${text.length} characters, above the limit of ${maxLength}`);
  }
  const trimmed = text.trim();
  if (trimmed === "") throw refuse("the list of transforms is empty");
  const list = trimmed.startsWith("[") ? parseJson(trimmed) : trimmed.split(",").map(parseShort);
  return list.map(checkAugmentation);
}

function parseJson(text: string): unknown[] {
  try {
    return JSON.parse(text) as unknown[];
  } catch (cause) {
    throw refuse(
      `the list of transforms is no JSON: ${cause instanceof Error ? cause.message : cause}`,
      cause,
    );
  }
}

/** One transform in short: a name, and its options. */
function parseShort(text: string): unknown {
  const [name, ...parts] = text.trim().split(":");
  let field: string | undefined;
  const options: Record<string, unknown> = {};
  for (const part of parts) {
    const equals = part.indexOf("=");
    if (equals < 1) throw refuse(`${name}: ${shown(part)} is no option=value`);
    const option = part.slice(0, equals).trim();
    if (option in options || (option === "field" && field !== undefined))
      throw refuse(`${name}: ${option} is given twice`);
    const value = part.slice(equals + 1).trim();
    if (option === "field") field = value;
    else options[option] = readValue(value);
  }
  return { name, ...(field !== undefined && { field }), options };
}

function readValue(text: string): unknown {
  const range = /^(.+?)\.\.(.+)$/.exec(text);
  if (range) return [numberOr(range[1]!), numberOr(range[2]!)];
  return numberOr(text);
}

function numberOr(text: string): number | string {
  return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

function refuse(what: string, cause?: unknown): SpillwayError {
  return new SpillwayError("usage", what, {
    remedy:
      'Write jitter:sigma=0.03,shift:steps=16, or JSON: [{ "name": "jitter", "options": { "sigma": 0.03 } }].',
    ...(cause !== undefined && { cause }),
  });
}
