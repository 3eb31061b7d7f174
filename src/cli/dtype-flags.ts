// Flags that say in how many bits values are stored: the same for pack and convert.

import type { Command } from "commander";
import { SpillwayError } from "../errors.js";
import { type DtypeChoice, dtypeChoices } from "../pack/stored-fields.js";
import { channelAxisOption } from "./channel-axis.js";

export interface DtypeFlags {
  dtype?: DtypeChoice | Record<string, DtypeChoice>;
  lossy?: boolean;
  clip?: boolean;
  channelAxis?: Record<string, number | null>;
}

/** @param standard what is done without the flag, for the help */
export function addDtypeFlags(command: Command, standard: string): Command {
  return command
    .option(
      "--dtype <type>",
      `how tensors are stored: ${dtypeChoices.join(", ")}, or by field: wave=auto,image=uint8 (default: ${standard})`,
      parseDtypes,
    )
    .option("--lossy", "with auto: also types that lose something, where it is far below the values' noise")
    .option("--clip", "cut values that a type cannot hold to its range, and count them")
    .addOption(channelAxisOption());
}

/** A choice for all tensor fields, or by name. What is no choice is refused where it is used. */
export function parseDtypes(text: string): DtypeChoice | Record<string, DtypeChoice> {
  if (!text.includes("=")) return text.trim() as DtypeChoice;
  return Object.fromEntries(
    text.split(",").map((part) => {
      const at = part.indexOf("=");
      if (at > 0) return [part.slice(0, at).trim(), part.slice(at + 1).trim() as DtypeChoice];
      throw new SpillwayError("usage", `--dtype "${part}" names no field and type`, {
        remedy: "Write wave=auto,image=uint8, or one type for all tensors.",
      });
    }),
  );
}
