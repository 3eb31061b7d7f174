// Amounts of memory and disk as people write them: "512 MiB" to bytes and back.

import { SpillwayError } from "../errors.js";

const units = ["B", "KiB", "MiB", "GiB", "TiB"] as const;
const factors: Record<string, number> = {
  "": 1,
  b: 1,
  k: 2 ** 10,
  kib: 2 ** 10,
  kb: 1e3,
  m: 2 ** 20,
  mib: 2 ** 20,
  mb: 1e6,
  g: 2 ** 30,
  gib: 2 ** 30,
  gb: 1e9,
  t: 2 ** 40,
  tib: 2 ** 40,
  tb: 1e12,
};

/**
 * Bytes of "512 MiB", "2g", "1.5 GB" or a plain number of bytes.
 *
 * @throws SpillwayError `usage` if it is none of these
 */
export function parseBytes(size: string | number, name = "memory"): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(String(size));
  const factor = match ? factors[match[2]!.toLowerCase()] : undefined;
  const bytes = match && factor ? Math.floor(Number(match[1]) * factor) : Number.NaN;
  if (!(bytes > 0 && bytes <= Number.MAX_SAFE_INTEGER)) {
    throw new SpillwayError("usage", `${name} "${size}" is no amount of memory`, {
      remedy: 'Write it as "512 MiB" or "2 GiB".',
    });
  }
  return bytes;
}

/** "1.5 GiB" of 1610612736; whole numbers of a unit stay whole. */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = Number.isInteger(value) || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${Number(value.toFixed(digits))} ${units[unit]}`;
}
