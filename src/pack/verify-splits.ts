// Checks the schemes in splits/: that each can be read, belongs to commits of the dataset, that the bits of its splits
// and folds have their length, hash and count, now and cut to each earlier commit, that no sample is in two of them,
// and that the list is there that a scheme goes by. Takes a bit for each sample.

import { join } from "node:path";
import {
  listSchemes,
  partsOf,
  readScheme,
  type Scheme,
  type SchemePart,
  splitsFolder,
} from "../catalog/scheme.js";
import { SpillwayError } from "../errors.js";
import type { Manifest } from "../format/manifest.js";
import { Hasher } from "../kernels/hasher.js";
import { bitBytes, countBits } from "../order/bitmap.js";
import { openFile } from "../store/file.js";
import type { ProblemList } from "./verify-problems.js";
import { chunkBytes, type VerifyWorkspace } from "./verify-workspace.js";

export interface SplitsCheck {
  folder: string;
  manifest: Readonly<Manifest>;
  workspace: VerifyWorkspace;
  problems: ProblemList;
  advance(byteLength: number): void;
}

const remedy = "Run the split command again; the samples are not touched by it.";

/** Checks all schemes and gives the names of those that were found. */
export async function verifySplits(check: SplitsCheck): Promise<string[]> {
  const { folder, manifest, problems } = check;
  const names = listSchemes({ folder });
  for (const name of names) {
    const path = `${splitsFolder}/${name}.json`;
    try {
      const scheme = readScheme({ folder }, name);
      for (const { rows, fingerprint } of [...scheme.history, scheme]) {
        const commit = manifest.commits.find((each) => each.fingerprint === fingerprint);
        if (commit?.rows === rows) continue;
        const what = `${path} was made for ${rows} samples with fingerprint ${fingerprint}, which is no commit of this dataset`;
        problems.add({ path, what, remedy });
      }
      await checkFiles(check, scheme);
    } catch (error) {
      if (!(error instanceof SpillwayError)) throw error;
      problems.add({ path, what: error.what, remedy });
    }
  }
  return names;
}

async function checkFiles(check: SplitsCheck, scheme: Scheme): Promise<void> {
  const { problems } = check;
  const { rule } = scheme;
  if (rule.kind === "from") {
    const path = `${splitsFolder}/${rule.path}`;
    const hasher = new Hasher();
    await readAll(check, path, undefined, (chunk) => hasher.update(chunk));
    if (hasher.finishHex() !== rule.hash) {
      const what = `${path} is damaged: its hash is not the one in ${scheme.scheme}.json`;
      problems.add({ path, what, remedy });
    }
  }
  const walk = { seen: new Uint8Array(bitBytes(scheme.rows)), hashers: [] };
  let isDamaged = false;
  const shared: string[] = [];
  for (const { name, part } of partsOf(scheme)) {
    const path = `${splitsFolder}/${part.path}`;
    const title = Object.hasOwn(scheme.splits, name) ? `split "${name}"` : name;
    const { why, isShared } = await walkBits(check, scheme, part, walk);
    if (isShared) shared.push(path);
    if (why === undefined) continue;
    isDamaged = true;
    problems.add({ path, what: `${path} (${title}) is damaged: ${why}`, remedy });
  }
  // Damaged bits are in any split; only where all are whole is this a problem of its own.
  for (const path of isDamaged ? [] : shared)
    problems.add({ path, what: `${path} holds samples that another split of its scheme holds too`, remedy });
}

/** What is kept while the parts of a scheme are walked through. */
interface Walk {
  /** Bits of all parts so far. */
  seen: Uint8Array;
  /** Used again for each part: every one has a memory of its own. */
  hashers: Hasher[];
}

/** The bits of a part up to one commit, as they come by. */
class CutBits {
  readonly #hasher: Hasher;
  readonly #rows: number;
  readonly #count: number;
  readonly #hash: string;
  #found = 0;

