// Loads TensorFlow.js, which the user installs, and readies its wasm backend in Node.
// Rule: one copy of TensorFlow.js in the process, the one that the user's own `import` gives.

import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";
import { SpillwayError } from "../errors.js";

/** The module "@tensorflow/tfjs". */
export type TensorFlow = typeof import("@tensorflow/tfjs");

const install = "npm install @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0";

/**
 * Loads TensorFlow.js with its WebAssembly backend: on Node the fastest that installs without a build. Dense layers
 * train on it as shipped; convolutions do not (tfjs#8474).
 *
 * @returns the module "@tensorflow/tfjs", the same that `import * as tf from "@tensorflow/tfjs"` gives
 * @throws SpillwayError `missing` where the packages are not installed, `io` where the backend does not start
 */
export async function useWasm(): Promise<TensorFlow> {
  const tf = await loadTensorFlow();
  const wasm = await load("@tensorflow/tfjs-backend-wasm", () => import("@tensorflow/tfjs-backend-wasm"));
  if (tf.getBackend() === "wasm") return tf;
  // Without a path it looks beside the program that was started.
  const main = createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm");
  wasm.setWasmPaths(join(dirname(main), "..", "wasm-out") + sep);
  // A backend that cannot start gives false, and TensorFlow.js goes on with the "cpu" backend, 200 times slower.
  const isReady = await withoutNewHandlers(() => tf.setBackend("wasm").catch(() => false));
  if (!isReady || tf.getBackend() !== "wasm") {
    throw new SpillwayError(
      "io",
      `the wasm backend of TensorFlow.js did not start, "${tf.getBackend()}" is in use`,
      {
        remedy: `Install it again: ${install}`,
        where: { path: main },
      },
    );
  }
  return tf;
}

/** @throws SpillwayError `missing` where TensorFlow.js is not installed */
export function loadTensorFlow(): Promise<TensorFlow> {
  return load("@tensorflow/tfjs", () => import("@tensorflow/tfjs"));
}

async function load<Module>(name: string, importing: () => Promise<Module>): Promise<Module> {
  try {
    return await importing();
  } catch (cause) {
    throw new SpillwayError("missing", `the package ${name} cannot be loaded`, {
      remedy: `Run: ${install}`,
      cause,
    });
  }
}

const fatalEvents = ["uncaughtException", "unhandledRejection"] as const;

/** Removes what the backend's start adds: handlers that make any uncaught error exit with code 7 and a page of its source. */
async function withoutNewHandlers<Result>(work: () => Promise<Result>): Promise<Result> {
  const before = fatalEvents.map(
    (event) => new Set<unknown>(process.listeners(event as "uncaughtException")),
  );
  try {
    return await work();
  } finally {
    for (const [at, event] of fatalEvents.entries()) {
      for (const listener of process.listeners(event as "uncaughtException")) {
        if (!before[at]!.has(listener) && String(listener).includes("throw"))
          process.off(event, listener as () => void);
      }
    }
  }
}
