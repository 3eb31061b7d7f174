// The wasm backend of TensorFlow.js is put in use, once, and without it the error says what to install.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { useWasm } from "spillway/tfjs";
import { temporaryFolder } from "../fixtures/packed.js";

const tf = await useWasm();

test("the wasm backend is in use, and a second call changes nothing", async () => {
  assert.equal(tf.getBackend(), "wasm");
  assert.equal(await useWasm(), tf);
  assert.equal(tf.getBackend(), "wasm");
});

test("uncaught errors end the process as ever: the backend's handlers are not left behind", () => {
  const sources = [...process.listeners("uncaughtException"), ...process.listeners("unhandledRejection")].map(
    String,
  );
  assert.ok(!sources.some((source) => source.includes("ExitStatus") || source.includes("throw reason")));
});

test("without TensorFlow.js the error says what to install", async () => {
  // Copied to where no node_modules is above it.
  const folder = temporaryFolder();
  fs.writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  fs.cpSync("dist", folder, { recursive: true });
  const copy = await import(pathToFileURL(join(folder, "adapters/tfjs-backend.js")).href);
  await assert.rejects(copy.useWasm(), {
    code: "missing",
    message:
      "the package @tensorflow/tfjs cannot be loaded. " +
      "Run: npm install @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0",
  });
});
