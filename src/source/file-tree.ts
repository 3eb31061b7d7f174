// A folder tree with one file per sample and a class per first-level sub-folder, listed once into compact memory, in
// the order of the paths. What is asked of each file (size, modification time) goes into a fingerprint and is dropped.
// Rule: the same tree gives the same list, classes and fingerprint on every machine and in every locale.

import fs from "node:fs";
import { extname, join, sep } from "node:path";
import { SpillwayError } from "../errors.js";
import { hashHex } from "../kernels/hasher.js";
import { ioError } from "../store/file.js";
import { lastAtMost, NameList, PathList } from "./path-list.js";

/** Sub-folders within sub-folders, at most. */
const maxDepth = 64;
/** Different file sizes that are remembered, each with its first file: a mixed folder has few or is refused anyway. */
const maxSizes = 16;
const maxEndings = 100;
/** How long listing holds the event loop at most. */
const sliceMs = 20;
/** Lines of the fingerprint are hashed in batches of this many characters. */
const batchLength = 65_536;

/** The samples of a tree, each a file. */
export interface FileTree {
  readonly root: string;
  readonly files: PathList;
  /** Sorted names of the first-level sub-folders that hold files; empty where the files lie in the root itself. */
  readonly classes: readonly string[];
  /** Index into `classes` of a file; 0 where there are none. */
  classOf(index: number): number;
  /** Hash of every file's path, size and modification time, 16 hexadecimal digits. */
  readonly fingerprint: string;
  /** The first file of each size that was met, at most 16 sizes. */
  readonly sizes: ReadonlyMap<number, string>;
  /** Bytes of all files, and of the largest. */
  readonly bytes: { all: number; largest: number };
  /** Files that were left out, by ending. */
  readonly ignored: ReadonlyMap<string, number>;
}

/** Ending of a file's name in small letters, such as ".npy"; "no ending" where there is none. */
export function endingOf(name: string): string {
  return extname(name).toLowerCase() || "no ending";
}

/** Counts by ending in words: "10 .txt, 2 .md". */
export function describeEndings(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const shown = sorted.slice(0, 5).map(([ending, count]) => `${count} ${ending}`);
  const rest = sorted.slice(5).reduce((sum, [, count]) => sum + count, 0);
  return [...shown, ...(rest > 0 ? [`${rest} others`] : [])].join(", ");
}

