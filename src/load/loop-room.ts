// How much of the memory a loop takes: the plan with the most readers that fits into what is free, with room left for
// loops that are still to come. Where nothing fits, the error says the smallest memory that does.

import { availableParallelism } from "node:os";
import type { SpillwayError } from "../errors.js";
import type { Normalisation } from "../kernels/decoding.js";
import type { Schedule } from "../order/schedule.js";
import { formatBytes } from "../store/byte-size.js";
import { planDecodings, writeDecodings } from "./decodings.js";
import { isShortage } from "./drawings.js";
import type { Engine } from "./engine.js";
import type { ImagePlan } from "./image-crop.js";
import { type Reservation, threadBytes } from "./memory-pool.js";
import {
  type Deliver,
  defaultDecoding,
  type LoopPlan,
  maxRunLength,
  type PlanInput,
  planLoop,
} from "./plan.js";
import type { Selection } from "./selection.js";
import { entriesBytes } from "./stream-control.js";

/** Which of some loops over one dataset a loop is: the parts of a mix. */
export interface Company {
  /** How many they are. */
  loops: number;
  /** How many of them start after this one, none with larger batches. */
  after: number;
}

/** Rooms for blocks are taken where they are less than this part of what the ring may have. */
const blockShare = 1 / 8;

/** What a loop's room depends on. */
export interface RoomRequest {
  schedule: Schedule;
  /** Of the view that is read. */
  selection: Selection;
  deliver: Deliver;
  /** By field name: what its values are moved and scaled by on delivery. */
  normalisations?: Readonly<Record<string, Normalisation>> | undefined;
  /** Reader threads; undefined lets the plan choose. */
  readers: number | undefined;
  /** What is done with encoded images; undefined for what is usual, or where there are none. */
  images?: ImagePlan | undefined;
  company?: Company | undefined;
  /** Of a stream, whose it is, the largest batch of those that draw from it, and for how many readers these have scratch. */
  stream?: { of: "a feed" | "an augmented loop"; largestBatch: number; mostReaders?: number } | undefined;
}

/**
 * Plans a loop and reserves what it needs. Drawings and rows that no loop uses make room where there is none.
 *
 * @throws SpillwayError `memory`, with the smallest that works
 */
export function reserveLoop(
  engine: Engine,
  request: RoomRequest,
  isResident: readonly boolean[],
): { plan: LoopPlan; reservation: Reservation } {
  const { deliver, normalisations } = request;
  const decodings = planDecodings(engine.table.columns, deliver, normalisations);
  const reserve = () => {
    const plan = chooseLoopPlan(engine, request, { isResident, decodings });
    const byteLength = plan.byteLength + (request.stream ? entriesBytes : 0);
    const reservation = engine.pool.reserve(
      byteLength,
      loopPurpose(plan, request),
      newThreads(engine, plan.readers),
    );
    writeDecodings(plan, decodings, reservation);
    return { plan, reservation };
  };
  try {
    return reserve();
  } catch (error) {
    if (!isShortage(error) || !engine.releaseUnused()) throw error;
    return reserve();
  }
}

/**
 * The plan with the most readers that fits into what is free now. A loop that may choose leaves room for one more of
 * its kind with one reader, where there is any: a validation loop can then run inside a training loop. For company that
 * starts after it, a loop leaves room in any case.
 */
