// The packer: raw data to a dataset, in bounded memory. Finds what the source is, chooses the way, checks space and memory
// first, and goes on where an interrupted pack of the same data stopped.
//
//   layout    source can be read at random     way
//   source    either                           one pass, in the source's order
//   shuffled  yes                              one pass, reading in permuted order
//   shuffled  no                               two passes over piles (two-pass.ts)
//   (index)   yes                              one pass, in the source's order; samples stay in their files

import fs from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type Layout, type Manifest, manifestName } from "../format/manifest.js";
import { shardBytes as defaultShardBytes, rowsPerShard } from "../format/shard.js";
import { checkSeed } from "../order/keys.js";
import { type SampleValues, sourceOf } from "../source/iterable.js";
import { readManifest } from "../source/manifest-file.js";
import { refuseOtherOptions } from "../source/options.js";
import { openSource } from "../source/registry.js";
import { bytesPerSample, type ImageDefault, type Source } from "../source/source.js";
import { formatBytes, parseBytes } from "../store/byte-size.js";
import { createFolder, syncFolder } from "../store/file.js";
import { describeField, type Fields } from "../tensor/field.js";
import { sourceToAppend } from "./append.js";
import {
  checkOptions,
  checkSpace,
  chooseMemory,
  defaultJobs,
  requireFewShards,
  requireRoom,
} from "./checks.js";
import { withOrigins } from "./dataset-copy.js";
import { type Decision, decideFields } from "./decide-fields.js";
import { checkFields } from "./field-checks.js";
import { locatedSource } from "./index-source.js";
import { IndexWriter, maxIndexRows } from "./index-writer.js";
import { type Lock, takeLock } from "./lock.js";
import type { PackOptions, PackResult } from "./options.js";
import { ShardWriter } from "./shard-writer.js";
import {
  type Begun,
  hasState,
  isSame,
  type PackState,
  readState,
  removeState,
  requireSame,
  writeState,
} from "./state.js";
import { fieldsToGive, withSourceClasses } from "./stored-fields.js";
import { takeSource } from "./take-source.js";
import { arenaBytesOf } from "./two-pass.js";
import { noSamples, packInOnePass, packInTwoPasses, type Way } from "./ways.js";

const leastShardBytes = 4096;

/** What is to be made of a source. */
export interface PackTask {
  /** Whether the samples stay in their files. */
  isIndex: boolean;
  /** Whether a whole dataset is there already, which grows. */
  isAppend: boolean;
  /** Most rows of an index; another number in tests only. */
  indexRows?: number;
  /** Fields as they are to be stored, where that was decided already. */
  stored?: Fields;
}

/** Does the work of `pack`, `index` and `append`, see there. */
export async function packSource(
  source: string | AsyncIterable<SampleValues> | Iterable<SampleValues>,
  path: string,
  options: PackOptions,
  task: PackTask = { isIndex: false, isAppend: false },
): Promise<PackResult> {
  options.signal?.throwIfAborted();
  requireRoom(path, false, task.isAppend);
  checkSeed(options.seed ?? 0);
  checkOptions(options);
  if (typeof source !== "string") refuseOtherOptions("samples", options, []);
  // Samples that are added have the dataset's fields where they are not declared.
  const there = task.isAppend ? (readManifest(path)?.fields as Fields | undefined) : undefined;
  const fields = options.fields ?? (there && fieldsToGive(there));
  const opened =
    typeof source === "string"
      ? await openSource(source, options, imagesByDefault(there, task))
      : await sourceOf(source, { ...(fields && { fields }) });
  try {
    const { take, even: isEven = false, seed: takeSeed = 0 } = options;
    if (take === undefined) return await packOpened(opened, path, options, task);
    // Some samples of a dataset have the paths and columns of its catalog, and ids of their own.
    const named = opened.dataset && withOrigins(opened, opened.dataset);
    try {
      const taken = takeSource(named?.source ?? opened, { take, isEven, seed: takeSeed });
      return await packOpened(taken, path, options, task);
    } finally {
      named?.release();
    }
  } finally {
    await opened.close();
  }
}

