// What the page runs: uPlot as it is installed, and the page's own script, both as text to be put into the page, so that
// it needs nothing but itself.

import fs from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { SpillwayError } from "../errors.js";

/** uPlot's script and style. */
export interface PlotLibrary {
  script: string;
  style: string;
}

/**
 * uPlot from the installed packages, its licence with it.
 *
 * @param from file or address whose packages are meant; default this one's
 * @throws SpillwayError `missing` where it is not installed
 */
export function plotLibrary(from: string | URL = import.meta.url): PlotLibrary {
  try {
    const folder = dirname(createRequire(from).resolve("uplot/package.json"));
    const read = (name: string) => fs.readFileSync(join(folder, name), "utf8");
    const licence = read("LICENSE").replaceAll("*/", "");
    return {
      script: inScript(`/*! uPlot\n${licence}*/\n${read("dist/uPlot.iife.min.js")}`),
      style: read("dist/uPlot.min.css"),
    };
  } catch (cause) {
    throw new SpillwayError("missing", "uPlot, which draws the plots of the report, is not installed", {
      remedy: "Install Spillway's packages again: npm install. Without --html no plots are needed.",
      cause,
    });
  }
}

/** The page's own script: its files one after another, imports left out, since each has what it needs before it. */
export function pageScript(): string {
  const files = ["precision-page-axes.js", "precision-page-draw.js", "precision-page-browser.js"];
  return inScript(
    files
      .map((name) =>
        fs
          .readFileSync(fileURLToPath(new URL(name, import.meta.url)), "utf8")
          .replace(/^import [^;]*;$/gm, "")
          .replace(/^export (?=function|const|class)/gm, "")
          .replace(/^export \{\s*\};?$/gm, "")
          .replace(/^\/\/# sourceMappingURL=.*$/gm, ""),
      )
      .join("\n"),
  );
}

/** A script that ends where its element does. */
function inScript(text: string): string {
  return text.replace(/<\/(?=script)/gi, "<\\/");
}
