// Checks excluded/, which samples are left out: that the record can be read and belongs to a commit of the dataset, that
// its bits have their length and hash, and that as many are set as it tells, none of them beyond the last sample. Holds
// a chunk of the bits.

import { type ExcludedRecord, excludedFolder, readRecord, recordName } from "../catalog/excluded.js";
import { Hasher } from "../kernels/hasher.js";
import { bitBytes } from "../order/bitmap.js";
import { CutBits, faultOfEnd } from "./cut-bits.js";
import { addThrown, isOfCommit, type KeptCheck, type KeptCount, pathOf, readAll } from "./kept-check.js";

const remedy = `Restore it from a copy; or remove the folder "${excludedFolder}" that it is in, and all samples are in again.`;

/** Checks the list of excluded samples of a folder, if there is one. */
export async function verifyExcluded(check: KeptCheck): Promise<KeptCount> {
  const { problems } = check;
  const path = `${excludedFolder}/${recordName}`;
  let record: ExcludedRecord | undefined;
  try {
    record = readRecord(check.folder);
  } catch (error) {
    addThrown(check, path, error, remedy);
    return { own: 1, ofOthers: 0 };
  }
  if (!record) return { own: 0, ofOthers: 0 };
  if (!isOfCommit(check, record)) {
    if (check.isSide) return { own: 0, ofOthers: 1 };
    const what = `${path} was written for ${record.rows} samples with fingerprint ${record.fingerprint}, which is no commit of this dataset`;
    problems.add({ path, what, remedy });
  }
  const bits = `${excludedFolder}/${record.path}`;
  try {
    const why = await faultOfBits(check, bits, record);
    const name = pathOf(check, bits);
    if (why !== undefined) problems.add({ path: name, what: `${name} is damaged: ${why}`, remedy });
  } catch (error) {
    addThrown(check, bits, error, remedy);
  }
  return { own: 1, ofOthers: 0 };
}

/** What is wrong with the bits that a record names, undefined if nothing is. */
async function faultOfBits(
  check: KeptCheck,
  path: string,
  record: ExcludedRecord,
): Promise<string | undefined> {
  const { rows } = record;
  const bits = new CutBits(rows, record, new Hasher());
  let at = 0;
  let last = 0;
  const byteLength = await readAll(check, path, bitBytes(rows), (chunk) => {
    bits.add(chunk, at);
    at += chunk.length;
    last = chunk.at(-1)!;
  });
  return faultOfEnd(rows, byteLength, last) ?? bits.finish(recordName);
}
