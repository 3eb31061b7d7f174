// What the folder kinds (.npy files, images) have in common: a tree of one file per sample, a class per first-level
// sub-folder, and what is said of files that were left out.

import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import { hashHex } from "../kernels/hasher.js";
import type { ClassField } from "../tensor/field.js";
import { namedClasses } from "./class-labels.js";
import { describeEndings, type FileTree, firstEnding, listTree } from "./file-tree.js";
import type { SourceOptions } from "./source.js";
import { describeOptions, isFolder } from "./source-checks.js";

/** The endings of each folder kind. */
export const folderEndings = {
  "npy-folder": [".npy"],
  "image-folder": [".jpg", ".jpeg", ".png"],
} as const satisfies Record<string, readonly string[]>;

export type FolderKind = keyof typeof folderEndings;

/** A listed folder with its class labels, if it has any. */
export interface ClassFolder {
  readonly sampleCount: number;
  /** Full path of the first file. */
  readonly firstFile: string;
  readonly label: ClassField | undefined;
  readonly fingerprint: string;
  readonly notes: readonly string[];
  /** The first file of each size, full paths. */
  readonly oneOfEachSize: readonly string[];
  /** Bytes of all samples' files, and of the largest. */
  readonly bytes: FileTree["bytes"];
  /** Path of a sample's file, relative to the folder. */
  pathOf(index: number): string;
  /** Index of a sample's class; 0 where there are no labels. */
  classOf(index: number): number;
}

/**
 * Whether a path is a folder of this kind: the first sample that is met decides. Where it holds the other kind too,
 * `openClassFolder` finds that while it lists all.
 */
export function detectClassFolder(kind: FolderKind, path: string): boolean {
  if (!isFolder(path)) return false;
  const ending = firstEnding(path, Object.values(folderEndings).flat());
  return ending !== undefined && (folderEndings[kind] as readonly string[]).includes(ending);
}

/**
 * Lists a folder.
 *
 * @throws SpillwayError `source` if it holds no sample, or samples of another folder kind too and `options.kind` does
 * not say which is meant
 */
export async function openClassFolder(
  kind: FolderKind,
  path: string,
  options: SourceOptions,
): Promise<ClassFolder> {
  const tree = await listTree(path, folderEndings[kind]);
  const endings = folderEndings[kind].join(", ");
  if (tree.files.length === 0) {
    const found =
      tree.ignored.size === 0 ? "is empty" : `holds ${describeEndings(tree.ignored)} and no ${endings}`;
    throw new SpillwayError("source", `${path} ${found}`, {
      remedy: `Put ${endings} files there, in a sub-folder per class, or give another path.`,
      where: { path },
    });
  }
  if (options.kind === undefined) refuseMixture(kind, tree);
  const given = options.classes;
  const label = tree.classes.length === 0 ? undefined : namedClasses(tree.classes, given, path);
  if (given && !label) {
    throw new SpillwayError(
      "usage",
      `${path} has no sub-folders, so there is nothing that --classes could name`,
      {
        remedy: "Leave it out, or move the files into a sub-folder per class.",
      },
    );
  }
  // The caller's order of classes may differ from the order of the folders.
  const places = tree.classes.map((name) => label?.classes.indexOf(name) ?? 0);
  return {
    sampleCount: tree.files.length,
    firstFile: join(path, tree.files.get(0)),
    label,
    fingerprint: hashHex(Buffer.from(`${kind}\n${describeOptions(options)}\n${tree.fingerprint}`)),
    notes: notesOf(tree),
    oneOfEachSize: [...tree.sizes.values()].map((file) => join(path, file)),
    bytes: tree.bytes,
    pathOf: (index) => tree.files.get(index),
    classOf: (index) => places[tree.classOf(index)] ?? 0,
  };
}

function refuseMixture(kind: FolderKind, tree: FileTree): void {
  for (const [other, endings] of Object.entries(folderEndings)) {
    const count = other === kind ? 0 : sum(endings.map((ending) => tree.ignored.get(ending) ?? 0));
    if (count === 0) continue;
    throw new SpillwayError(
      "source",
      `${tree.root} holds ${tree.files.length} ${folderEndings[kind].join(", ")} and ${count} ${endings.join(", ")} files`,
      { remedy: `Say which are the samples: --kind ${kind} or --kind ${other}.`, where: { path: tree.root } },
    );
  }
}

function notesOf(tree: FileTree): string[] {
  const notes: string[] = [];
  if (tree.classes.length === 0) {
    notes.push("There are no sub-folders, so the samples have no class label.");
  }
  if (tree.ignored.size > 0) {
    notes.push(`${sum(tree.ignored.values())} other files were left out: ${describeEndings(tree.ignored)}.`);
  }
  return notes;
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
