// The flag that says which axis of a field counts its channels: wave=1,image=none.

import { Option } from "commander";
import { SpillwayError } from "../errors.js";

/** The flag, parsed to an axis by field; null where all values are of one kind. */
export function channelAxisOption(): Option {
  return new Option(
    "--channel-axis <axes>",
    "axis of a field that counts its channels: wave=1, or wave=none (default: as packed, or that of a waveform by its shape)",
  ).argParser(parseAxes);
}

function parseAxes(text: string): Record<string, number | null> {
  return Object.fromEntries(
    text.split(",").map((part) => {
      const match = /^\s*([^=]+)=(\d{1,2}|none)\s*$/.exec(part);
      if (match) return [match[1]!, match[2] === "none" ? null : Number(match[2])];
      throw new SpillwayError("usage", `--channel-axis "${part}" names no axis of a field`, {
        remedy: "Write field and axis, counted from 0: --channel-axis wave=1.",
      });
    }),
  );
}
