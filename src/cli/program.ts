// The command line as a whole: every command with its flags and help. Nothing runs here, so that tests and the
// reference page can walk through it.

import { readFileSync } from "node:fs";
import { Command } from "commander";
import { addAnnotate } from "./annotate.js";
import { addBench } from "./bench.js";
import { formatHelp, setExamples, termOf } from "./command.js";
import { addCompact } from "./compact.js";
import { addConvert } from "./convert.js";
import { addExclude } from "./exclude.js";
import { addIndex } from "./index.js";
import { addInfo } from "./info.js";
import { addPack } from "./pack.js";
import { addPrecision } from "./precision.js";
import { addQuery } from "./query.js";
import { addShow } from "./show.js";
import { addSplit } from "./split.js";
import { addStatistics } from "./statistics.js";
import { addVerify } from "./verify.js";

/** Version of the package, in whose dist/cli/ this file lies. */
function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** The program with all its commands; errors of a command line are thrown, not printed. */
export function createProgram(): Command {
  const program = new Command("spillway")
    .description(
      "Train from data sets larger than memory: pack once, then read random batches out of a fixed amount of memory.",
    )
    .version(packageVersion(), "--version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .exitOverride()
    .configureHelp({ formatHelp, subcommandTerm: termOf })
    .configureOutput({ outputError: () => {} });
  setExamples(program, [
    ["spillway pack recordings/ gestures", ""],
    ["spillway split gestures train=0.8 val=0.1 test=0.1", ""],
    ["spillway show gestures 0", ""],
  ]);
  addPack(program);
  addIndex(program);
  addCompact(program);
  addConvert(program);
  addPrecision(program);
  addSplit(program);
  addStatistics(program);
  addInfo(program);
  addShow(program);
  addQuery(program);
  addAnnotate(program);
  addExclude(program);
  addBench(program);
  addVerify(program);
  return program;
}
