// spillway pack: raw data to a dataset, or with --append more of it to one that is there.

import { type Command, Option } from "commander";
import { addCommand, sourceFolder } from "./command.js";
import { addDtypeFlags, type DtypeFlags } from "./dtype-flags.js";
import { parseWhole } from "./output.js";
import { runPacking } from "./packing.js";
import { addSourceFlags, packOptions, type SourceFlags } from "./source-flags.js";

interface PackFlags extends SourceFlags, DtypeFlags {
  layout?: "shuffled" | "source";
  seed?: number;
  shardSize?: string;
  append?: boolean;
  again?: boolean;
  discard?: boolean;
  source?: string;
}

export function addPack(program: Command): void {
  const command = addCommand(program, {
    usage: "pack <source> <dataset>",
    summary: "Pack raw data into a dataset that trains from any amount of memory.",
    args: {
      source:
        "folder or file with your data: .npy or image files in one folder per class, IDX, one .npy or .csv table, or a dataset",
      dataset: "folder to be made; one with an unfinished pack of the same data is gone on with",
    },
    examples: [
      ["spillway pack recordings/ gestures", "a folder per class, a .npy file per sample"],
      ["spillway pack photos/ flowers --size 224x224", "images, resized and cut to one size, once"],
      [
        "spillway pack photos/ flowers --encoded --size 224x224",
        "images kept as they are, resized when read",
      ],
      ["spillway pack train-images-idx3-ubyte.gz fashion", "IDX; the labels lie beside it"],
      ["spillway pack table.csv patients --label-column diagnosis", "a row per sample"],
      ["spillway pack monday/ gestures --append", "more samples for a dataset that is there"],
      ["spillway pack indexed gestures", "what was indexed, with the same ids and splits"],
      ["spillway pack scans/ scans-packed --labels labels.csv", "labels and more columns by path"],
      ["spillway pack recordings/ gestures --dtype auto", "in as few bits as give every value back"],
    ],
  })
    .addOption(
      new Option("--layout <layout>", "how samples lie on disk")
        .choices(["shuffled", "source"])
        .default("shuffled"),
    )
    .option(
      "--seed <number>",
      "seed of the shuffled layout (default: 0)",
      parseWhole("--seed", 0, Number.MAX_SAFE_INTEGER),
    )
    .option("--shard-size <size>", "bytes of samples in a shard (default: 1 GiB)")
    .option("--append", "add the samples to a dataset that is there; its ids and splits stay")
    .option("--again", "with --append: even if these samples are in the dataset already")
    .option("--discard", "with --append: give up what an interrupted append of other samples left");
  addDtypeFlags(command, "keep");
  addSourceFlags(command)
    .option(...sourceFolder)
    .action(runPack);
}

async function runPack(
  source: string,
  dataset: string,
  { append: isAppend, ...flags }: PackFlags,
): Promise<void> {
  const { append, pack } = await import("../pack/pack.js");
  await runPacking(isAppend ? append : pack, source, dataset, packOptions(flags), flags.json === true);
}
