// spillway compact: a dataset that has grown, laid out anew.

import type { Command } from "commander";
import { addCommand, type CommonOptions, sourceFolder } from "./command.js";
import { parseWhole } from "./output.js";
import { runPacking } from "./packing.js";

interface CompactFlags extends CommonOptions {
  seed?: number;
  memory?: string;
  shardSize?: string;
  source?: string;
}

export function addCompact(program: Command): void {
  addCommand(program, {
    usage: "compact <dataset> <new>",
    summary: "Lay a dataset out anew: small shards become large ones, and all samples are shuffled together.",
    args: {
      dataset: "folder of a dataset, packed or indexed; it stays as it is",
      new: "folder to be made: the same ids, catalog, commits and splits",
    },
    examples: [["spillway compact gestures gestures-2", "after many appends"]],
  })
    .option(
      "--seed <number>",
      "seed of the shuffled layout (default: 0)",
      parseWhole("--seed", 0, Number.MAX_SAFE_INTEGER),
    )
    .option(
      "--memory <size>",
      'memory for buffers, such as "256 MiB" (the default, or a quarter of what is free if that is less)',
    )
    .option("--shard-size <size>", "bytes of samples in a shard (default: 1 GiB)")
    .option(...sourceFolder)
    .action(runCompact);
}

async function runCompact(source: string, target: string, flags: CompactFlags): Promise<void> {
  const { pack } = await import("../pack/pack.js");
  const { json, debug: _debug, ...options } = flags;
  await runPacking(pack, source, target, { ...options, kind: "dataset" }, json === true);
}
