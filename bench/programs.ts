// Programs that a benchmark starts: none of them outlives it, whether it ends well, fails, or is stopped by Ctrl-C.
// Each is the head of a process group of its own, which is killed as a whole; and each is given a standard input that
// closes when the benchmark is gone, however it went.

import { type ChildProcess, spawn } from "node:child_process";
import { withGroup } from "../test/fixtures/cgroup.js";

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) killGroup(child);
});

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

export interface ProgramOptions {
  /** Memory that it and the page cache for it may take together; undefined: all there is. */
  limitBytes?: number | undefined;
  env?: Record<string, string>;
}

/**
 * Runs a program and gives what it prints on its standard output.
 *
 * @returns `isLimited` says whether it was held to `limitBytes`
 * @throws Error with the end of what it said when it fails
 */
export function runProgram(
  program: string,
  args: readonly string[],
  { limitBytes, env = {} }: ProgramOptions = {},
): Promise<{ stdout: string; isLimited: boolean }> {
  const start = (enter: string) => runInShell(`${enter} exec "$0" "$@"`, [program, ...args], env);
  if (limitBytes === undefined) return start("").then((stdout) => ({ stdout, isLimited: false }));
  return withGroup(limitBytes, async (enter) => ({
    stdout: await start(enter),
    isLimited: enter !== "",
  }));
}

async function runInShell(
  shell: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<string> {
  const child = spawn("sh", ["-c", shell, ...args], {
    detached: true,
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  running.add(child);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-4000);
  });
  try {
    const end = await new Promise<string | undefined>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => resolve(code === 0 ? undefined : (signal ?? `exit code ${code}`)));
    });
    if (end !== undefined) throw new Error(`${args[0]} ended with ${end}: ${stderr.trim()}`);
    return stdout;
  } finally {
    killGroup(child);
    running.delete(child);
  }
}

/** In a child: ends this process when the one that started it is gone. */
export function endWithParent(): void {
  process.stdin.on("end", () => process.exit(1)).resume();
}
