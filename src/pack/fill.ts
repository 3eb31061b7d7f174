// Fills blocks from a source: many samples in flight where they can be read in any order, one after another where the
// source only goes from front to back.

import { SpillwayError } from "../errors.js";
import type { Source } from "../source/source.js";
import { sampleBytes } from "../tensor/field.js";
import type { Sample } from "../tensor/sample.js";
import type { Block } from "./block.js";
import type { DatasetWriter } from "./dataset-writer.js";
import type { Transcoder } from "./transcoder.js";

/** Samples between two looks at whether the caller wants to stop. */
const checkSamples = 64;

/** What every way of packing tells while it works. */
export interface Steps {
  /** `done` samples lie behind. */
  advance(done: number): void;
  /** Throws where the caller wants to stop. */
  check(): void;
}

/** Bytes of samples that are in flight, where they are coded before they are written. */
const flightBytes = 2 ** 23;

/** Which samples are written by their number, and in which order. */
export interface Numbered {
  /** Rows that are there from commits before. */
  before: number;
  /** Samples to be written. */
  count: number;
  /** Samples in flight at the same time. */
  jobs: number;
  /** Which sample of the source row `before + k` is. */
  indexOf(k: number): number;
  /** Codes samples on their way; undefined where they are stored as they come. */
  transcoder: Transcoder | undefined;
}

/** Writes samples from where the writer stands to the last. */
export async function writeByIndex(
  source: Source,
  writer: DatasetWriter,
  { before, count, jobs, indexOf, transcoder }: Numbered,
  steps: Steps,
): Promise<void> {
  for (let first = writer.submittedRows - before; first < count; first = writer.submittedRows - before) {
    steps.check();
    const { block, rows: room } = writer.nextBlock();
    const rows = Math.min(room, count - first);
    await fillByIndex(source, block, rows, jobs, (k) => indexOf(first + k), transcoder);
    await writer.submit(block, rows);
    steps.advance(first + rows);
  }
}

async function fillByIndex(
  source: Source,
  block: Block,
  count: number,
  jobs: number,
  indexOf: (record: number) => number,
  transcoder: Transcoder | undefined,
): Promise<void> {
  const most = transcoder ? Math.max(1, Math.floor(flightBytes / sampleBytes(source.fields))) : jobs;
  let next = 0;
  let failed = false;
  async function lane(): Promise<void> {
    const slot = transcoder?.slot();
    while (next < count && !failed) {
      const record = next;
      next += 1;
      try {
        const target = block.record(record);
        const origin = await source.readInto!(indexOf(record), slot ?? target);
        block.origins[record] = slot ? transcoder!.put(slot, target, origin) : origin;
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  }
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(jobs, count, most) }, lane));
  for (const result of lanes) if (result.status === "rejected") throw result.reason;
}

/** Writes samples as they come, until they end; gives their number, those of an interrupted pack included. */
export async function writeInTurn(
  samples: AsyncIterable<Sample>,
  writer: DatasetWriter,
  before: number,
  steps: Steps,
  transcoder?: Transcoder,
): Promise<number> {
  let { block, rows } = writer.nextBlock();
  let count = 0;
  for await (const sample of samples) {
    if (rows === 0) throw otherCount(writer.submittedRows - before, "more");
    const origin = { path: sample.path, ...(sample.row === undefined ? {} : { row: sample.row }) };
    if (transcoder) block.origins[count] = transcoder.put(sample.bytes, block.record(count), origin);
    else {
      block.put(count, sample.bytes);
      block.origins[count] = origin;
    }
    count += 1;
    if (count % checkSamples === 0 || count === rows) steps.check();
    if (count === rows) {
      await writer.submit(block, count);
      steps.advance(writer.submittedRows - before);
      ({ block, rows } = writer.nextBlock());
      count = 0;
    }
  }
  await writer.submit(block, count);
  steps.advance(writer.submittedRows - before);
  return writer.submittedRows - before;
}

/** The error for a source that said another number of samples than it gives. */
export function otherCount(said: number, given: number | "more"): SpillwayError {
  return new SpillwayError(
    "source",
    `the source gives ${given === "more" ? "more samples than" : `only ${given} samples of`} the ${said} it said it had`,
    {
      remedy: "Pack it again; it must not change meanwhile.",
    },
  );
}
