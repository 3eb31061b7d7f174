// Flags of commands that make a dataset out of another one.

import type { Command } from "commander";
import { type CommonOptions, sourceFolder } from "./command.js";
import { parseWhole } from "./output.js";

export interface CopyFlags extends CommonOptions {
  seed?: number;
  memory?: string;
  shardSize?: string;
  source?: string;
}

export function addCopyFlags(command: Command): Command {
  return command
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
    .option(...sourceFolder);
}
