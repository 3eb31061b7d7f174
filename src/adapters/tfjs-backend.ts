// Readies the wasm backend of TensorFlow.js in Node, so that dense and convolutional networks train on it.
// Rule: a backend that does not start is an error, never another backend in silence.

import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";
import { SpillwayError } from "../errors.js";
import { registerConvolutions } from "./tfjs-conv.js";
import { installCommand, loadPackage, loadTensorFlow, type TensorFlow } from "./tfjs-load.js";

export { loadTensorFlow, type TensorFlow };

/**
 * Loads TensorFlow.js with its WebAssembly backend: on Node the fastest that installs without a build. As shipped, only
 * dense layers train on it (tfjs#8474); with the kernels registered here convolutions do too, channels last: conv1d,
 * conv2d, conv2dTranspose, max and average pooling. Dilated, depthwise and separable convolutions and embeddings do not.
 *
 * @returns the module "@tensorflow/tfjs", the same that `import * as tf from "@tensorflow/tfjs"` gives
 * @throws SpillwayError `missing` where the packages are not installed, `io` where the backend does not start
 */
export async function useWasm(): Promise<TensorFlow> {
  const tf = await loadTensorFlow();
  const wasm = await loadPackage(
    "@tensorflow/tfjs-backend-wasm",
    () => import("@tensorflow/tfjs-backend-wasm"),
  );
  if (tf.getBackend() !== "wasm") await start(tf, wasm);
  registerConvolutions(tf);
  return tf;
}

async function start(tf: TensorFlow, wasm: typeof import("@tensorflow/tfjs-backend-wasm")): Promise<void> {
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
        remedy: `Install it again: ${installCommand}`,
        where: { path: main },
      },
    );
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