  constructor(rows: number, { count, hash }: { count: number; hash: string }, hasher: Hasher) {
    this.#hasher = hasher;
    this.#rows = rows;
    this.#count = count;
    this.#hash = hash;
  }

  add(chunk: Uint8Array, at: number): void {
    const own = chunk.subarray(0, Math.max(0, bitBytes(this.#rows) - at));
    const rest = this.#rows % 8;
    const hasEnd = rest > 0 && own.length > 0 && at + own.length === bitBytes(this.#rows);
    const whole = hasEnd ? own.subarray(0, -1) : own;
    this.#take(whole);
    if (hasEnd) this.#take(Uint8Array.of(own.at(-1)! & ((1 << rest) - 1)));
  }

  #take(bytes: Uint8Array): void {
    this.#hasher.update(bytes);
    this.#found += countBits(bytes);
  }

  /** What is wrong, undefined if nothing is. */
  finish(scheme: string): string | undefined {
    if (this.#hasher.finishHex() !== this.#hash) return `its hash is not the one in ${scheme}.json`;
    if (this.#found === this.#count) return undefined;
    return `it holds ${this.#found} samples, ${scheme}.json says ${this.#count}`;
  }
}

/** Reads the bits of a part and tells what is wrong with them, and whether a part before has some of them too. */
async function walkBits(
  check: SplitsCheck,
  { scheme, rows, history }: Scheme,
  part: SchemePart,
  { seen, hashers }: Walk,
): Promise<{ why?: string | undefined; isShared: boolean }> {
  const commits = [{ rows, ...part }, ...part.history.map((earlier, k) => ({ ...history[k]!, ...earlier }))];
  while (hashers.length < commits.length) hashers.push(new Hasher());
  const cuts = commits.map((commit, k) => new CutBits(commit.rows, commit, hashers[k]!));
  let at = 0;
  let isShared = false;
  let last = 0;
  let byteLength: number;
  try {
    byteLength = await readAll(check, `${splitsFolder}/${part.path}`, seen.length, (chunk) => {
      for (const cut of cuts) cut.add(chunk, at);
      for (let k = 0; k < chunk.length; k += 1) {
        if ((seen[at + k]! & chunk[k]!) !== 0) isShared = true;
        seen[at + k]! |= chunk[k]!;
      }
      at += chunk.length;
      last = chunk.at(-1)!;
    });
  } catch (error) {
    if (!(error instanceof SpillwayError)) throw error;
    // Leaves the hashers ready for the next part.
    for (const cut of cuts) cut.finish(scheme);
    return { why: error.what, isShared };
  }
  const wrong = cuts.map((cut) => cut.finish(scheme));
  const k = wrong.findIndex((why) => why !== undefined);
  if (byteLength !== seen.length) {
    return { why: `it has ${byteLength} bytes, ${rows} samples need ${seen.length}`, isShared };
  }
  if (rows % 8 > 0 && last >> (rows % 8) !== 0)
    return { why: `it has bits beyond the ${rows} samples`, isShared };
  if (k <= 0) return { why: wrong[0], isShared };
  return { why: `cut to its first ${commits[k]!.rows} samples, ${wrong[k]}`, isShared };
}

/** Reads a file chunk by chunk and gives its length; one that has not `byteLength` bytes is not read. */
async function readAll(
  { folder, workspace, advance }: SplitsCheck,
  path: string,
  byteLength: number | undefined,
  take: (chunk: Uint8Array) => void,
): Promise<number> {
  const file = openFile(join(folder, path));
  try {
    if (byteLength !== undefined && file.byteLength !== byteLength) return file.byteLength;
    for (let at = 0; at < file.byteLength; at += chunkBytes) {
      const chunk = workspace.chunk.subarray(0, Math.min(chunkBytes, file.byteLength - at));
      await file.read(chunk, at);
      take(chunk);
      advance(chunk.length);
    }
    return file.byteLength;
  } finally {
    file.close();
  }
}
