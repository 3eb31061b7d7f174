// spillway index: a dataset whose samples stay in their own files.

import type { Command } from "commander";
import { addCommand } from "./command.js";
import { runPacking } from "./packing.js";
import { addSourceFlags, packOptions, type SourceFlags } from "./source-flags.js";

export function addIndex(program: Command): void {
  const command = addCommand(program, {
    usage: "index <source> <dataset>",
    summary: "Make a dataset whose samples stay in their own files: the catalog, and where each sample lies.",
    args: {
      source: "folder of .npy files, an IDX file or one .npy table; images and CSV have to be packed",
      dataset:
        "folder to be made, for the catalog; one with an unfinished index of the same data is gone on with",
    },
    examples: [
      ["spillway index recordings/ gestures", "then split, query and train as if it were packed"],
      ["spillway pack gestures gestures-packed", "later: the same ids and splits, and faster"],
    ],
  });
  addSourceFlags(command).action(runIndex);
}

async function runIndex(source: string, dataset: string, flags: SourceFlags): Promise<void> {
  const { index } = await import("../pack/pack.js");
  await runPacking(index, source, dataset, packOptions(flags), flags.json === true);
}