/** Counts one more file; beyond 100 different endings the rest is counted together. */
export function countEnding(counts: Map<string, number>, name: string): void {
  const ending = endingOf(name);
  const key = counts.has(ending) || counts.size < maxEndings ? ending : "other endings";
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/**
 * Ending of the first file met that has one of the endings; undefined where there is none. Reads names only, and no
 * more than it needs.
 *
 * @param endings in small letters, with their point
 */
export function firstEnding(path: string, endings: readonly string[]): string | undefined {
  for (const name of walkNames(path)) {
    const ending = endingOf(name);
    if (endings.includes(ending)) return ending;
  }
  return undefined;
}

/** Names of all files of a tree that are not hidden, in no particular order. */
export function* walkNames(path: string, depth = maxDepth): Generator<string> {
  const folders: string[] = [];
  for (const entry of readFolder(path)) {
    if (isFolderEntry(path, entry)) folders.push(entry.name);
    else yield entry.name;
  }
  for (const folder of depth > 0 ? folders : []) yield* walkNames(join(path, folder), depth - 1);
}

/** Entries of one folder that are not hidden, a batch at a time: a million names are never held as strings. */
function* readFolder(path: string): Generator<fs.Dirent> {
  let folder: fs.Dir;
  try {
    folder = fs.opendirSync(path, { bufferSize: 512 });
  } catch (cause) {
    throw ioError(cause, path, "cannot be listed");
  }
  try {
    for (let entry = folder.readSync(); entry; entry = folder.readSync()) {
      if (!entry.name.startsWith(".")) yield entry;
    }
  } finally {
    folder.closeSync();
  }
}

/**
 * Lists a tree: files with one of the endings, sorted by path.
 *
 * @param endings in small letters, with their point
 * @throws SpillwayError `source` if files lie both in the root and in sub-folders, or if a link leads in circles;
 * `missing` or `io` if a folder cannot be read
 */
export async function listTree(root: string, endings: readonly string[]): Promise<FileTree> {
  const files = new PathList();
  const ignored = new Map<string, number>();
  const sizes = new Map<number, string>();
  const bytes = { all: 0, largest: 0 };
  const classNames: string[] = [];
  const classStarts: number[] = [];
  let rootFile: string | undefined;
  let digest = "";
  let batch = "";
  let sliceEnd = performance.now() + sliceMs;

  /** Lets timers and signals have their turn, once in a slice. */
  const pause = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    sliceEnd = performance.now() + sliceMs;
  };

  const addFile = (folder: string, names: NameList, index: number) => {
    const name = names.get(index);
    const path = folder + name;
    const { size, mtimeMs } = statOf(join(root, path));
    bytes.all += size;
    bytes.largest = Math.max(bytes.largest, size);
    if (sizes.size < maxSizes && !sizes.has(size)) sizes.set(size, path);
    batch += `${path}\0${size}\0${mtimeMs}\n`;
    if (batch.length > batchLength) {
      digest = hashHex(Buffer.from(digest + batch));
      batch = "";
    }
    const slash = folder.indexOf("/");
    if (slash < 0) rootFile ??= name;
    else if (classNames.at(-1) !== folder.slice(0, slash)) {
      classNames.push(folder.slice(0, slash));
      classStarts.push(files.length);
    }
    files.add(folder, names, index);
  };

  const walk = async (folder: string, depth: number): Promise<void> => {
    if (depth > maxDepth) {
      throw new SpillwayError("source", `${join(root, folder)} lies more than ${maxDepth} folders deep`, {
        remedy: "Move the files up.",
        where: { path: join(root, folder) },
      });
    }
    // Folders are listed with a "/" at the end: sorting them among the files then sorts whole paths.
    const names = new NameList();
    for (const entry of readFolder(join(root, folder))) {
      if (performance.now() > sliceEnd) await pause();
      if (isFolderEntry(join(root, folder), entry)) names.add(`${entry.name}/`);
      else if (endings.includes(endingOf(entry.name))) names.add(entry.name);
      else countEnding(ignored, entry.name);
    }
    for (const index of names.sortedOrder()) {
      if (performance.now() > sliceEnd) await pause();
      const name = names.get(index);
      if (name.endsWith("/")) await walk(folder + name, depth + 1);
      else addFile(folder, names, index);
    }
  };

  await walk("", 0);
  if (rootFile !== undefined && classNames.length > 0) {
    throw new SpillwayError(
      "source",
      `${root} holds samples both directly (such as ${rootFile}) and in ${classNames.length} sub-folders (such as ${classNames[0]})`,
      {
        remedy: "Move all of them into sub-folders, one per class, or all into one folder.",
        where: { path: root },
      },
    );
  }
  files.trim();
  const classes = classNames.toSorted((a, b) => (a < b ? -1 : 1));
  const places = new Map(classes.map((name, place) => [name, place]));
  const classOfRun = classNames.map((name) => places.get(name)!);
  return {
    root,
    files,
    classes,
    classOf: (index) => (classStarts.length === 0 ? 0 : classOfRun[lastAtMost(classStarts, index)]!),
    fingerprint: hashHex(Buffer.from(digest + batch)),
    sizes,
    bytes,
    ignored,
  };
}

/** Whether an entry is a folder, or a link to one. @throws SpillwayError if the link leads to a folder that holds it */
function isFolderEntry(folder: string, entry: fs.Dirent): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  const path = join(folder, entry.name);
  // A link that leads nowhere is a file; if it is wanted, reading it says what is wrong.
  if (!fs.statSync(path, { throwIfNoEntry: false })?.isDirectory()) return false;
  const target = fs.realpathSync(path);
  const here = fs.realpathSync(folder);
  if (here === target || here.startsWith(target + sep)) {
    throw new SpillwayError("source", `${path} is a link to ${target}, the folder that it lies in`, {
      remedy: "Delete the link.",
      where: { path },
    });
  }
  return true;
}

function statOf(path: string): fs.Stats {
  try {
    return fs.statSync(path);
  } catch (cause) {
    throw ioError(cause, path, "cannot be examined");
  }
}
