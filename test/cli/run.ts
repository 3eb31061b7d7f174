// Runs the built program as a user does: a process of its own, in a folder of its own, its output through pipes.

import { spawn } from "node:child_process";
import { resolve } from "node:path";

/** The built program. */
export const main = resolve(import.meta.dirname, "../../../dist/cli/main.js");

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
}

/** Runs `spillway` with these arguments. */
export function spillway(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (code) => done({ code, stdout, stderr }));
  });
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into values of many shapes, and fail where one is not there.
type Json = any;

/** Runs it with --json and parses what it prints. */
export async function spillwayJson(
  args: readonly string[],
  options: RunOptions = {},
): Promise<{ code: number | null; value: Json }> {
  const { code, stdout } = await spillway([...args, "--json"], options);
  return { code, value: JSON.parse(stdout) };
}
