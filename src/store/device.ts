// What a device can do, as it was measured once: how many reads per second, at which sizes, with how many at a time. Pure:
// the measuring is in device-measure.ts, where it is kept in device-cache.ts.

import { z } from "zod";

/** Raised when what is measured, or how, changes: what was kept before is then measured anew. */
export const deviceFormat = 1;

const maxPoints = 256;
const rate = z.number().finite().nonnegative();

const pointSchema = z.object({
  pattern: z.enum(["random", "sequential"]),
  /** Threads that each block in a read, or reads that one thread has in flight. */
  way: z.enum(["threads", "async"]),
  blockBytes: z
    .number()
    .int()
    .positive()
    .max(2 ** 30),
  /** Reads at a time. */
  depth: z.number().int().positive().max(1024),
  readsPerSecond: rate,
  /** Processor time that a read costs, of the whole process. */
  cpuMicroseconds: rate,
});

const profileSchema = z.object({
  format: z.literal(deviceFormat),
  /** Device, kind of file system, and class of size of what was read. */
  device: z.string().min(1).max(128),
  /** When it was measured, ISO 8601. */
  date: z.string().min(1).max(64),
  /** Bytes of the files that were read from. */
  fileBytes: rate,
  /** Whether the page cache was left out; where it was not, these are not the device's figures. */
  isDirect: z.boolean(),
  points: z.array(pointSchema).min(1).max(maxPoints),
});

/** One measurement. */
export type DevicePoint = z.infer<typeof pointSchema>;
export type DeviceProfile = z.infer<typeof profileSchema>;

/** A profile out of untrusted JSON; undefined where it is none, or one of another format. */
export function parseDeviceProfile(text: string): DeviceProfile | undefined {
  try {
    return profileSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Part of the best rate that is worth no more threads. */
const enough = 0.9;

/**
 * How many reads of about `recordBytes` at random should be under way: the fewest that come near the best.
 *
 * @returns undefined where nothing of the kind was measured
 */
export function bestDepth(
  { points }: Pick<DeviceProfile, "points">,
  way: DevicePoint["way"],
  recordBytes: number,
): DevicePoint | undefined {
  const fitting = points.filter((point) => point.pattern === "random" && point.way === way);
  const distance = ({ blockBytes }: DevicePoint) => Math.abs(Math.log2(blockBytes / recordBytes));
  const nearest = Math.min(...fitting.map(distance));
  const same = fitting.filter((point) => distance(point) === nearest);
  const best = Math.max(...same.map(({ readsPerSecond }) => readsPerSecond));
  return same.sort((a, b) => a.depth - b.depth).find(({ readsPerSecond }) => readsPerSecond >= enough * best);
}

/**
 * Bytes per second that the device gives at most in random reads of so many bytes; between the sizes that were measured,
 * what lies between their figures.
 *
 * @returns undefined where nothing of the kind was measured
 */
export function randomBytesPerSecond(
  { points }: Pick<DeviceProfile, "points">,
  way: DevicePoint["way"],
  recordBytes: number,
): number | undefined {
  const rates = new Map<number, number>();
  for (const point of points) {
    if (point.pattern !== "random" || point.way !== way) continue;
    const { blockBytes, readsPerSecond } = point;
    rates.set(blockBytes, Math.max(rates.get(blockBytes) ?? 0, readsPerSecond * blockBytes));
  }
  const sizes = [...rates.keys()].sort((a, b) => a - b);
  const above = sizes.find((size) => size >= recordBytes);
  const below = sizes.findLast((size) => size <= recordBytes);
  if (above === undefined) return below && rates.get(below);
  // Smaller reads than any that were measured: as many in a second.
  if (below === undefined) return rates.get(above)! * (recordBytes / above);
  const share = above === below ? 0 : Math.log(recordBytes / below) / Math.log(above / below);
  return rates.get(below)! ** (1 - share) * rates.get(above)! ** share;
}
