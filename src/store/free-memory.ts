// How much memory this process could still take: what the system has, or less where a cgroup (a container, a batch
// job) holds it down.

import { readFileSync } from "node:fs";
import os from "node:os";

/** Page caches above this are "no limit" in cgroup v1. */
const unlimited = 2 ** 60;

function readNumber(path: string): number | undefined {
  try {
    const value = Number(readFileSync(path, "utf8").trim());
    return Number.isFinite(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Bytes of cache within a cgroup's usage, which it would give up under pressure. */
function reclaimable(statPath: string, name: string): number {
  try {
    return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(readFileSync(statPath, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function cgroupFree(): number {
  let groups: string;
  try {
    groups = readFileSync("/proc/self/cgroup", "utf8");
  } catch {
    return Number.POSITIVE_INFINITY;
  }
  let free = Number.POSITIVE_INFINITY;
  const v2 = /^0::(\/.*)$/m.exec(groups)?.[1];
  for (
    let group = v2;
    group;
    group = group === "/" ? undefined : group.slice(0, group.lastIndexOf("/")) || "/"
  ) {
    const folder = `/sys/fs/cgroup${group === "/" ? "" : group}`;
    const limit = readNumber(`${folder}/memory.max`);
    const usage = readNumber(`${folder}/memory.current`);
    if (limit === undefined || usage === undefined) continue;
    free = Math.min(free, limit - usage + reclaimable(`${folder}/memory.stat`, "inactive_file"));
  }
  const v1 = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(\/.*)$/m.exec(groups)?.[1];
  for (const folder of v1 ? [`/sys/fs/cgroup/memory${v1}`, "/sys/fs/cgroup/memory"] : []) {
    const limit = readNumber(`${folder}/memory.limit_in_bytes`);
    const usage = readNumber(`${folder}/memory.usage_in_bytes`);
    if (limit === undefined || usage === undefined || limit > unlimited) continue;
    free = Math.min(free, limit - usage + reclaimable(`${folder}/memory.stat`, "total_inactive_file"));
  }
  return free;
}

function systemFree(): number {
  try {
    const available = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
    if (available) return Number(available) * 1024;
  } catch {
    // Not Linux: the operating system's own figure serves.
  }
  return os.freemem();
}

/** Bytes that are free for this process. */
export function freeMemory(): number {
  return Math.max(0, Math.min(systemFree(), cgroupFree()));
}

/** Memory of a dataset that is opened without saying how much: a quarter of what is free, at least 64 MiB. */
export function defaultMemory(): number {
  return Math.max(64 * 2 ** 20, Math.floor(freeMemory() / 4));
}
