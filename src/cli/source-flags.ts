// Flags that say how raw data is to be read: the same for every command that takes a source.

import { type Command, Option } from "commander";
import { SpillwayError } from "../errors.js";
import type { Take } from "../order/take.js";
import type { PackOptions } from "../pack/options.js";
import { sourceKinds } from "../source/registry.js";
import type { CommonOptions } from "./command.js";
import { parseWhole } from "./output.js";

export interface SourceFlags extends CommonOptions {
  memory?: string;
  jobs?: number;
  kind?: string;
  classes?: string[];
  labelColumn?: string;
  labelKind?: "class" | "value";
  labels?: string;
  key?: string;
  size?: { width: number; height: number };
  channels?: "1" | "3";
  encoded?: boolean;
  decode?: boolean;
  take?: string;
  even?: boolean;
}

/** Adds them to a command. */
export function addSourceFlags(command: Command): Command {
  return command
    .option(
      "--memory <size>",
      'memory for buffers, such as "256 MiB" (the default, or a quarter of what is free if that is less)',
    )
    .option(
      "--take <number>",
      "only some samples, at random, for a first trial: a number, or a part such as 1%",
    )
    .option("--even", "with --take: equally many of each class")
    .option("--jobs <number>", "samples read at the same time (default: 16)", parseWhole("--jobs", 1, 1024))
    .option(
      "--kind <kind>",
      `kind of the source, where it should not be guessed: ${sourceKinds.map(({ name }) => name).join(", ")}`,
    )
    .option(
      "--classes <names>",
      "class names in the order of their numbers: walk,run,jump (default: found in the data, sorted)",
      parseNames,
    )
    .option(
      "--label-column <column>",
      "tables: name of the label column, or its number from 0, negative from the end",
    )
    .addOption(
      new Option("--label-kind <kind>", "tables: a class label, or a value to be predicted").choices([
        "class",
        "value",
      ]),
    )
    .option(
      "--labels <file>",
      "table (.csv, .tsv, .parquet) with a label per sample and perhaps more columns, which are kept; or, for IDX, the file of labels, where it is not named like that of the images",
    )
    .option(
      "--key <column>",
      "table of labels: its column of paths, or of numbers of samples (default: the first called path, file, filename, image, id, row)",
    )
    .option("--size <WxH>", "images: resize to this width and height in pixels", parseSize)
    .addOption(
      new Option("--channels <number>", "images: grey or colour (default: as in the first image)").choices([
        "1",
        "3",
      ]),
    )
    .option(
      "--encoded",
      "images: kept as the bytes of their files, decoded when they are read to the size of --size (default: where they are large or differ in size)",
    )
    .addOption(
      new Option(
        "--decode",
        "images: decoded now, once (default: where they are small, or with --size)",
      ).conflicts("encoded"),
    );
}

/** The library's options of the flags. */
export function packOptions<Flags extends SourceFlags>({
  json: _json,
  debug: _debug,
  channels,
  encoded: isEncoded,
  decode: isDecoded,
  take,
  ...rest
}: Flags): PackOptions {
  return {
    ...rest,
    ...(take !== undefined && { take: /^\d+$/.test(take) ? Number(take) : (take as Take) }),
    ...(isEncoded && { images: "encoded" as const }),
    ...(isDecoded && { images: "decoded" as const }),
    ...(channels === undefined ? {} : { channels: channels === "1" ? 1 : 3 }),
  };
}

function parseNames(text: string): string[] {
  return text.split(",").map((name) => name.trim());
}

function parseSize(text: string): { width: number; height: number } {
  const match = /^(\d{1,5})[xX×](\d{1,5})$/.exec(text);
  const [width, height] = [Number(match?.[1]), Number(match?.[2])];
  if (width > 0 && height > 0) return { width, height };
  throw new SpillwayError("usage", `--size "${text}" is no size in pixels`, {
    remedy: "Write width and height like --size 224x224.",
  });
}
