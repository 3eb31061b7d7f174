// The packer: raw data to a dataset, in bounded memory. Finds what the source is, chooses the way, checks space and memory
// first, and goes on where an interrupted pack of the same data stopped.
//
//   layout    source can be read at random     way
//   source    either                           one pass, in the source's order
//   shuffled  yes                              one pass, reading in permuted order
//   shuffled  no                               two passes over piles (two-pass.ts)

import fs from "node:fs";
import { catalogColumns } from "../catalog/catalog-writer.js";
import { SpillwayError } from "../errors.js";
import { type Layout, type Manifest, manifestName } from "../format/manifest.js";
import { shardBytes as defaultShardBytes, planSums } from "../format/shard.js";
import { checkSeed } from "../order/keys.js";
import { permutation } from "../order/permutation.js";
import { type SampleValues, sourceOf } from "../source/iterable.js";
import { openSource } from "../source/registry.js";
import type { Source, SourceOptions } from "../source/source.js";
import { formatBytes, parseBytes } from "../store/byte-size.js";
import { createFolder, freeBytes } from "../store/file.js";
import { freeMemory } from "../store/free-memory.js";
import { describeField, type Fields, sampleBytes } from "../tensor/field.js";
import { DatasetWriter, leastWriterBytes, readManifest } from "./dataset-writer.js";
import { type Steps, writeByIndex, writeInTurn } from "./fill.js";
import { type Lock, takeLock } from "./lock.js";
import type { PackOptions, PackProgress, PackResult } from "./options.js";
import { type Begun, type PackState, readState, removeState, requireSame, writeState } from "./state.js";
import { scratchBytes, type TwoPassJob, takeFromPiles, throwOnPiles, writerShare } from "./two-pass.js";

const layoutView = "6c61796f75740000";
const defaultJobs = 16;
const maxJobs = 1024;
const defaultMemoryBytes = 256 * 2 ** 20;
const leastShardBytes = 4096;
/** Bytes of a catalog row, for the space check only. */
const catalogRowBytes = 96;
/** Space that stays free besides what is needed. */
const spareBytes = 16 * 2 ** 20;

/** Does the work of `pack`, see there. */
export async function packSource(
  source: string | AsyncIterable<SampleValues> | Iterable<SampleValues>,
  path: string,
  options: PackOptions,
): Promise<PackResult> {
  const note = options.onNote ?? (() => {});
  requireRoom(path);
  const seed = checkSeed(options.seed ?? 0);
  checkOptions(options);
  const opened =
    typeof source === "string"
      ? await openSource(source, options)
      : await sourceOf(source, { ...(options.fields && { fields: options.fields }) });
  let lock: Lock | undefined;
  try {
    for (const line of describeSource(opened)) note(line);
    checkFields(opened);
    const isNew = !fs.existsSync(path);
    createFolder(path);
    lock = takeLock(path);
    if (lock.takenOverFrom) note(`Took over the lock of ${lock.takenOverFrom}.`);
    try {
      return await packInto(opened, path, seed, options, note);
    } catch (error) {
      if (isNew && !readState(path)) fs.rmSync(path, { recursive: true, force: true });
      throw error;
    }
  } finally {
    lock?.release();
    await opened.close();
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
  const committed = readManifest(path);
  const begun: Begun = {
    kind: source.kind,
    fingerprint: source.fingerprint,
    layout: layout.kind,
    seed,
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
    checkSpace(source, path, isTwoPass, shardBytes, note);
    state = { version: 1, begun, pass: 1, samples: 0 };
    writeState(path, state);
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
    layout,
    source: { kind: source.kind, fingerprint: source.fingerprint },
    plannedRows,
    memoryBytes,
    shardBytes,
    ...(committed && { committed }),
  });
}

