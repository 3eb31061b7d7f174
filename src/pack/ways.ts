// The two ways in which samples get into a dataset: in one pass, or in two over piles. Both write through a
// DatasetWriter, and go on where that stands.

import fs from "node:fs";
import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import { type Manifest, manifestName } from "../format/manifest.js";
import { layoutPermutation } from "../order/layout.js";
import { readManifest } from "../source/manifest-file.js";
import { bytesPerSample, type Source } from "../source/source.js";
import type { Fields } from "../tensor/field.js";
import { keepOriginal, type Original } from "./dataset-copy.js";
import { DatasetWriter } from "./dataset-writer.js";
import type { Decision } from "./decide-fields.js";
import { discardAppend } from "./discard.js";
import { otherCount, type Steps, writeByIndex, writeInTurn } from "./fill.js";
import type { PackOptions, PackProgress } from "./options.js";
import type { CreateSink } from "./row-sink.js";
import { type PackState, removeState, writeState } from "./state.js";
import { withSourceClasses } from "./stored-fields.js";
import { Transcoder } from "./transcoder.js";
import { arenaBytesOf, type TwoPassJob, takeFromPiles, throwOnPiles, writerShare } from "./two-pass.js";

/** Everything that both ways of packing need. */
export interface Way {
  source: Source;
  /** Fields as they are stored, as far as that is known before the first pass. */
  fields: Fields;
  /** Decides how the samples on the piles are stored, where that has still to be done. */
  decide: Decision["decide"];
  /** Whether values are cut to the range that can be stored. */
  isClipping: boolean;
  path: string;
  /** Rows of the commits before. */
  before: number;
  head: Pick<Manifest, "layout" | "source" | "files">;
  /** Seed of the order in which samples are written, undefined for the source's. */
  order: number | undefined;
  /** Most rows of a shard of such fields. */
  shardRows: (fields: Fields) => number;
  createSink: CreateSink;
  memoryBytes: number;
  committed: Manifest | undefined;
  /** The dataset whose ids, catalog and splits the new one keeps. */
  original: Original | undefined;
  jobs: number;
  options: PackOptions;
}

function stepsFor(way: Way, phase: PackProgress["phase"], total: number | undefined): Steps {
  const each = bytesPerSample(way.source);
  return {
    advance: (samples) => way.options.onProgress?.({ phase, samples, total, bytes: samples * each }),
    check: () => way.options.signal?.throwIfAborted(),
  };
}

function createWriter(
  way: Way,
  fields: Fields,
  count: number | undefined,
  memoryBytes: number,
): Promise<DatasetWriter> {
  const { path, before, head, shardRows, createSink, committed, original } = way;
  return DatasetWriter.create({
    hasCatalog: original === undefined,
    folder: path,
    fields,
    ...(way.source.columns && { columns: way.source.columns }),
    head,
    plannedRows: count === undefined ? null : before + count,
    memoryBytes,
    shardRows: shardRows(fields),
    createSink,
    ...(committed && { committed }),
  });
}

/** One pass: by their numbers where samples can be read at random, else as they come. */
export async function packInOnePass(way: Way): Promise<Manifest> {
  const { source, order, before, jobs, path } = way;
  const count = source.sampleCount;
  const writer = await createWriter(way, way.fields, count, way.memoryBytes);
  const transcoder = Transcoder.create(source.fields, way.fields, way.isClipping);
  const steps = stepsFor(way, "writing", count);
  try {
    if (source.readInto && count !== undefined) {
      const places = order === undefined ? undefined : layoutPermutation(count, order);
      const indexOf = (row: number) => places?.at(row) ?? row;
      await writeByIndex(source, writer, { before, count, jobs, indexOf, transcoder }, steps);
    } else {
      const written = await writeInTurn(
        source.samples(writer.submittedRows - before),
        writer,
        before,
        steps,
        transcoder,
      );
      if (count !== undefined && written < count) throw otherCount(count, written);
      if (written === 0) {
        removeEmpty(path, before);
        throw noSamples(source);
      }
    }
    const { original } = way;
    return await writer.finish((manifest) => original && keepOriginal(original, path, manifest, order));
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}

/** Two passes over piles, from where an interrupted pack stood. */
export async function packInTwoPasses(way: Way, begun: PackState): Promise<Manifest> {
  const { source, path, before, memoryBytes } = way;
  const job: TwoPassJob = {
    folder: path,
    source,
    seed: way.order!,
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
  const given = (state.fields ?? source.fields) as Fields;
  const fields = withSourceClasses(await decideOnPiles(way, job, state, given, total), given);
  const writer = await createWriter(way, fields, total, memoryBytes * writerShare);
  const transcoder = Transcoder.create(given, fields, way.isClipping);
  const done: { end: number; remove: () => void }[] = [];
  const onPileDone = (end: number, remove: () => void) => {
    done.push({ end: before + end, remove });
    // A pile goes when all of it is committed: until then a kill would need it.
    while (done.length > 0 && done[0]!.end <= writer.committedRows) done.shift()!.remove();
  };
  try {
    const samples = takeFromPiles({ ...job, state }, writer.submittedRows - before, onPileDone);
    await writeInTurn(samples, writer, before, stepsFor(way, "writing", total), transcoder);
    return await writer.finish();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}

/** Fields as they are stored, chosen by the samples on the piles where that was asked for. */
async function decideOnPiles(
  way: Way,
  job: TwoPassJob,
  state: PackState,
  given: Fields,
  total: number,
): Promise<Fields> {
  if (!way.decide) return way.fields;
  if (state.stored) return state.stored as Fields;
  // In their final order, which does not depend on memory.
  const samples = () => takeFromPiles({ ...job, state }, 0, () => {});
  const fields = await way.decide({ fields: given, sampleCount: total, samples });
  writeState(way.path, { ...state, stored: fields as PackState["fields"] });
  return fields;
}

/** Removes what was begun for a stream that turned out to be empty. */
function removeEmpty(path: string, before: number): void {
  const manifest = readManifest(path);
  if (before > 0 && manifest) discardAppend(path, manifest);
  else {
    for (const name of [manifestName, "shards", "index", "catalog"])
      fs.rmSync(join(path, name), { recursive: true, force: true });
  }
  removeState(path);
}

/** The error for a source that turned out to be empty. */
export function noSamples(source: Source): SpillwayError {
  return new SpillwayError("source", `the source (${source.kind}) gave no samples`, {
    remedy: "Check that it is the right folder or iterable.",
  });
}
