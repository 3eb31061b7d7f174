// The lock of a dataset: one writer at a time. A file made exclusively, with who holds it; a second writer is told. A
// lock whose holder is dead (another boot, no such process, or one that started later) is taken over, said aloud.

import { randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { SpillwayError, systemCode } from "../errors.js";
import { ioError } from "../store/file.js";

const lockName = ".lock";
const maxAttempts = 8;

/** What systems say whose disks have no hard links. */
const noLinks: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

const holder = z.object({
  pid: z.number().int(),
  host: z.string().max(256),
  boot: z.string().max(64),
  /** When the process started, in clock ticks since boot; empty where the system does not tell. */
  started: z.string().max(32),
  token: z.string().max(32),
});

type Holder = z.infer<typeof holder>;

/** A lock that is held. */
export interface Lock {
  /** Who held it before and is dead, in words; undefined if nobody did. */
  readonly takenOverFrom: string | undefined;
  release(): void;
}

function bootId(): string {
  try {
    return fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}

function startOf(pid: number): string {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in parentheses, may hold anything; the 22nd field is the 20th after it.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

function isAlive({ pid, host, boot, started }: Holder): boolean {
  // Another machine on a shared disk cannot be asked: its lock is respected.
  if (host !== os.hostname()) return true;
  if (boot !== bootId()) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (systemCode(error) === "ESRCH") return false;
  }
  return started === "" || startOf(pid) === started;
}

function readHolder(path: string): Holder | undefined {
  try {
    return holder.parse(JSON.parse(fs.readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
}

/**
 * Takes the lock of a dataset's folder.
 *
 * @throws SpillwayError `locked` if a living process holds it, `io` if the folder cannot be written to
 */
export function takeLock(folder: string): Lock {
  const path = join(folder, lockName);
  const own: Holder = {
    pid: process.pid,
    host: os.hostname(),
    boot: bootId(),
    started: startOf(process.pid),
    token: randomBytes(8).toString("hex"),
  };
  // Written aside and linked into place, so that a lock is never seen half written.
  const aside = join(folder, `${lockName}.${own.token}`);
  let takenOverFrom: string | undefined;
  try {
    for (let attempt = 0; ; attempt += 1) {
      try {
        fs.writeFileSync(aside, JSON.stringify(own));
        link(aside, path);
        break;
      } catch (error) {
        // Not there any more: another process took it for a dead one's.
        const isLost = systemCode(error) === "ENOENT" && fs.existsSync(folder);
        if (!(isLost || systemCode(error) === "EEXIST") || attempt === maxAttempts) throw error;
        if (isLost) continue;
      }
      const other = readHolder(path);
      if (other && isAlive(other)) throw lockedBy(folder, other);
      takenOverFrom = other ? `process ${other.pid}, which has ended` : "a damaged lock file";
      removeDead(path, other, `${aside}.dead`);
    }
    removeLeftBehind(folder);
  } catch (error) {
    throw error instanceof SpillwayError ? error : ioError(error, path, "cannot be made");
  } finally {
    fs.rmSync(aside, { force: true });
  }
  return {
    takenOverFrom,
    release() {
      if (readHolder(path)?.token === own.token) fs.rmSync(path, { force: true });
    },
  };
}

/** Moves a dead lock away; if another process was quicker and it is a new one, puts that back. */
function removeDead(path: string, dead: Holder | undefined, aside: string): void {
  try {
    fs.renameSync(path, aside);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw error;
  }
  try {
    const moved = readHolder(aside);
    if (moved && moved.token !== dead?.token) link(aside, path);
  } finally {
    fs.rmSync(aside, { force: true });
  }
}

/** Makes `path` another name of `aside`; fails if it is there. Disks without hard links (exFAT) get a copy. */
function link(aside: string, path: string): void {
  try {
    fs.linkSync(aside, path);
  } catch (error) {
    if (!noLinks.has(systemCode(error))) throw error;
    fs.copyFileSync(aside, path, fs.constants.COPYFILE_EXCL);
  }
}

/** Files that processes left which were killed while they took the lock. */
function removeLeftBehind(folder: string): void {
  for (const name of fs.readdirSync(folder)) {
    if (!name.startsWith(`${lockName}.`)) continue;
    const maker = readHolder(join(folder, name));
    if (!maker || !isAlive(maker)) fs.rmSync(join(folder, name), { force: true });
  }
}

function lockedBy(folder: string, { pid, host }: Holder): SpillwayError {
  const where = host === os.hostname() ? "" : ` on ${host}`;
  return new SpillwayError("locked", `${folder} is being written by process ${pid}${where}`, {
    remedy: `Wait until it has finished, or end it; if it no longer runs, remove ${join(folder, lockName)}.`,
    where: { dataset: folder, path: join(folder, lockName) },
  });
}
