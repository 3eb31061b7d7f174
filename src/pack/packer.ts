// The packer: raw data to a dataset, in bounded memory. Finds what the source is, chooses the way, checks space and memory
// first, and goes on where an interrupted pack of the same data stopped.
//
//   layout    source can be read at random     way
//   source    either                           one pass, in the source's order
//   shuffled  yes                              one pass, reading in permuted order
//   shuffled  no                               two passes over piles (two-pass.ts)

import fs from "node:fs";
import { dirname, join, resolve } from "node:path";
import { SpillwayError } from "../errors.js";
import { type Layout, type Manifest, manifestName } from "../format/manifest.js";
import { shardBytes as defaultShardBytes } from "../format/shard.js";
import { checkSeed } from "../order/keys.js";
import { permutation } from "../order/permutation.js";
import { type SampleValues, sourceOf } from "../source/iterable.js";
import { refuseOtherOptions } from "../source/options.js";
import { openSource } from "../source/registry.js";
import type { Source } from "../source/source.js";
import { formatBytes, parseBytes } from "../store/byte-size.js";
import { createFolder, syncFolder } from "../store/file.js";
import { describeField, type Fields, sampleBytes } from "../tensor/field.js";
import {
  checkOptions,
  checkSpace,
  chooseMemory,
  defaultJobs,
  requireFewShards,
  requireRoom,
} from "./checks.js";
import { DatasetWriter, readManifest } from "./dataset-writer.js";
import { checkFields } from "./field-checks.js";
import { otherCount, type Steps, writeByIndex, writeInTurn } from "./fill.js";
import { type Lock, takeLock } from "./lock.js";
import type { PackOptions, PackProgress, PackResult } from "./options.js";
import { type Begun, type PackState, readState, removeState, requireSame, writeState } from "./state.js";
import { arenaBytesOf, type TwoPassJob, takeFromPiles, throwOnPiles, writerShare } from "./two-pass.js";

const layoutView = "6c61796f75740000";
const leastShardBytes = 4096;

/** Does the work of `pack`, see there. */
export async function packSource(
  source: string | AsyncIterable<SampleValues> | Iterable<SampleValues>,
  path: string,
  options: PackOptions,
): Promise<PackResult> {
  const note = options.onNote ?? (() => {});
  options.signal?.throwIfAborted();
  requireRoom(path, false);
  const seed = checkSeed(options.seed ?? 0);
  checkOptions(options);
  if (typeof source !== "string") refuseOtherOptions("samples", options, []);
  const opened =
    typeof source === "string"
      ? await openSource(source, options)
      : await sourceOf(source, { ...(options.fields && { fields: options.fields }) });
  try {
    for (const line of describeSource(opened)) note(line);
    checkFields(opened.fields);
    if (opened.sampleCount === 0) throw noSamples(opened);
    return await packUnderLock(opened, path, seed, options, note);
  } finally {
    await opened.close();
  }
}

async function packUnderLock(
  source: Source,
  path: string,
  seed: number,
  options: PackOptions,
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
    if (!readState(path) && readManifest(path)) removeState(path);
    requireRoom(path, true);
    return await packInto(source, path, seed, options, note);
  } finally {
    lock?.release();
    if (isNew) removeIfEmpty(path);
  }
}

function removeIfEmpty(path: string): void {
  try {
    fs.rmdirSync(path);
  } catch {
    // It holds a dataset, finished or not.
  }
}

async function packInto(
  source: Source,
  path: string,
  seed: number,
  options: PackOptions,
  note: (text: string) => void,
): Promise<PackResult> {
  const layout: Layout =
    (options.layout ?? "shuffled") === "shuffled" ? { kind: "shuffled", seed } : { kind: "source" };
  const shardBytes = Math.max(
    leastShardBytes,
    parseBytes(options.shardSize ?? defaultShardBytes, "shardSize"),
  );
  const memoryBytes = chooseMemory(source.fields, options.memory);
  requireFewShards(source, shardBytes);
  const committed = readManifest(path);
  const begun: Begun = {
    kind: source.kind,
    fingerprint: source.fingerprint,
    layout: layout.kind,
    seed: layout.kind === "shuffled" ? seed : 0,
    shardBytes,
    fields: JSON.stringify(source.fields),
  };
  let state = readState(path);
  if (state) requireSame(path, state.begun, begun);
  const resumedAt = committed?.rows ?? 0;
  if (state)
    note(
      resumedAt > 0
        ? `Going on with an unfinished pack: ${resumedAt} samples are in place.`
        : "Going on with an unfinished pack.",
    );
  const isTwoPass = layout.kind === "shuffled" && !(source.readInto && source.sampleCount !== undefined);
  if (!state) {
    checkSpace(
      { source, path, shardBytes, ...(isTwoPass && { arenaBytes: arenaBytesOf(memoryBytes) }) },
      note,
    );
    state = { version: 1, begun, pass: 1, samples: 0 };
    beginState(path, state);
  }

  const way: Way = {
    source,
    path,
    layout,
    seed,
    shardBytes,
    memoryBytes,
    committed,
    jobs: options.jobs ?? defaultJobs,
    options,
  };
  const manifest = isTwoPass ? await packInTwoPasses(way, state) : await packInOnePass(way);
  removeState(path);
  return {
    path,
    fields: manifest.fields as Fields,
    rows: manifest.rows,
    bytes: manifest.shards.reduce((sum, shard) => sum + shard.bytes, 0),
    shards: manifest.shards.length,
    resumedAt,
  };
}

