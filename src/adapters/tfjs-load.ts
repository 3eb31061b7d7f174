// Loads TensorFlow.js, which the user installs.
// Rule: one copy of TensorFlow.js in the process, the one that the user's own `import` gives.

import { SpillwayError } from "../errors.js";

/** The module "@tensorflow/tfjs". */
export type TensorFlow = typeof import("@tensorflow/tfjs");

/** Installs what the adapter needs. */
export const installCommand = "npm install @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0";

/** @throws SpillwayError `missing` where TensorFlow.js is not installed */
export function loadTensorFlow(): Promise<TensorFlow> {
  return loadPackage("@tensorflow/tfjs", () => import("@tensorflow/tfjs"));
}

/** @throws SpillwayError `missing` where a package is not installed */
export async function loadPackage<Module>(name: string, importing: () => Promise<Module>): Promise<Module> {
  try {
    return await importing();
  } catch (cause) {
    throw new SpillwayError("missing", `the package ${name} cannot be loaded`, {
      remedy: `Run: ${installCommand}`,
      cause,
    });
  }
}
