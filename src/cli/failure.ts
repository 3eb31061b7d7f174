// How a command fails: one line on stderr, or an object on stdout with --json, and an exit code. 1 is a problem with
// data, disk or memory; 2 is a command line that makes no sense; 130 is Ctrl-C, 143 SIGTERM.

import { CommanderError } from "commander";
import { SpillwayError } from "../errors.js";
import { printJson, say } from "./output.js";

export const exitCodes = { ok: 0, problem: 1, usage: 2, interrupted: 130, terminated: 143 } as const;

/** Thrown by a command that the user stopped; the message says how things stand. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  readonly remedy: string;
  readonly exitCode: number;

  constructor(what: string, remedy: string, exitCode: number = exitCodes.interrupted) {
    super(what);
    this.remedy = remedy;
    this.exitCode = exitCode;
  }
}

/** Says what went wrong and gives the exit code. */
export function reportFailure(thrown: unknown, argv: readonly string[]): number {
  if (thrown instanceof CommanderError) {
    if (thrown.exitCode === 0) return exitCodes.ok;
    // A bare "spillway" has printed its help.
    if (thrown.code === "commander.help") return exitCodes.usage;
  }
  const flags = argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv;
  const failure = describeFailure(thrown, argv);
  const { exitCode, ...error } = failure;
  const stack = flags.includes("--debug") ? stackOf(thrown) : undefined;
  if (flags.includes("--json")) {
    printJson({ error: { ...error, ...(stack === undefined ? {} : { stack }) } });
    return exitCode;
  }
  const prefix = thrown instanceof Interrupted ? "" : "error: ";
  say(`${prefix}${error.what}${/[.?!]\)?$/.test(error.what) ? "" : "."} ${error.remedy}`);
  if (stack !== undefined) say(stack);
  return exitCode;
}

interface Failure {
  exitCode: number;
  code: string;
  what: string;
  remedy: string;
  where: object;
  cause?: string;
}

function describeFailure(thrown: unknown, argv: readonly string[]): Failure {
  if (thrown instanceof SpillwayError) {
    return { exitCode: thrown.code === "usage" ? exitCodes.usage : exitCodes.problem, ...thrown.toJSON() };
  }
  if (thrown instanceof CommanderError) {
    const what = thrown.message.replace(/^error: /, "").replace(/\n/g, " ");
    const command =
      /^[a-z]+$/.test(argv[0] ?? "") && thrown.code !== "commander.unknownCommand" ? ` ${argv[0]}` : "";
    return {
      exitCode: exitCodes.usage,
      code: "usage",
      what,
      remedy: `See: spillway${command} --help.`,
      where: {},
    };
  }
  if (thrown instanceof Interrupted) {
    return {
      exitCode: thrown.exitCode,
      code: "interrupted",
      what: thrown.message,
      remedy: thrown.remedy,
      where: {},
    };
  }
  const what = thrown instanceof Error ? thrown.message : String(thrown);
  return {
    exitCode: exitCodes.problem,
    code: "defect",
    what: `Spillway failed in a way that it should not: ${what}`,
    remedy: "Please report it with the output of the same command and --debug.",
    where: {},
  };
}

function stackOf(thrown: unknown): string {
  let text = "";
  for (let error: unknown = thrown; error instanceof Error; error = error.cause) {
    text += `${text === "" ? "" : "\ncaused by: "}${error.stack ?? error.message}`;
  }
  return text;
}