/** Everything that both ways of packing need. */
interface Way {
  source: Source;
  path: string;
  layout: Layout;
  seed: number;
  shardBytes: number;
  memoryBytes: number;
  committed: Manifest | undefined;
  jobs: number;
  options: PackOptions;
}

function stepsFor(way: Way, phase: PackProgress["phase"], total: number | undefined): Steps {
  const each = sampleBytes(way.source.fields);
  return {
    advance: (samples) => way.options.onProgress?.({ phase, samples, total, bytes: samples * each }),
    check: () => way.options.signal?.throwIfAborted(),
  };
}

function createWriter(
  way: Way,
  fields: Fields,
  plannedRows: number | null,
  memoryBytes: number,
): DatasetWriter {
  const { path, layout, source, shardBytes, committed } = way;
  return new DatasetWriter({
    folder: path,
    fields,
    ...(source.columns && { columns: source.columns }),
    layout,
    source: { kind: source.kind, fingerprint: source.fingerprint },
    plannedRows,
    memoryBytes,
    shardBytes,
    ...(committed && { committed }),
  });
}

async function packInOnePass(way: Way): Promise<Manifest> {
  const { source, layout, seed, jobs, path } = way;
  const count = source.sampleCount;
  const writer = createWriter(way, source.fields, count ?? null, way.memoryBytes);
  const steps = stepsFor(way, "writing", count);
  try {
    if (source.readInto && count !== undefined) {
      const order = layout.kind === "shuffled" ? permutation(count, seed, 0, layoutView) : undefined;
      await writeByIndex(source, writer, count, jobs, (row) => order?.at(row) ?? row, steps);
    } else {
      const written = await writeInTurn(source.samples(writer.submittedRows), writer, steps);
      if (count !== undefined && written < count) throw otherCount(count, written);
      if (written === 0) {
        removeEmpty(path);
        throw noSamples(source);
      }
    }
    return await writer.finish();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}

async function packInTwoPasses(way: Way, begun: PackState): Promise<Manifest> {
  const { source, path, seed, memoryBytes } = way;
  const job: TwoPassJob = {
    folder: path,
    source,
    seed,
    arena: new Uint8Array(arenaBytesOf(memoryBytes)),
    state: begun,
    steps: stepsFor(way, "reading", source.sampleCount),
  };
  const state = await throwOnPiles(job);
  const total = state.samples;
  if (total === 0) {
    removeState(path);
    throw noSamples(source);
  }
  const fields = (state.fields ?? source.fields) as Fields;
  const writer = createWriter(way, fields, total, memoryBytes * writerShare);
  const done: { end: number; remove: () => void }[] = [];
  const onPileDone = (end: number, remove: () => void) => {
    done.push({ end, remove });
    // A pile goes when all of it is committed: until then a kill would need it.
    while (done.length > 0 && done[0]!.end <= writer.committedRows) done.shift()!.remove();
  };
  try {
    const samples = takeFromPiles({ ...job, state }, writer.submittedRows, onPileDone);
    await writeInTurn(samples, writer, stepsFor(way, "writing", total));
    return await writer.finish();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
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

/** Removes what was begun for a stream that turned out to be empty. */
function removeEmpty(path: string): void {
  for (const name of [manifestName, "shards", "catalog"])
    fs.rmSync(join(path, name), { recursive: true, force: true });
  removeState(path);
}

function describeSource(source: Source): string[] {
  const count =
    source.sampleCount === undefined ? "samples, as many as come" : `${source.sampleCount} samples`;
  const each = sampleBytes(source.fields);
  const size =
    source.sampleCount === undefined ? `${formatBytes(each)} each` : formatBytes(each * source.sampleCount);
  const fields = Object.entries(source.fields).map(([name, field]) => `  ${name}: ${describeField(field)}`);
  return [`Found ${count} (${source.kind}), ${size}:`, ...fields, ...source.notes];
}

function noSamples(source: Source): SpillwayError {
  return new SpillwayError("source", `the source (${source.kind}) gave no samples`, {
    remedy: "Check that it is the right folder or iterable.",
  });
}
