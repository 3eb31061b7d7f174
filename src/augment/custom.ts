// A user's own function, named by the module that exports it, so that threads can import it. It works on a copy of the
// sample: nothing that it keeps or does reaches memory that is shared.
// Rule: what it gives back is looked at before it becomes part of a batch, and what is wrong is told with the sample's id.

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { SpillwayError } from "../errors.js";
import type { OptionTable, OptionValues } from "./options.js";
import { probabilityOption, shown } from "./options.js";
import { type Augmentation, describe, type SampleOptions } from "./transform.js";

/** What a user's function is told of the sample. */
export interface CustomInfo {
  /** Sizes of the sample's axes. */
  readonly shape: readonly number[];
  /** Random numbers from 0 to 1, 1 excluded, that depend on the seed, the epoch, the sample and the place in the list. */
  readonly random: () => number;
  /** What `custom` was given. */
  readonly options: unknown;
  readonly epoch: number;
  /** Id of the sample. */
  readonly id: number;
}

/**
 * Changes the values of a sample in place, or gives others, as many. The array belongs to the next sample after the call.
 */
export type CustomFunction = (sample: Float32Array, info: CustomInfo) => undefined | Float32Array;

/** Options of `custom`. */
export interface CustomOptions extends SampleOptions {
  /** URL of the module (file: or data:), or a path, which is taken from the current folder. */
  module: string | URL;
  /** Name of the function that it exports. Default "default". */
  export?: string;
  /** Anything that JSON can hold; the function gets it as `info.options`. */
  options?: unknown;
}

/** Options as a plan carries them. */
export interface CustomSettings {
  module: string;
  export: string;
  options: unknown;
  probability: number;
}

export const customTransform: { name: "custom"; table: OptionTable } = {
  name: "custom",
  table: {
    module: { kind: "any", meaning: "the URL of a module, or a path" },
    export: { kind: "any", meaning: "the name of the function that the module exports" },
    options: { kind: "any", meaning: "what the function is given" },
    probability: probabilityOption(1),
  },
};

/**
 * A function of your own, which reader threads import by its module.
 *
 * @throws SpillwayError `usage` for options that do not make sense; whether the module exports the function is found out
 * when a loop starts
 */
export function custom({ module, ...rest }: CustomOptions): Augmentation {
  return describe(customTransform, settle({ ...rest, module: moduleUrl(module) }));
}

/** Options of a descriptor, complete; those that come as JSON may lack what has a default. */
export function settle(options: OptionValues): OptionValues {
  const { module, export: name = "default", options: given = null } = options;
  if (typeof name !== "string" || name === "") {
    throw new SpillwayError("usage", `custom: export ${shown(name)} is no name`, {
      remedy: 'Name the function that the module exports, or leave it out for "default".',
    });
  }
  return { ...options, module: moduleUrl(module), export: name, options: plain(given) };
}

/** What a JSON text would give back: plans are plain data. */
function plain(given: unknown): unknown {
  let text: string | undefined;
  try {
    text = JSON.stringify(given);
  } catch (cause) {
    throw new SpillwayError("usage", "custom: options cannot be written as JSON", {
      remedy: "Use numbers, texts, lists and plain objects of them.",
      cause,
    });
  }
  if (text !== undefined) return JSON.parse(text);
  throw new SpillwayError("usage", `custom: options ${shown(given)} cannot be written as JSON`, {
    remedy: "Use numbers, texts, lists and plain objects of them.",
  });
}

function moduleUrl(module: unknown): string {
  const text = module instanceof URL ? module.href : module;
  if (typeof text === "string" && text !== "") {
    if (/^(file|data):/i.test(text)) return text;
    if (!/^[a-z][a-z0-9+.-]+:/i.test(text)) return pathToFileURL(resolve(text)).href;
  }
  throw new SpillwayError("usage", `custom: module ${shown(text)} is no path and no URL of a file`, {
    remedy:
      'Give the path of a module, such as "./my-augment.mjs", or new URL("./my-augment.mjs", import.meta.url).',
  });
}

/** The name of a function in messages. */
function nameOf({ module, export: name }: CustomSettings): string {
  return `${name} of ${module.length > 120 ? `${module.slice(0, 117)}...` : module}`;
}

/**
 * Imports a user's function.
 *
 * @throws SpillwayError `usage` if the module cannot be imported or exports no such function
 */
export async function importCustom(settings: CustomSettings): Promise<CustomFunction> {
  let exported: Record<string, unknown>;
  try {
    exported = (await import(settings.module)) as Record<string, unknown>;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SpillwayError("usage", `custom: ${nameOf(settings)} cannot be imported: ${reason}`, {
      remedy: "Check the module; it must be JavaScript that Node can import.",
      cause,
    });
  }
  const found = exported[settings.export];
  if (typeof found === "function") return found as CustomFunction;
  const functions = Object.keys(exported).filter((name) => typeof exported[name] === "function");
  const has = functions.length > 0 ? `It exports ${functions.join(", ")}.` : "It exports no function.";
  throw new SpillwayError(
    "usage",
    `custom: ${nameOf(settings)} is ${found === undefined ? "not there" : `no function but ${typeof found}`}`,
    { remedy: `${has} Export one, and name it as "export".` },
  );
}

/** Calls a user's function for one sample, which `sample` holds; what it gives is in `sample` afterwards. */
export function callCustom(
  call: CustomFunction,
  settings: CustomSettings,
  sample: Float32Array,
  info: CustomInfo,
): void {
  const before = indexOfNan(sample);
  const refuse = (what: string, remedy: string, cause?: unknown) =>
    new SpillwayError("usage", `custom: ${nameOf(settings)} ${what} for sample ${info.id}`, {
      remedy,
      where: { sample: info.id },
      ...(cause !== undefined && { cause }),
    });
  let given: unknown;
  try {
    given = call(sample, info);
  } catch (cause) {
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    throw refuse(`threw ${reason}`, "Mend the function; its stack is in `cause`.", cause);
  }
  const wanted = `It must change the sample in place, or return a Float32Array of ${sample.length} values.`;
  if (given !== undefined) {
    if (given instanceof Promise) given.catch(() => {});
    if (!(given instanceof Float32Array)) throw refuse(`returned ${kindOf(given)}`, wanted);
    if (given.length !== sample.length)
      throw refuse(`returned a Float32Array of ${given.length} values`, wanted);
    if (given !== sample) sample.set(given);
  }
  const nan = indexOfNan(sample);
  if (before < 0 && nan >= 0) {
    throw refuse(
      `gave NaN as value ${nan}`,
      "The sample had none, and a network learns nothing from NaN: look for a division by 0 or a number that is not defined.",
    );
  }
}

function kindOf(value: unknown): string {
  if (value instanceof Promise) return "a Promise";
  if (value === null) return "null";
  if (typeof value !== "object") return `the ${typeof value} ${shown(value)}`;
  const { length } = value as { length?: unknown };
  const size = typeof length === "number" ? ` of ${length} values` : "";
  return `a value of type ${value.constructor?.name ?? "Object"}${size}`;
}

/** Index of the first NaN, -1 where there is none. */
function indexOfNan(values: Float32Array): number {
  for (let k = 0; k < values.length; k += 1) if (Number.isNaN(values[k])) return k;
  return -1;
}
