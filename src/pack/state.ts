// What an unfinished pack needs to go on: which source and options it was begun with, and how far pass 1 of two has
// come. Lives in .packing/ of the dataset, removed when the pack is finished.

import fs from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { SpillwayError } from "../errors.js";
import { fieldsSchema } from "../format/manifest.js";
import { createFolder, readSmallFile, replaceFile } from "../store/file.js";

/** Name of the folder of an unfinished pack. */
export const packingName = ".packing";
const stateName = "state.json";
const maxStateBytes = 2 ** 26;

/** What has to be the same for a pack to go on. */
const begun = z.object({
  kind: z.string(),
  fingerprint: z.string(),
  layout: z.string(),
  seed: z.number(),
  shardBytes: z.number(),
  fields: z.string(),
  /** How tensors were asked to be stored. */
  dtype: z.string(),
  /** Rows of the commits before. */
  before: z.number().int().min(0),
});

const piles = z.object({
  bits: z.number().int().min(0).max(16),
  bytes: z.array(z.number()),
  samples: z.array(z.number()),
});

const state = z.object({
  version: z.literal(1),
  begun,
  /** Pass 1: samples thrown so far and the piles then. Pass 2: the piles as pass 1 left them. */
  pass: z.union([z.literal(1), z.literal(2)]),
  samples: z.number().int().min(0),
  piles: piles.optional(),
  /** Pass 2: the fields with all class names, which a stream tells only at its end. */
  fields: fieldsSchema.optional(),
  /** Fields as they are stored, once that was decided: in pass 2 where samples are measured on the piles. */
  stored: fieldsSchema.optional(),
});

export type PackState = z.infer<typeof state>;
export type Begun = z.infer<typeof begun>;

/** Folder of the state and the piles. */
export function packingFolder(folder: string): string {
  return join(folder, packingName);
}

function statePath(folder: string): string {
  return join(packingFolder(folder), stateName);
}

/** Whether an unfinished pack has left its state, readable or not. */
export function hasState(folder: string): boolean {
  return fs.existsSync(statePath(folder));
}

/** @param isAppend whether a whole dataset is there too, which must not be lost */
export function readState(folder: string, isAppend = false): PackState | undefined {
  const path = statePath(folder);
  if (!fs.existsSync(path)) return undefined;
  const parsed = state.safeParse(jsonOf(path));
  if (parsed.success) return parsed.data;
  throw new SpillwayError("corrupt", `${path}, part of an unfinished pack, is damaged`, {
    remedy: isAppend ? "Give the unfinished part up with --discard." : `Remove ${folder} and pack again.`,
    where: { path, dataset: folder },
  });
}

/** Content of a state, undefined where it is no JSON. */
function jsonOf(path: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(readSmallFile(path, maxStateBytes)));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function writeState(folder: string, value: PackState): void {
  createFolder(packingFolder(folder));
  replaceFile(statePath(folder), JSON.stringify(value));
}

/** Removes the state alone: what was begun is not gone on with. False where there was none. */
export function forgetState(folder: string): boolean {
  const was = hasState(folder);
  fs.rmSync(statePath(folder), { force: true });
  return was;
}

/** Removes it with all scratch; the state goes last, so that a kill on the way leaves a pack that can be finished. */
export function removeState(folder: string): void {
  removeScratch(folder, () => true);
  fs.rmSync(packingFolder(folder), { recursive: true, force: true });
}

/** Removes scratch files, and leaves the state. */
export function removeScratch(folder: string, isToGo: (name: string) => boolean): void {
  const within = packingFolder(folder);
  for (const name of fs.existsSync(within) ? fs.readdirSync(within) : []) {
    if (name !== stateName && isToGo(name)) fs.rmSync(join(within, name), { force: true });
  }
}

const words: Record<keyof Begun, string> = {
  kind: "kind of source",
  fingerprint: "source (names, sizes or times of files)",
  layout: "layout",
  seed: "seed",
  shardBytes: "shard size",
  fields: "fields",
  dtype: "choice of types",
  before: "number of samples before it",
};

/** Whether a pack was begun with the same source and options. */
export function isSame(before: Begun, now: Begun): boolean {
  return (Object.keys(words) as (keyof Begun)[]).every((key) => before[key] === now[key]);
}

/** @throws SpillwayError `mismatch` if an unfinished pack was begun with something else */
export function requireSame(folder: string, before: Begun, now: Begun): void {
  for (const key of Object.keys(words) as (keyof Begun)[]) {
    if (before[key] === now[key]) continue;
    throw new SpillwayError(
      "mismatch",
      `${folder} holds an unfinished pack with another ${words[key]}: ${String(before[key]).slice(0, 200)} then, ${String(now[key]).slice(0, 200)} now`,
      {
        remedy: `Pack with the same source and options to go on, or ${
          before.before === 0
            ? `remove ${folder} to begin anew`
            : "give the unfinished part up with --discard"
        }.`,
        where: { dataset: folder },
      },
    );
  }
}
