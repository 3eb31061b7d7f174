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
import { type Reservation, threadBytes } from "./memory-pool.js";
import {
  type Deliver,
  defaultDecoding,
  defaultReaders,
  type LoopPlan,
  type PlanInput,
  planLoop,
} from "./plan.js";

/** Which of some loops over one dataset a loop is: the parts of a mix. */
export interface Company {
  /** How many they are. */
  loops: number;
  /** How many of them start after this one, none with larger batches. */
  after: number;
}

/** What a loop's room depends on. */
export interface RoomRequest {
  schedule: Schedule;
  deliver: Deliver;
  /** By field name: what its values are moved and scaled by on delivery. */
  normalisations?: Readonly<Record<string, Normalisation>> | undefined;
  /** Reader threads; undefined lets the plan choose. */
  readers: number | undefined;
  company?: Company | undefined;
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
    const reservation = engine.pool.reserve(plan.byteLength, loopPurpose(plan));
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
  const { schedule, deliver, company = { loops: 1, after: 0 } } = request;
  const batchSize = Math.min(schedule.batchSize, schedule.epochCount);
  const cores = availableParallelism();
  const { readers: decoders, lanes } = defaultDecoding(cores);
  const planFor = (readers: number, ringBytes: number) =>
    planLoop({ columns: engine.table.columns, ...columns, batchSize, deliver, readers, ringBytes, lanes });
  const fewest = request.readers ?? 1;
  const usual = engine.hasImages ? decoders : defaultReaders(pool.byteLength, cores);
  const easy = Math.floor(usual / company.loops);
  const most = request.readers ?? Math.max(1, easy);
  const least = planFor(fewest, 0);
  const another = least.byteLength + fewest * threadBytes;
  const spared = request.readers === undefined ? [company.after + 1, company.after] : [company.after];
  for (const loops of spared) {
    for (let readers = most; readers >= fewest; readers -= 1) {
      const free = pool.largestFree(newThreads(engine, readers)) - loops * another;
      const plan = planFor(readers, Math.max(0, free / 2));
      if (plan.byteLength <= free) return plan;
    }
  }
  throw shortageOf(engine, least, batchSize, company.after * another);
}

function newThreads(engine: Engine, readers: number): number {
  return Math.max(0, readers - engine.readers.idle);
}

function loopPurpose(plan: LoopPlan): string {
  const slot = plan.fields.reduce((sum, field) => sum + field.deliveredStride, 8);
  const threads = `${plan.readers} reader${plan.readers === 1 ? "" : "s"}`;
  return `a loop with two batches of ${formatBytes(plan.batchSize * slot)}, ${threads} and their scratch`;
}

/** @param sparedBytes what the loop leaves to its company */
function shortageOf(engine: Engine, plan: LoopPlan, batchSize: number, sparedBytes: number): SpillwayError {
  const { pool } = engine;
  const slot = plan.fields.reduce((sum, field) => sum + field.deliveredStride, 8);
  const needed = plan.byteLength + newThreads(engine, plan.readers) * threadBytes + sparedBytes;
  const free = pool.largestFree(newThreads(engine, plan.readers)) - sparedBytes;
  const smaller = Math.floor((free - plan.scratch.byteLength * plan.readers) / (slot * 3));
  const hint = smaller >= 1 && smaller < batchSize ? `, or lower batchSize to ${smaller}` : "";
  const others = sparedBytes > 0 ? " and room for the other parts of the mix" : "";
  return pool.shortage(needed, loopPurpose(plan) + others, hint);
}