/** Images that are added are as those that are there; an index leaves nothing encoded so far. */
function imagesByDefault(there: Fields | undefined, { isIndex }: PackTask): ImageDefault {
  if (there) return Object.values(there).some(({ kind }) => kind === "image") ? "encoded" : "decoded";
  return isIndex ? "decoded" : "choose";
}

async function packOpened(
  opened: Source,
  path: string,
  options: PackOptions,
  task: PackTask,
): Promise<PackResult> {
  const note = options.onNote ?? (() => {});
  for (const line of describeSource(opened)) note(line);
  if (opened.sampleCount === 0) throw noSamples(opened);
  checkFields(opened.fields);
  return packUnderLock(opened, path, options, task, note);
}

async function packUnderLock(
  opened: Source,
  path: string,
  options: PackOptions,
  task: PackTask,
  note: (text: string) => void,
): Promise<PackResult> {
  const isNew = !fs.existsSync(path);
  createFolder(path);
  if (isNew) syncFolder(dirname(resolve(path)));
  let lock: Lock | undefined;
  try {
    lock = takeLock(path);
    if (lock.takenOverFrom) note(`Took over the lock of ${lock.takenOverFrom}.`);
    // A pack that was finished but for its scratch, or that another process finished before this one had the lock.
    if (!hasState(path) && fs.existsSync(join(path, manifestName))) removeState(path);
    // Twice at most: what another pack had finished but for its state is tidied up first.
    for (;;) {
      requireRoom(path, true, task.isAppend);
      const result = await packOnce(opened, path, options, task, note);
      if (result) return result;
    }
  } finally {
    lock?.release();
    if (isNew) removeIfEmpty(path);
  }
}

/** As `packInto`, with the source as the dataset needs it. */
async function packOnce(
  opened: Source,
  path: string,
  options: PackOptions,
  task: PackTask,
  note: (text: string) => void,
): Promise<PackResult | undefined> {
  const committed = readManifest(path);
  if (!task.isAppend) {
    const source = task.isIndex ? locatedSource(opened, undefined) : opened;
    return packInto(source, path, task, committed, options, note);
  }
  const { source, dataset, release } = await sourceToAppend(opened, path, committed, options, note);
  try {
    const isIndex = dataset.files !== undefined;
    return await packInto(source, path, { ...task, isIndex }, dataset, options, note);
  } finally {
    release();
  }
}

function removeIfEmpty(path: string): void {
  try {
    fs.rmdirSync(path);
  } catch {
    // It holds a dataset, finished or not.
  }
}