function chooseLoopPlan(
  engine: Engine,
  request: RoomRequest,
  columns: Pick<PlanInput, "isResident" | "decodings">,
): LoopPlan {
  const { pool } = engine;
  const { schedule, deliver, company = { after: 0 } } = request;
  const leastSlots = request.stream ? leastRing(request.stream.largestBatch) : 0;
  const extraBytes = request.stream ? entriesBytes : 0;
  const batchSize = request.stream ? maxRunLength : Math.min(schedule.batchSize, schedule.epochCount);
  const { lanes } = defaultDecoding(availableParallelism());
  const planFor = (readers: number, ringBytes: number, hasBlocks = false) =>
    planLoop({
      columns: engine.table.columns,
      ...columns,
      batchSize,
      deliver,
      readers,
      ringBytes,
      leastSlots,
      lanes,
      hasBlocks,
    });
  const most = mostReaders(engine, request, columns.isResident);
  const fewest = request.readers === undefined ? 1 : most;
  const least = planFor(fewest, 0);
  const another = least.byteLength + fewest * threadBytes;
  // Trainers may yet join: where a stream cannot leave room, it is as small as it can be. So is a ring beside readers
  // that somebody asked for.
  const turns =
    request.readers === undefined
      ? [
          { loops: company.after + 1, isTight: false },
          { loops: company.after, isTight: request.stream !== undefined },
        ]
      : [
          { loops: company.after, isTight: false },
          { loops: company.after, isTight: true },
        ];
  for (const { loops, isTight } of turns) {
    for (let readers = isTight ? fewest : most; readers >= fewest; readers -= 1) {
      const free = pool.largestFree(newThreads(engine, readers)) - loops * another - extraBytes;
      const ringBytes = isTight ? 0 : Math.max(0, free / 2);
      const plan = planFor(readers, ringBytes);
      if (plan.byteLength > free) continue;
      const withBlocks = planFor(readers, ringBytes, true);
      const blockBytes = withBlocks.byteLength - plan.byteLength;
      const hasRoom = withBlocks.byteLength <= free && blockBytes <= ringBytes * blockShare;
      return hasRoom ? withBlocks : plan;
    }
  }
  throw shortageOf(engine, least, request, company.after * another + extraBytes);
}

/**
 * Readers that a loop gets at most.
 *
 * @param isResident columns that are held in memory whole; where that is not known yet, none
 */
export function mostReaders(
  engine: Engine,
  { selection, readers, company, stream }: RoomRequest,
  isResident: readonly boolean[] = [],
): number {
  const { reading, readers: threads, hasImages } = engine;
  const usual = () =>
    hasImages ? defaultDecoding(availableParallelism()).readers : reading.usualReaders(isResident, selection);
  const most =
    readers === undefined
      ? Math.max(1, Math.floor(usual() / (company?.loops ?? 1)))
      : reading.fittingReaders(readers, threads.idle);
  return Math.min(most, stream?.mostReaders ?? most);
}

function newThreads(engine: Engine, readers: number): number {
  return Math.max(0, readers - engine.readers.idle);
}

/** Slots of a ring out of which batches of this size are taken: two of them, and a run that is begun. */
export function leastRing(batchSize: number): number {
  return 2 * batchSize + maxRunLength;
}

function slotBytes({ fields }: LoopPlan): number {
  return fields.reduce((sum, field) => sum + field.deliveredStride, 8);
}

function loopPurpose(plan: LoopPlan, { stream }: RoomRequest): string {
  const batch = formatBytes((stream?.largestBatch ?? plan.batchSize) * slotBytes(plan));
  const threads = `${plan.readers} reader${plan.readers === 1 ? "" : "s"}`;
  return `${stream?.of ?? "a loop"} with two batches of ${batch}, ${threads} and their scratch`;
}

/** @param sparedBytes what the loop leaves to its company, or to the trainers that take from it */
function shortageOf(
  engine: Engine,
  plan: LoopPlan,
  request: RoomRequest,
  sparedBytes: number,
): SpillwayError {
  const { pool } = engine;
  const batchSize = request.stream?.largestBatch ?? plan.batchSize;
  const needed = plan.byteLength + newThreads(engine, plan.readers) * threadBytes + sparedBytes;
  const free = pool.largestFree(newThreads(engine, plan.readers)) - sparedBytes;
  const smaller = Math.floor((free - plan.scratch.byteLength * plan.readers) / (slotBytes(plan) * 3));
  const hint = smaller >= 1 && smaller < batchSize ? `, or lower batchSize to ${smaller}` : "";
  const others = request.company && sparedBytes > 0 ? " and room for the other parts of the mix" : "";
  return pool.shortage(needed, loopPurpose(plan, request) + others, hint);
}
