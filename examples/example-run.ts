// How the examples start, stop and fail: a temporary folder that is gone when the program ends, a signal for Ctrl-C, an
// error as one sentence.
// Rule: the folder is removed when the process exits, whatever the reason; only kill -9 and a power cut leave it.

import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SpillwayError } from "spillway";
import { print } from "./terminal.js";

/** A new, empty folder that nobody else can write to. */
export function createTemporaryFolder(
  name: string,
  options: { keep?: boolean } = {},
): { path: string; remove: () => void } {
  const path = fs.mkdtempSync(join(tmpdir(), `${name}-`));
  const remove = () => {
    if (!options.keep) fs.rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  };
  process.once("exit", remove);
  return { path, remove };
}

/** Bytes that may still be written where temporary folders are made. */
export function freeTemporaryBytes(): number {
  const { bavail, bsize } = fs.statfsSync(tmpdir());
  return bavail * bsize;
}

/** Thrown into the work when the user, or the system, asks the program to stop. */
class Stopped extends Error {
  /** As shells expect it: 128 and the signal's number. */
  readonly exitCode: number;

  constructor(signal: string, number: number) {
    super(`Stopped by ${signal}; temporary files are removed.`);
    this.exitCode = 128 + number;
  }
}

/** Runs an example to its end, and says in one sentence what went wrong. */
export async function runExample(main: (signal: AbortSignal) => Promise<void>): Promise<void> {
  try {
    await main(stopSignal());
    process.exit(process.exitCode);
  } catch (error) {
    if (error instanceof Stopped) print("", error.message);
    else if (error instanceof SpillwayError || isBadFlag(error))
      console.error(`\n${(error as Error).message}`);
    else console.error(error);
    process.exit(error instanceof Stopped ? error.exitCode : 1);
  }
}

/** Set by Ctrl-C, SIGTERM or a closed terminal; asking twice ends the program at once. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const [name, number] of Object.entries({ SIGHUP: 1, SIGINT: 2, SIGTERM: 15 })) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(128 + number);
      controller.abort(new Stopped(name, number));
    });
  }
  return controller.signal;
}

function isBadFlag(error: unknown): boolean {
  return error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}
