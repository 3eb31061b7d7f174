// Where the profile of a device is kept: in the user's cache folder, a file for each device. What cannot be read there, or
// is of another format, is measured anew; a home that cannot be written to is no error.

import os from "node:os";
import { join } from "node:path";
import { type DeviceProfile, parseDeviceProfile } from "./device.js";
import { deviceName, filesToMeasure, type MeasureDeviceOptions, measureFiles } from "./device-measure.js";
import { createFolder, readSmallFile, replaceFile } from "./file.js";

const maxFileBytes = 2 ** 20;

/** $XDG_CACHE_HOME/spillway, or ~/.cache/spillway. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { XDG_CACHE_HOME: cache } = environment;
  return join(cache?.startsWith("/") ? cache : join(os.homedir(), ".cache"), "spillway");
}

/** The profile of the device that some files lie on, as it was kept; undefined where there is none. */
export function keptProfile(paths: readonly string[], folder?: string): DeviceProfile | undefined {
  try {
    const files = filesToMeasure(paths);
    if (files.length === 0) return undefined;
    const name = deviceName(files);
    const text = Buffer.from(readSmallFile(fileOf(name, folder), maxFileBytes)).toString("utf8");
    const profile = parseDeviceProfile(text);
    return profile?.device === name ? profile : undefined;
  } catch {
    // No files, no home, no profile yet, or one that cannot be read: nothing is known of the device.
    return undefined;
  }
}

/** A profile, where it is kept, and why it is not. */
export interface KeptMeasurement {
  profile: DeviceProfile;
  /** File that it is kept in; undefined where that could not be written. */
  path: string | undefined;
  /** Sentences about what is not as one would expect. */
  notes: string[];
}

/**
 * Measures the device that some files lie on, and keeps the result for this user.
 *
 * @throws SpillwayError as `measureFiles`
 */
export async function measureAndKeep(
  paths: readonly string[],
  options: MeasureDeviceOptions & { folder?: string } = {},
): Promise<KeptMeasurement> {
  const profile = await measureFiles(paths, options);
  const notes = profile.isDirect
    ? []
    : ["The disk refuses direct reads: these figures are those of the page cache in front of it."];
  let path: string | undefined;
  try {
    const file = fileOf(profile.device, options.folder);
    createFolder(options.folder ?? cacheFolder());
    replaceFile(file, `${JSON.stringify(profile, null, 1)}\n`);
    path = file;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    notes.push(`The measurement cannot be kept, and will be made again: ${why}`);
  }
  return { profile, path, notes };
}

function fileOf(device: string, folder = cacheFolder()): string {
  return join(folder, `device-${device}.json`);
}
