// The ways of packing that are killed: small shards, so that there are many commits, and little memory.

import { type PackOptions, type PackResult, pack } from "spillway";
import { stream, streamFields } from "./sources.js";

export const ways = ["one pass", "two passes", "two passes of a stream", "one pass of a stream"] as const;
export type Way = (typeof ways)[number];

/** Samples of each way. */
export const counts: Record<Way, number> = {
  "one pass": 300,
  "two passes": 1200,
  "two passes of a stream": 1200,
  "one pass of a stream": 1200,
};

/** Packs what `source` names; the streams make their samples themselves. */
export function packAs(way: Way, source: string, target: string, options: PackOptions): Promise<PackResult> {
  const all: PackOptions = { memory: "1 MiB", seed: 3, ...options };
  switch (way) {
    case "one pass":
      return pack(source, target, { ...all, shardSize: 5000 });
    case "two passes":
      return pack(source, target, { ...all, shardSize: 8192 });
    case "two passes of a stream":
      return pack(stream(counts[way]), target, { ...all, fields: streamFields, shardSize: "12 KiB" });
    case "one pass of a stream":
      return pack(stream(counts[way]), target, { ...all, layout: "source", shardSize: "12 KiB" });
  }
}
