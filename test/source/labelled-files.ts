// Folders of .npy files with a table of labels beside them, and sources opened for some work.

import { join } from "node:path";
import { openSource } from "#spillway/source/registry";
import type { Source, SourceOptions } from "#spillway/source/source";
import { temporaryFolder } from "../fixtures/packed.js";
import { writeFile, writeNpy } from "./fixtures.js";

/** Twelve files, a/0.npy, b/1.npy and so on, and a table. */
export function makeFolder(table: string): { data: string; labels: string } {
  const folder = temporaryFolder();
  for (let i = 0; i < 12; i += 1) writeNpy(join(folder, "data", `${"ab"[i % 2]}/${i}.npy`), [2], [i, -i]);
  return { data: join(folder, "data"), labels: writeFile(join(folder, "labels.csv"), table) };
}

/** A table of so many rows below a header. */
export function tableOf(count: number, header: string, row: (i: number) => string): string {
  return [header, ...Array.from({ length: count }, (_, i) => row(i))].join("\n");
}

/** Opens a source for some work. */
export async function withSource<T>(
  path: string,
  options: SourceOptions,
  work: (source: Source) => Promise<T>,
): Promise<T> {
  const source = await openSource(path, options);
  try {
    return await work(source);
  } finally {
    await source.close();
  }
}
