// spillway convert: a dataset once more, in fewer bits or in those that it had. Ids, catalog, splits and order stay.

import type { Command } from "commander";
import { addCommand } from "./command.js";
import { addCopyFlags, type CopyFlags } from "./copy-flags.js";
import { addDtypeFlags, type DtypeFlags } from "./dtype-flags.js";
import { runPacking } from "./packing.js";

type ConvertFlags = CopyFlags & DtypeFlags;

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
  addDtypeFlags(command, "auto");
  addCopyFlags(command).action(runConvert);
}

async function runConvert(source: string, target: string, flags: ConvertFlags): Promise<void> {
  const { pack } = await import("../pack/pack.js");
  const { json, debug: _debug, dtype = "auto", ...options } = flags;
  await runPacking(pack, source, target, { ...options, dtype, kind: "dataset" }, json === true);
}
