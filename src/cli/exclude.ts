// spillway exclude and include: leaves samples out of all views, and lets them in again. Nothing of them is rewritten.

import type { Command } from "commander";
import type { ExcludeResult, Which } from "../dataset/exclude.js";
import { open } from "../dataset/open.js";
import { SpillwayError } from "../errors.js";
import { addCommand, type CommonOptions, inFolder } from "./command.js";
import { formatCount, print, printJson } from "./output.js";

interface ExcludeFlags extends CommonOptions {
  where?: string;
  all?: boolean;
  in?: string;
}

const where = [
  "--where <condition>",
  'a condition over the catalog\'s columns instead of ids: "quality < 0.2"',
] as const;

export function addExclude(program: Command): void {
  addCommand(program, {
    usage: "exclude <dataset> [ids...]",
    summary: "Leave samples out of every view, until they are let in again.",
    args: { dataset: "folder of a dataset", ids: "ids of samples, as show and query tell them" },
    examples: [
      ["spillway exclude gestures 17 204", ""],
      ["spillway exclude gestures --where \"subject = 'ben' and quality < 0.2\"", "by the catalog's columns"],
    ],
  })
    .option(...where)
    .option(...inFolder)
    .action(run("exclude"));
  addCommand(program, {
    usage: "include <dataset> [ids...]",
    summary: "Let samples in again that were left out.",
    args: { dataset: "folder of a dataset", ids: "ids of samples" },
    examples: [
      ["spillway include gestures 17", ""],
      ["spillway include gestures --all", "all of them"],
    ],
  })
    .option(...where)
    .option("--all", "all that were left out")
    .option(...inFolder)
    .action(run("include"));
}

function run(way: "exclude" | "include") {
  return async (path: string, ids: readonly string[], flags: ExcludeFlags): Promise<void> => {
    const which = parseWhich(ids, flags);
    const dataset = await open(path, { memory: "16 MiB", ...(flags.in !== undefined && { side: flags.in }) });
    let result: ExcludeResult;
    try {
      result = way === "include" ? await dataset.include(which) : await dataset.exclude(which as Which);
    } finally {
      await dataset.close();
    }
    if (flags.json) {
      printJson({ path: dataset.path, ...result });
      return;
    }
    const { changed, excluded } = result;
    const samples = `${formatCount(changed)} ${changed === 1 ? "sample" : "samples"}`;
    print(
      `${way === "exclude" ? `Left out ${samples}` : `Let ${samples} in again`}: ${formatCount(excluded)} of ${formatCount(dataset.size)} are left out now.`,
    );
  };
}

/** @throws SpillwayError `usage` unless samples are named in one way */
function parseWhich(ids: readonly string[], { where: condition, all }: ExcludeFlags): Which | "all" {
  const ways = [ids.length > 0, condition !== undefined, all === true].filter(Boolean).length;
  if (ways !== 1) {
    throw new SpillwayError("usage", ways === 0 ? "no samples are named" : "samples are named in two ways", {
      remedy: "Give their ids, or a condition with --where.",
    });
  }
  if (all) return "all";
  if (condition !== undefined) return { where: condition };
  const wrong = ids.find((id) => !/^\d{1,15}$/.test(id));
  if (wrong !== undefined) {
    throw new SpillwayError("usage", `"${wrong}" is no id of a sample`, {
      remedy: "Ids are whole numbers from 0, as show and query tell them.",
    });
  }
  return { ids: ids.map(Number) };
}
