// spillway compact: a dataset that has grown, laid out anew.

import type { Command } from "commander";
import { addCommand } from "./command.js";
import { addCopyFlags, type CopyFlags } from "./copy-flags.js";
import { runPacking } from "./packing.js";

type CompactFlags = CopyFlags;

export function addCompact(program: Command): void {
  const command = addCommand(program, {
    usage: "compact <dataset> <new>",
    summary: "Lay a dataset out anew: small shards become large ones, and all samples are shuffled together.",
    args: {
      dataset: "folder of a dataset, packed or indexed; it stays as it is",
      new: "folder to be made: the same ids, catalog, commits and splits",
    },
    examples: [["spillway compact gestures gestures-2", "after many appends"]],
  });
  addCopyFlags(command).action(runCompact);
}

async function runCompact(source: string, target: string, flags: CompactFlags): Promise<void> {
  const { pack } = await import("../pack/pack.js");
  const { json, debug: _debug, ...options } = flags;
  await runPacking(pack, source, target, { ...options, kind: "dataset" }, json === true);
}
