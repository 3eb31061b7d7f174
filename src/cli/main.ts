#!/usr/bin/env node
// The command line's entry: runs one command and turns whatever it throws into words and an exit code.

import { exitCodes, reportFailure } from "./failure.js";
import { say, tolerateClosedPipes } from "./output.js";
import { createProgram } from "./program.js";

/** Runs one command line and gives its exit code. */
async function main(argv: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(argv, { from: "user" });
    return typeof process.exitCode === "number" ? process.exitCode : exitCodes.ok;
  } catch (thrown) {
    return reportFailure(thrown, argv);
  }
}

tolerateClosedPipes();
// Node's own wording has a process number and the advice to trace it; warnings of ours are plain sentences.
process.removeAllListeners("warning");
process.on("warning", (warning) => {
  if (warning.name === "SpillwayWarning") say(`warning: ${warning.message}`);
  else if (process.argv.includes("--debug")) say(warning.stack ?? warning.message);
});
process.exitCode = await main(process.argv.slice(2));
