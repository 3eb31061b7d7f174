// A disk that takes no more changes from a certain one on, as it is for a process that is killed there: calls that
// change files are counted, and from the chosen one on they all fail. What cleans up after errors fails too, so that the
// disk is left as a kill would leave it. Locks are then made to look like those of a process that has ended.

import fs from "node:fs";

const synchronous = [
  "openSync",
  "writeSync",
  "writeFileSync",
  "copyFileSync",
  "renameSync",
  "linkSync",
  "rmSync",
  "rmdirSync",
  "mkdirSync",
  "ftruncateSync",
  "truncateSync",
] as const;
const asynchronous = ["write"] as const;

// What waits for the disk changes nothing that is seen after a kill, and takes most of the time.
const waiting = ["fsyncSync", "fdatasyncSync"] as const;
const waitingAsynchronous = ["fsync", "fdatasync"] as const;

class Stopped extends Error {
  readonly code = "ESTOPPED";
}

// biome-ignore lint/suspicious/noExplicitAny: functions of many shapes are wrapped alike.
type Anything = any;

/** Does some work on a disk for which nobody waits. */
export async function unsynced<T>(work: () => Promise<T>): Promise<T> {
  let result: T;
  await stopAt(Number.POSITIVE_INFINITY, false, async () => {
    result = await work();
  });
  return result!;
}

/**
 * Does some work on a disk that stops at the `stop`-th change, from 0; gives the number of changes that were made.
 *
 * @param isTorn whether half of a write at the stop still gets through
 */
export async function stopAt(stop: number, isTorn: boolean, work: () => Promise<unknown>): Promise<number> {
  const originals = new Map<string, Anything>();
  const target = fs as Anything;
  const folders = new Set<string>();
  let count = 0;
  const isStopped = () => {
    count += 1;
    return count > stop;
  };
  for (const name of synchronous) {
    const original = target[name];
    originals.set(name, original);
    target[name] = (...args: Anything[]) => {
      // Reading changes nothing.
      if (name === "openSync" && (args[1] ?? "r") === "r") return original(...args);
      if (typeof args[0] === "string" && args[0].includes(".lock."))
        folders.add(args[0].replace(/\.lock\..*$/, ""));
      if (!isStopped()) return original(...args);
      if (isTorn && count === stop + 1 && name === "writeSync")
        original(args[0], args[1], args[2], Math.ceil(args[3] / 2));
      if (isTorn && count === stop + 1 && name === "writeFileSync")
        original(args[0], args[1].slice(0, args[1].length / 2), args[2]);
      throw new Stopped(`stopped at ${name}`);
    };
  }
  for (const name of asynchronous) {
    const original = target[name];
    originals.set(name, original);
    target[name] = (...args: Anything[]) => {
      if (!isStopped()) return original(...args);
      const done = args.at(-1);
      if (isTorn && count === stop + 1 && name === "write") {
        const [fd, bytes, from, length, place] = args;
        return original(fd, bytes, from, Math.ceil(length / 2), place, () =>
          done(new Stopped("stopped at write")),
        );
      }
      setImmediate(() => done(new Stopped(`stopped at ${name}`)));
    };
  }
  for (const name of [...waiting, ...waitingAsynchronous]) originals.set(name, target[name]);
  for (const name of waiting) target[name] = () => {};
  for (const name of waitingAsynchronous)
    target[name] = (_fd: number, done: () => void) => setImmediate(done);
  try {
    await work();
  } catch (error) {
    if (!isStopError(error)) throw error;
  } finally {
    for (const [name, original] of originals) target[name] = original;
  }
  for (const folder of folders) endHolders(folder);
  return count;
}

function isStopError(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof Stopped) return true;
  return false;
}

/** Makes the locks of a folder those of a process that has ended. */
function endHolders(folder: string): void {
  for (const name of fs.existsSync(folder) ? fs.readdirSync(folder) : []) {
    if (!name.startsWith(".lock")) continue;
    const path = `${folder}/${name}`;
    const text = fs.readFileSync(path, "utf8");
    fs.writeFileSync(path, text.replace(/"started":"\d+"/, '"started":"1"'));
  }
}
