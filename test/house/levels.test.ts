import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";

const root = resolve(import.meta.dirname, "../../..");
const src = join(root, "src");

/** Level of each module, from the table in ARCHITECTURE.md. */
function readLevels(): Map<string, number> {
  const text = readFileSync(join(root, "ARCHITECTURE.md"), "utf8");
  const rows = [...text.matchAll(/^\| *(\d+) *\| *([a-z-]+) *\|/gm)];
  return new Map(rows.map((row) => [row[2]!, Number(row[1])]));
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(
      (entry) => entry.isFile() && entry.name.endsWith(".ts") && !entry.parentPath.includes("kernels/wasm"),
    )
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Modules are folders of src/, or its single files by name. */
function moduleOf(path: string): string {
  return relative(src, path).split("/")[0]!.replace(/\.ts$/, "");
}

/** Files that a file imports, types included, also by dynamic import and as threads. */
function importsOf(path: string): string[] {
  const text = readFileSync(path, "utf8");
  const found = [...text.matchAll(/(?:from|import|import\(|new URL\()\s*"(\.[^"]+\.js)"/g)];
  return found.map((match) => resolve(dirname(path), match[1]!).replace(/\.js$/, ".ts"));
}

const files = sourceFiles(src);

test("every module of src/ has a level, and every level has a module", () => {
  const levels = readLevels();
  assert.deepEqual([...new Set(files.map(moduleOf))].sort(), [...levels.keys()].sort());
});

test("imports go to the own folder or to a lower level", () => {
  const levels = readLevels();
  for (const file of files) {
    for (const target of importsOf(file)) {
      const [from, to] = [moduleOf(file), moduleOf(target)];
      const isAllowed = from === to || levels.get(to)! < levels.get(from)!;
      assert.ok(
        isAllowed,
        `${relative(root, file)} imports ${relative(root, target)}: ${from} (${levels.get(from)}) -> ${to} (${levels.get(to)})`,
      );
    }
  }
});

test("imports have no cycle", () => {
  const state = new Map<string, "open" | "done">();
  const visit = (file: string, path: string[]) => {
    assert.notEqual(
      state.get(file),
      "open",
      `cycle: ${[...path, file].map((f) => relative(src, f)).join(" -> ")}`,
    );
    if (state.get(file) === "done") return;
    state.set(file, "open");
    for (const target of importsOf(file)) visit(target, [...path, file]);
    state.set(file, "done");
  };
  for (const file of files) visit(file, []);
});

test("files of the loader import neither Arrow nor Parquet nor DuckDB", () => {
  for (const file of files.filter((path) => ["load", "order", "dataset", "store"].includes(moduleOf(path)))) {
    assert.doesNotMatch(
      readFileSync(file, "utf8"),
      /from "(apache-arrow|hyparquet|@duckdb)/,
      relative(root, file),
    );
  }
});

test("each file opens with what it does", () => {
  for (const file of files)
    assert.match(readFileSync(file, "utf8"), /^(#![^\n]*\n)?\/\/ \S/, relative(root, file));
});

test("a reader thread needs no package: each of them would load it anew", () => {
  const seen = new Set<string>();
  const visit = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(file, "utf8").replaceAll(/^import type .*?;$/gms, "");
    for (const [, target] of text.matchAll(/from\s*"([^"]+)"/g)) {
      assert.match(target!, /^(?:node:|\.)/, `${relative(src, file)} imports ${target}`);
      if (target!.startsWith(".")) visit(resolve(dirname(file), target!).replace(/\.js$/, ".ts"));
    }
  };
  visit(join(src, "load/reader.ts"));
  assert.ok(seen.size > 15);
});
