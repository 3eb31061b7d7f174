// Checks the schemes in splits/: that each can be read, belongs to commits of the dataset, that the bits of its splits
// and folds have their length, hash and count, now and cut to each earlier commit, that no sample is in two of them,
// and that the list is there that a scheme goes by. Takes a bit for each sample.

import {
  listSchemes,
  partsOf,
  readScheme,
  type Scheme,
  type SchemePart,
  splitsFolder,
} from "../catalog/scheme.js";
import { SpillwayError } from "../errors.js";
import { Hasher } from "../kernels/hasher.js";
import { bitBytes } from "../order/bitmap.js";
import { CutBits, faultOfEnd } from "./cut-bits.js";
import { addThrown, isOfCommit, type KeptCheck, pathOf, readAll } from "./kept-check.js";

const remedy = "Run the split command again; the samples are not touched by it.";

/** Checks all schemes of a folder; gives the names of those that were found, and how many are of another dataset. */
export async function verifySplits(check: KeptCheck): Promise<{ schemes: string[]; ofOthers: number }> {
  const { folder, isSide, problems } = check;
  const names = listSchemes({ folder });
  const schemes: string[] = [];
  for (const name of names) {
    const path = pathOf(check, `${splitsFolder}/${name}.json`);
    try {
      const scheme = readScheme({ folder }, name);
      const commits = [...scheme.history, scheme];
      if (isSide && !commits.some((each) => isOfCommit(check, each))) continue;
      schemes.push(name);
      for (const commit of commits) {
        if (isOfCommit(check, commit)) continue;
        const { rows, fingerprint } = commit;
        const what = `${path} was made for ${rows} samples with fingerprint ${fingerprint}, which is no commit of this dataset`;
        problems.add({ path, what, remedy });
      }
      await checkFiles(check, scheme);
    } catch (error) {
      addThrown(check, `${splitsFolder}/${name}.json`, error, remedy);
      if (!schemes.includes(name)) schemes.push(name);
    }
  }
  return { schemes, ofOthers: names.length - schemes.length };
}

async function checkFiles(check: KeptCheck, scheme: Scheme): Promise<void> {
  const { problems } = check;
  const { rule } = scheme;
  if (rule.kind === "from") {
    const path = pathOf(check, `${splitsFolder}/${rule.path}`);
    const hasher = new Hasher();
    await readAll(check, `${splitsFolder}/${rule.path}`, undefined, (chunk) => hasher.update(chunk));
    if (hasher.finishHex() !== rule.hash) {
      const what = `${path} is damaged: its hash is not the one in ${scheme.scheme}.json`;
      problems.add({ path, what, remedy });
    }
  }
  const walk = { seen: new Uint8Array(bitBytes(scheme.rows)), hashers: [] };
  let isDamaged = false;
  const shared: string[] = [];
  for (const { name, part } of partsOf(scheme)) {
    const path = pathOf(check, `${splitsFolder}/${part.path}`);
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

/** Reads the bits of a part and tells what is wrong with them, and whether a part before has some of them too. */
async function walkBits(
  check: KeptCheck,
  { scheme, rows, history }: Scheme,
  part: SchemePart,
  { seen, hashers }: Walk,
): Promise<{ why?: string | undefined; isShared: boolean }> {
  const record = `${scheme}.json`;
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
    for (const cut of cuts) cut.finish(record);
    return { why: error.what, isShared };
  }
  const wrong = cuts.map((cut) => cut.finish(record));
  const k = wrong.findIndex((why) => why !== undefined);
  const fault = faultOfEnd(rows, byteLength, last);
  if (fault !== undefined) return { why: fault, isShared };
  if (k <= 0) return { why: wrong[0], isShared };
  return { why: `cut to its first ${commits[k]!.rows} samples, ${wrong[k]}`, isShared };
}