/** Packs, or goes on. Undefined where a finished pack of other samples had left its state, which is gone now. */
async function packInto(
  source: Source,
  path: string,
  task: PackTask,
  committed: Manifest | undefined,
  options: PackOptions,
  note: (text: string) => void,
): Promise<PackResult | undefined> {
  const { isIndex, isAppend, indexRows = maxIndexRows } = task;
  const seed = options.seed ?? 0;
  // Samples of a dataset that get new ids come in the order of their old ones, in which their catalog can be read.
  const isRenumbered = source.kind === "dataset" && (isAppend || source.dataset === undefined);
  const isShuffled = !isIndex && !isRenumbered && (options.layout ?? "shuffled") === "shuffled";
  const layout: Layout = isShuffled ? { kind: "shuffled", seed } : { kind: "source" };
  const shardBytes = Math.max(
    leastShardBytes,
    parseBytes(options.shardSize ?? defaultShardBytes, "shardSize"),
  );
  let state = readState(path, isAppend);
  // Killed right after its last commit: all is in place but for the state.
  const isDone = state && committed && !committed.packing && committed.rows > state.begun.before;
  const before = isAppend ? rowsBefore(committed, isDone ? state?.begun.before : undefined) : 0;
  const begun: Begun = {
    kind: source.kind,
    fingerprint: source.fingerprint,
    layout: isIndex ? "index" : layout.kind,
    seed: isShuffled ? seed : 0,
    shardBytes,
    fields: JSON.stringify(source.fields),
    dtype: JSON.stringify([options.dtype ?? "keep", options.lossy ?? false, options.clip ?? false]),
    before,
  };
  const isOurs = state && isAppend === state.begun.before > 0 && isSame(state.begun, begun);
  if (state && isDone && !isOurs) {
    removeState(path);
    return undefined;
  }
  if (state) requireSame(path, state.begun, begun);
  const resumedAt = state && committed ? committed.rows - before : 0;
  if (state)
    note(
      resumedAt > 0
        ? `Going on with an unfinished pack: ${resumedAt} samples are in place.`
        : "Going on with an unfinished pack.",
    );
  const isTwoPass = isShuffled && !(source.readInto && source.sampleCount !== undefined);
  const { fields, decide }: Decision =
    state?.stored && !isTwoPass
      ? { fields: state.stored as Fields, decide: undefined }
      : await decideFields(source, task, committed, options, isTwoPass, note);
  const memoryBytes = chooseMemory(fields, options.memory);
  if (!isIndex) requireFewShards(source, fields, shardBytes);
  if (!state) {
    checkSpace(
      {
        source,
        fields,
        path,
        shardBytes,
        isIndex,
        ...(isTwoPass && { arenaBytes: arenaBytesOf(memoryBytes) }),
      },
      note,
    );
    state = {
      version: 1,
      begun,
      pass: 1,
      samples: 0,
      ...(!isTwoPass && { stored: fields as PackState["fields"] }),
    };
    beginState(path, state);
  }

  const way: Way = {
    source,
    fields: withSourceClasses(fields, source.fields),
    decide,
    isClipping: options.clip === true,
    path,
    before,
    head: {
      layout,
      source: { kind: source.kind, fingerprint: source.fingerprint },
      ...(isIndex && { files: { field: source.files!.field, root: source.files!.root } }),
    },
    order: isShuffled ? seed : undefined,
    shardRows: (stored) => (isIndex ? indexRows : rowsPerShard(stored, shardBytes)),
    createSink: isIndex
      ? (sink) => new IndexWriter(sink, source.files!.field)
      : (sink) => new ShardWriter(sink, shardBytes),
    memoryBytes,
    committed,
    original: isAppend ? undefined : source.dataset,
    jobs: options.jobs ?? defaultJobs,
    options,
  };
  const manifest = isDone
    ? committed
    : isTwoPass
      ? await packInTwoPasses(way, state)
      : await packInOnePass(way);
  // Before the state goes: what a kill leaves undone here is done when the command is run again.
  if (isAppend) {
    const { extendSchemes } = await import("./extend-schemes.js");
    await extendSchemes(path, manifest, note);
  }
  removeState(path);
  return {
    path,
    fields: manifest.fields as Fields,
    rows: manifest.rows,
    added: manifest.rows - before,
    bytes: manifest.shards.reduce((sum, shard) => sum + shard.bytes, 0),
    shards: manifest.shards.length,
    resumedAt,
    isIndexed: isIndex,
    isAppended: isAppend,
  };
}

/** Rows of the commits before the one that is being appended, or will be. */
function rowsBefore(committed: Manifest | undefined, ofDone: number | undefined): number {
  return ofDone ?? committed?.packing?.before ?? committed?.rows ?? 0;
}

/** Writes the first state; if that fails, nothing of it stays. */
function beginState(path: string, state: PackState): void {
  try {
    writeState(path, state);
  } catch (error) {
    removeState(path);
    throw error;
  }
}

function describeSource(source: Source): string[] {
  const count =
    source.sampleCount === undefined ? "samples, as many as come" : `${source.sampleCount} samples`;
  const each = bytesPerSample(source);
  const size =
    source.sampleCount === undefined ? `${formatBytes(each)} each` : formatBytes(each * source.sampleCount);
  const fields = Object.entries(source.fields).map(([name, field]) => `  ${name}: ${describeField(field)}`);
  return [`Found ${count} (${source.kind}), ${size}:`, ...fields, ...source.notes];
}
