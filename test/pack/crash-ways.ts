// The ways of making and growing a dataset that are killed: small shards, so that there are many commits, and little
// memory. A way that adds to a dataset begins with one that is there.

import fs from "node:fs";
import { join } from "node:path";
import { type PackOptions, type PackResult, pack } from "spillway";
import { append, index } from "#spillway/pack/pack";
import { packSource } from "#spillway/pack/packer";
import { drawn, drawnFields } from "./pictures.js";
import { idxPair, npyFolder, stream, streamFields } from "./sources.js";

/** One way, as it is killed and gone on with. */
export interface WayOfPacking {
  /** Samples in the end. */
  count: number;
  /** Samples that are there before. */
  before: number;
  /** Makes the raw data in a folder, and gives what to pack of it. */
  source(folder: string): string | Promise<string>;
  /** Makes the dataset that is added to, where there is one. */
  base?(source: string, path: string): Promise<unknown>;
  /** Packs, or adds to what is there. */
  run(source: string, path: string, options: PackOptions): Promise<PackResult>;
}

const small: PackOptions = { memory: "1 MiB", seed: 3 };
const shards: PackOptions = { ...small, shardSize: "12 KiB" };
const streamed: PackOptions = { ...shards, fields: streamFields };
/** Indexes of a few rows. */
const indexTask = { isIndex: true, isAppend: false, indexRows: 40 };
const appendTask = { ...indexTask, isIndex: false, isAppend: true };
/** Where the files of a growing index lie, and those that come later. */
const later = (folder: string) => npyFolder(folder, 200, 64, 100);

export const packs = {
  "one pass": {
    count: 300,
    before: 0,
    source: (folder) => npyFolder(folder, 300, 64),
    run: (source, path, options) => pack(source, path, { ...small, shardSize: 5000, ...options }),
  },
  "two passes": {
    count: 1200,
    before: 0,
    source: (folder) => idxPair(folder, 1200, 10),
    run: (source, path, options) => pack(source, path, { ...small, shardSize: 8192, ...options }),
  },
  "two passes of a stream": {
    count: 1200,
    before: 0,
    source: () => "",
    run: (_, path, options) => pack(stream(1200), path, { ...streamed, ...options }),
  },
  "one pass of a stream": {
    count: 1200,
    before: 0,
    source: () => "",
    run: (_, path, options) => pack(stream(1200), path, { ...streamed, layout: "source", ...options }),
  },
  "an index": {
    count: 300,
    before: 0,
    source: (folder) => npyFolder(folder, 300, 64),
    run: (source, path, options) => packSource(source, path, { ...small, ...options }, indexTask),
  },
  "encoded images in two passes": {
    count: 400,
    before: 0,
    source: () => "",
    run: (_, path, options) => pack(drawn(400), path, { ...shards, fields: drawnFields, ...options }),
  },
  "a dataset packed again": {
    count: 600,
    before: 0,
    async source(folder) {
      const path = join(folder, "dataset");
      await pack(stream(400), path, streamed);
      await append(stream(200, 400), path, streamed);
      return path;
    },
    run: (source, path, options) => pack(source, path, { ...small, shardSize: 8192, ...options }),
  },
} as const satisfies Record<string, WayOfPacking>;

export const appends = {
  "an append": {
    count: 300,
    before: 100,
    source: later,
    base: (source, path) => pack(npyFolder(`${source} before`, 100, 64), path, small),
    run: (source, path, options) => append(source, path, { ...small, shardSize: 5000, ...options }),
  },
  "an append in two passes": {
    count: 1200,
    before: 400,
    source: (folder) => idxPair(folder, 800, 10, 400),
    base: (source, path) => pack(idxPair(`${source} before`, 400, 10), path, small),
    run: (source, path, options) => append(source, path, { ...small, shardSize: 8192, ...options }),
  },
  "an append of a stream to a dataset packed again": {
    count: 1200,
    before: 400,
    source: () => "",
    async base(_, path) {
      await pack(stream(400), `${path} before`, streamed);
      await pack(`${path} before`, path, { seed: 8 });
      fs.rmSync(`${path} before`, { recursive: true });
    },
    run: (_, path, options) => append(stream(800, 400), path, { ...streamed, layout: "source", ...options }),
  },
  "an append to an index": {
    count: 300,
    before: 100,
    source: (folder) => npyFolder(folder, 100, 64),
    async base(source, path) {
      await index(source, path);
      later(source);
    },
    run: (source, path, options) => packSource(source, path, { ...small, ...options }, appendTask),
  },
  "an append of a dataset of encoded images": {
    count: 300,
    before: 100,
    async source(folder) {
      const path = join(folder, "dataset");
      await pack(drawn(200, 100), path, { ...shards, fields: drawnFields });
      return path;
    },
    base: (_, path) => pack(drawn(100), path, { ...shards, fields: drawnFields }),
    run: (source, path, options) => append(source, path, { ...shards, ...options }),
  },
  "an append of a dataset": {
    count: 600,
    before: 200,
    async source(folder) {
      const path = join(folder, "dataset");
      await pack(stream(400, 200), path, streamed);
      return path;
    },
    base: (_, path) => pack(stream(200), path, streamed),
    run: (source, path, options) => append(source, path, { ...shards, ...options }),
  },
} as const satisfies Record<string, WayOfPacking>;

export const ways: Record<string, WayOfPacking> = { ...packs, ...appends };
