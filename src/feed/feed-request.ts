// What a feed is made of, as the view that it reads has checked it.
// Rule: plain data; what only tests may say of a feed is here and in no public option.

import type { GroundRequest } from "../load/ground.js";
import type { StreamRequest } from "../load/stream.js";

/** A feed as it is asked for, everything checked. */
export interface FeedRequest
  extends Omit<GroundRequest, "signal">,
    Omit<StreamRequest, "schedule" | "selection"> {
  /** Position at which it starts. */
  position: number;
  commit: number;
  /** Largest batch of trainers that join later. */
  largestBatch: number;
  debug: boolean;
  /** After how long a trainer that others wait for is named in a warning, default 10 s. */
  patienceMs?: number;
  /** What the stream counts its first sample; above 0 in tests of what happens after billions of samples. */
  firstCount?: number;
}
