// Checks the schemes in splits/: that each can be read, belongs to a commit of the dataset, and that the bits of its
// splits have their length, hash and count.

import { join } from "node:path";
import { listSchemes, readScheme, type Scheme, splitsFolder } from "../catalog/scheme.js";
import { SpillwayError } from "../errors.js";
import type { Manifest } from "../format/manifest.js";
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

const bitCounts = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll("0", "").length);

/** Checks all schemes and gives the names of those that were found. */
export async function verifySplits(check: SplitsCheck): Promise<string[]> {
  const { folder, manifest, problems } = check;
  const names = listSchemes(folder);
  for (const name of names) {
    const path = `${splitsFolder}/${name}.json`;
    try {
      const scheme = readScheme(folder, name);
      const commit = manifest.commits.find(({ fingerprint }) => fingerprint === scheme.fingerprint);
      if (commit?.rows !== scheme.rows) {
        const what = `${path} was made for ${scheme.rows} samples with fingerprint ${scheme.fingerprint}, which is no commit of this dataset`;
        problems.add({ path, what, remedy });
      }
      await checkBits(check, scheme);
    } catch (error) {
      if (!(error instanceof SpillwayError)) throw error;
      problems.add({ path, what: error.what, remedy });
    }
  }
  return names;
}

async function checkBits(
  { folder, workspace, problems, advance }: SplitsCheck,
  scheme: Scheme,
): Promise<void> {
  for (const [split, entry] of Object.entries(scheme.splits)) {
    const path = `${splitsFolder}/${entry.path}`;
    const add = (what: string) =>
      problems.add({ path, what: `${path} (split "${split}") is damaged: ${what}`, remedy });
    let count = 0;
    try {
      const file = openFile(join(folder, path));
      try {
        const byteLength = Math.ceil(scheme.rows / 8);
        if (file.byteLength !== byteLength) {
          add(`it has ${file.byteLength} bytes, ${scheme.rows} samples need ${byteLength}`);
          continue;
        }
        workspace.startStream();
        for (let at = 0; at < byteLength; at += chunkBytes) {
          const part = workspace.chunk.subarray(0, Math.min(chunkBytes, byteLength - at));
          await file.read(part, at);
          workspace.addToStream(part);
          for (const byte of part) count += bitCounts[byte]!;
          advance(part.length);
        }
      } finally {
        file.close();
      }
    } catch (error) {
      if (!(error instanceof SpillwayError)) throw error;
      problems.add({ path, what: error.what, remedy });
      continue;
    }
    if (workspace.finishStream() !== entry.hash) add(`its hash is not the one in ${scheme.scheme}.json`);
    else if (count !== entry.count)
      add(`it holds ${count} samples, ${scheme.scheme}.json says ${entry.count}`);
  }
}
