// Memory of a feed, laid out before anything is read: for each trainer its own, and for all the ring, as large as the
// largest batch needs.
// Rule: either all of it is there, or what was taken is given back and the error names the smallest memory that works.

import type { Engine } from "../load/engine.js";
import type { Ground } from "../load/ground.js";
import { clearMaking } from "../load/making-costs.js";
import type { Reservation } from "../load/memory-pool.js";
import { endlessSchedule, Stream, type StreamRequest } from "../load/stream.js";
import type { FeedRequest } from "./feed-request.js";
import type { Member } from "./member.js";

/** What a feed's memory depends on beside its trainers. */
export interface LayoutParts {
  request: FeedRequest;
  ground: Ground;
  /** For how many readers trainers have scratch. */
  mostReaders: number;
}

/** Reserves memory for some trainers, which have none, and a stream for them. @throws SpillwayError `memory` */
export function layOut(engine: Engine, members: readonly Member[], parts: LayoutParts): Stream {
  try {
    for (const each of members) each.own = reserve(engine, each);
    const largest = Math.max(...members.map(({ request }) => request.batchSize));
    const stream = new Stream(engine, streamRequest(largest, parts), parts.ground);
    for (const each of members) clear(each);
    return stream;
  } catch (error) {
    // As if nobody had asked: less may fit still, for which pages that were never touched must not count.
    for (const each of [...members].reverse()) {
      each.own?.undo();
      each.own = undefined;
    }
    throw error;
  }
}

/** What the ring depends on; @param largest batch of the trainers */
function streamRequest(largest: number, { request, mostReaders }: LayoutParts): StreamRequest {
  const { deliver, normalisations, readers, images, seed, selection, largestBatch } = request;
  return {
    schedule: endlessSchedule(selection.count, 0),
    selection,
    deliver,
    normalisations,
    readers,
    images,
    seed,
    stream: { of: "a feed", largestBatch: Math.max(largest, largestBatch), mostReaders },
  };
}

/** Reserves what is a trainer's alone: its spare, or its ring. @throws SpillwayError `memory` */
export function reserveOwn(engine: Engine, member: Member): void {
  member.own = reserve(engine, member);
  clear(member);
}

export function giveBack(member: Member): void {
  member.own?.release();
  member.own = undefined;
}

function reserve(engine: Engine, { making, request }: Member): Reservation {
  const purpose = `${request.name} with batches of ${request.batchSize}`;
  return engine.pool.reserve(making.byteLength, purpose);
}

/** No run of its ring is there, and nothing was spent on it. */
function clear({ own, making }: Member): void {
  clearMaking(own!, making);
}