async function packInOnePass(way: Way): Promise<Manifest> {
  const { source, layout, seed, jobs } = way;
  const count = source.sampleCount;
  if (count === 0) throw noSamples(source);
  const writer = createWriter(way, source.fields, count ?? null, way.memoryBytes);
  const steps = stepsFor(way, "writing", count);
  try {
    if (source.readInto && count !== undefined) {
      const order = layout.kind === "shuffled" ? permutation(count, seed, 0, layoutView) : undefined;
      await writeByIndex(source, writer, count, jobs, (row) => order?.at(row) ?? row, steps);
    } else {
      const written = await writeInTurn(source.samples(writer.submittedRows), writer, steps);
      if (written === 0) throw noSamples(source);
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
    memoryBytes,
    state: begun,
    steps: stepsFor(way, "reading", source.sampleCount),
  };
  const state = await throwOnPiles(job);
  const total = state.samples;
  if (total === 0) throw noSamples(source);
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

function checkOptions({ jobs, layout }: PackOptions): void {
  if (jobs !== undefined && !(Number.isInteger(jobs) && jobs >= 1 && jobs <= maxJobs)) {
    throw new SpillwayError("usage", `jobs ${jobs} is not a whole number from 1 to ${maxJobs}`, {
      remedy: `Leave it out, or use ${defaultJobs}.`,
    });
  }
  if (layout !== undefined && layout !== "shuffled" && layout !== "source") {
    throw new SpillwayError("usage", `layout "${String(layout)}" is not known`, {
      remedy: 'Use "shuffled" or "source".',
    });
  }
}

/** A place for a new dataset: nothing there, an empty folder, or an unfinished pack. */
function requireRoom(path: string): void {
  let files: string[];
  try {
    files = fs.readdirSync(path);
  } catch {
    if (!fs.existsSync(path)) return;
    throw new SpillwayError("exists", `${path} is a file`, {
      remedy: "Give the dataset a folder of its own.",
      where: { path },
    });
  }
  const isUnfinished = readState(path) !== undefined;
  if (isUnfinished || files.every((file) => file.startsWith(".lock"))) return;
  const what = files.includes(manifestName) ? "a dataset" : `${files.length} files that are no dataset`;
  throw new SpillwayError("exists", `${path} holds ${what} already`, {
    remedy: "Choose another folder, or remove this one first.",
    where: { path },
  });
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

function checkFields(source: Source): void {
  for (const [name, field] of Object.entries(source.fields)) {
    if (field.kind !== "class" || !(catalogColumns as readonly string[]).includes(name)) continue;
    throw new SpillwayError(
      "usage",
      `a class field cannot be called "${name}": the catalog has a column of that name`,
      {
        remedy: "Rename the field, for example to label.",
        where: { field: name },
      },
    );
  }
}

function noSamples(source: Source): SpillwayError {
  return new SpillwayError("source", `the source (${source.kind}) gave no samples`, {
    remedy: "Check that it is the right folder or iterable.",
  });
}

/** Memory for packing: what was given, if it is enough, or the default. */
function chooseMemory(fields: Fields, memory: string | number | undefined): number {
  const given = memory === undefined ? Math.min(defaultMemoryBytes, freeMemory() / 4) : parseBytes(memory);
  const least = Math.max(2 ** 20, Math.ceil(leastWriterBytes(fields) / writerShare / 2 ** 20) * 2 ** 20);
  if (given >= least) return given;
  if (memory === undefined) return least;
  throw new SpillwayError(
    "memory",
    `memory of ${formatBytes(given)} is too small to pack samples of ${formatBytes(sampleBytes(fields))}`,
    { remedy: `Give it memory: "${formatBytes(least)}".`, where: { neededBytes: least } },
  );
}

/** @throws SpillwayError `space` if the disk has too little room, scratch included */
function checkSpace(
  source: Source,
  path: string,
  isTwoPass: boolean,
  shardBytes: number,
  note: (text: string) => void,
): void {
  const free = freeBytes(path);
  if (source.sampleCount === undefined) {
    note(
      `${formatBytes(free)} are free on the disk; how much is needed is not known beforehand${isTwoPass ? ", and scratch takes as much again" : ""}.`,
    );
    return;
  }
  const { fields, sampleCount } = source;
  const data = sampleCount * (sampleBytes(fields) + catalogRowBytes) + planSums(fields, sampleCount).bytes;
  const scratch = isTwoPass ? scratchBytes(fields, sampleCount) : 0;
  // Piles go as shards come: at most one shard is there twice.
  const needed = isTwoPass ? Math.max(data, scratch) + Math.min(shardBytes, data) : data;
  const parts = isTwoPass ? `, ${formatBytes(scratch)} of it scratch that goes again` : "";
  note(`Needs ${formatBytes(needed)} of disk${parts}; ${formatBytes(free)} are free.`);
  if (needed + spareBytes <= free) return;
  throw new SpillwayError(
    "space",
    `packing needs ${formatBytes(needed)} at ${path}${parts}, and ${formatBytes(free)} are free`,
    {
      remedy: `Free ${formatBytes(needed + spareBytes - free)}, or choose a folder on another disk.`,
      where: { path, neededBytes: needed },
    },
  );
}
