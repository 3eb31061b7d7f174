// spillway convert: a dataset once more, in fewer bits or in those that it had. Ids, catalog, splits and order stay.

import type { Command } from "commander";
import { addCommand, type CommonOptions, sourceFolder } from "./command.js";
import { addDtypeFlags, type DtypeFlags } from "./dtype-flags.js";
import { parseWhole } from "./output.js";
import { runPacking } from "./packing.js";

interface ConvertFlags extends CommonOptions, DtypeFlags {
  seed?: number;
  memory?: string;
  shardSize?: string;
  source?: string;
}

export function addConvert(program: Command): void {
  const command = addCommand(program, {
    usage: "convert <dataset> <new>",
    summary: "Store the values of a dataset in fewer bits, or give them back those that they had.",
    args: {
      dataset: "folder of a dataset, packed or indexed; it stays as it is",
      new: "folder to be made: the same ids, catalog, commits, splits and order",
    },
    examples: [
      ["spillway convert gestures gestures-small", "the smallest types from which every value comes back"],
      [
        "spillway convert gestures gestures-8bit --dtype wave=uint8",
        "one type, whatever it costs: it is told",
      ],
      ["spillway convert gestures gestures-small --lossy", "also what is lost below the noise"],
      ["spillway convert gestures-small gestures-wide --dtype original", "as they were"],
    ],
  });
  addDtypeFlags(command, "auto")
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
    .action(runConvert);
}

async function runConvert(source: string, target: string, flags: ConvertFlags): Promise<void> {
  const { pack } = await import("../pack/pack.js");
  const { json, debug: _debug, dtype = "auto", ...options } = flags;
  await runPacking(pack, source, target, { ...options, dtype, kind: "dataset" }, json === true);
}
