// Resident columns: labels and other small fields, the sums, and which of them were checked, loaded once into the pool
// when the first loop starts: columns by id, sums by row. What would take more than an eighth of the memory is read like
// the large fields, and that is said in `notes`.

import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import { idOfRow } from "../format/placed.js";
import { hashHex } from "../kernels/hasher.js";
import { bindKernels, kernelModule, pageBytes, sharedMemory } from "../kernels/kernels.js";
import { formatBytes } from "../store/byte-size.js";
import { openFile } from "../store/file.js";
import { IdRuns } from "./id-runs.js";
import type { MemoryPool, Reservation } from "./memory-pool.js";
import type { Place, ResidentTable } from "./messages.js";
import { requireLength } from "./open-files.js";
import { residentStride } from "./plan.js";
import type { ColumnTable, DatasetTable } from "./table.js";

/** Largest part of the memory that one resident column may take. */
export const residentShare = 1 / 8;

/** Bytes read at once while loading. */
const chunkBytes = 2 ** 18;

export interface Residents {
  table: ResidentTable;
  /** What could not be resident, one sentence each. */
  notes: readonly string[];
  byteLength: number;
  release(): void;
}

/** @throws SpillwayError `corrupt` if a column or the sums do not agree with their hashes, `memory`, `io` */
export async function loadResidents(dataset: DatasetTable, pool: MemoryPool): Promise<Residents> {
  const limit = pool.byteLength * residentShare;
  const held: Reservation[] = [];
  const notes: string[] = [];
  const hold = (byteLength: number, purpose: string): Reservation => {
    const reservation = pool.reserve(byteLength, purpose);
    held.push(reservation);
    return reservation;
  };
  const fits = (byteLength: number, what: string, instead: string): boolean => {
    if (byteLength <= limit) return true;
    notes.push(
      `${what} would take ${formatBytes(byteLength)}, more than an eighth of the memory (${formatBytes(pool.byteLength)}): ${instead}.`,
    );
    return false;
  };
  try {
    const columns: (Place | undefined)[] = [];
    const sums: (Place | undefined)[] = [];
    const checked: (Place | undefined)[] = [];
    const offsets: (Place | undefined)[] = [];
    for (const column of dataset.columns) {
      const sumTotal = column.firstSums.at(-1)!;
      const bytes = dataset.firstRows.at(-1)! * column.stride;
      const isSmall = column.stride <= residentStride && !column.isInFiles && !column.encoded;
      if (isSmall && fits(bytes, `field "${column.name}"`, "it costs a second read per sample")) {
        const place = hold(bytes + 16, `field "${column.name}" in memory`);
        await loadColumn(dataset, column, place);
        columns.push(place);
        sums.push(undefined);
        checked.push(undefined);
        offsets.push(undefined);
        continue;
      }
      columns.push(undefined);
      const keepsSums = fits(
        sumTotal * 8,
        `the sums of field "${column.name}"`,
        "they are read from disk as needed",
      );
      const sumPlace = keepsSums ? hold(sumTotal * 8, `the sums of field "${column.name}"`) : undefined;
      if (sumPlace) await loadSums(dataset, column, sumPlace);
      sums.push(sumPlace);
      const bits = Math.ceil(sumTotal / 32) * 4;
      const keepsBits = fits(
        bits,
        `what was checked of field "${column.name}"`,
        "its sums are checked at every read",
      );
      const bitPlace = keepsBits ? hold(bits, `what was checked of field "${column.name}"`) : undefined;
      if (bitPlace) new Int32Array(bitPlace.memory.buffer, bitPlace.address, bits / 4).fill(0);
      checked.push(bitPlace);
      const offsetBytes = column.encoded ? 4 * (sumTotal + dataset.paths.length) : 0;
      const keepsOffsets =
        offsetBytes > 0 &&
        fits(offsetBytes, `where images of "${column.name}" lie`, "it is read from disk as needed");
      const offsetPlace = keepsOffsets
        ? hold(offsetBytes, `where images of "${column.name}" lie`)
        : undefined;
      if (offsetPlace) await loadOffsets(dataset, column, offsetPlace);
      offsets.push(offsetPlace);
    }
    const plain = (places: readonly (Place | undefined)[]) =>
      places.map((place) => place && { segment: place.segment, address: place.address });
    return {
      table: { columns: plain(columns), sums: plain(sums), checked: plain(checked), offsets: plain(offsets) },
      notes,
      byteLength: held.reduce((sum, reservation) => sum + reservation.byteLength, 0),
      release: () => {
        for (const reservation of held) reservation.release();
      },
    };
  } catch (error) {
    for (const reservation of held) reservation.release();
    throw error;
  }
}

/** Reads a column of all shards to where it stays, record after record by id, checking each of its sums on the way. */
async function loadColumn(dataset: DatasetTable, column: ColumnTable, place: Reservation): Promise<void> {
  const { stride, rowsPerSum } = column;
  const chunkRows = Math.max(1, Math.floor(chunkBytes / (stride * rowsPerSum))) * rowsPerSum;
  const workspace = sharedMemory(chunkRows * stride + 8 + pageBytes);
  const kernels = bindKernels(kernelModule(), workspace);
  const sumAt = Math.ceil((chunkRows * stride) / 8) * 8;
  const bytes = new Uint8Array(workspace.buffer);
  const target = new Uint8Array(place.memory.buffer);
  const idRuns = dataset.placed && new IdRuns(dataset.placed);
  for (let shard = 0; shard < dataset.paths.length; shard += 1) {
    const sums = await readSums(dataset, column, shard);
    const rows = dataset.firstRows[shard + 1]! - dataset.firstRows[shard]!;
    const file = openFile(join(dataset.root, dataset.paths[shard]!));
    try {
      requireLength(file.path, file.byteLength, dataset.shardBytes[shard]!);
      for (let row = 0; row < rows; row += chunkRows) {
        const end = Math.min(rows, row + chunkRows);
        await file.read(bytes.subarray(0, (end - row) * stride), column.starts[shard]! + row * stride);
        for (let first = row; first < end; first += rowsPerSum) {
          const count = Math.min(rowsPerSum, end - first);
          bytes.set(sums.subarray((first / rowsPerSum) * 8, (first / rowsPerSum + 1) * 8), sumAt);
          if (kernels.xxh64Matches((first - row) * stride, count * stride, sumAt) === 0) {
            throw corruptRecord(dataset, column, shard, first, count);
          }
        }
        const from = dataset.firstRows[shard]! + row;
        if (!idRuns) {
          target.set(bytes.subarray(0, (end - row) * stride), place.address + from * stride);
          continue;
        }
        idRuns.each(from, from + end - row, (ids, first) => {
          for (let k = 0; k < ids.length; k += 1) {
            const at = (first - from + k) * stride;
            const to = place.address + ids[k]! * stride;
            for (let j = 0; j < stride; j += 1) target[to + j] = bytes[at + j]!;
          }
        });
      }
    } finally {
      file.close();
    }
  }
}

async function loadSums(dataset: DatasetTable, column: ColumnTable, place: Reservation): Promise<void> {
  const target = new Uint8Array(place.memory.buffer);
  for (let shard = 0; shard < dataset.paths.length; shard += 1) {
    target.set(await readSums(dataset, column, shard), place.address + column.firstSums[shard]! * 8);
  }
}

/** Reads where the encoded images of a column lie, shard after shard: rows + 1 int32 for each. */
async function loadOffsets(dataset: DatasetTable, column: ColumnTable, place: Reservation): Promise<void> {
  const target = new Uint8Array(place.memory.buffer);
  let at = place.address;
  for (let shard = 0; shard < dataset.paths.length; shard += 1) {
    const file = openFile(join(dataset.root, dataset.paths[shard]!));
    try {
      requireLength(file.path, file.byteLength, dataset.shardBytes[shard]!);
      const rows = dataset.firstRows[shard + 1]! - dataset.firstRows[shard]!;
      const end = at + (rows + 1) * 4;
      await file.read(target.subarray(at, end), column.encoded!.offsets[shard]!);
      at = end;
    } finally {
      file.close();
    }
  }
}

/** The sums of one column of one shard, after checking the file that they come from. */
async function readSums(dataset: DatasetTable, column: ColumnTable, shard: number): Promise<Uint8Array> {
  const path = join(dataset.root, dataset.sumPaths[shard]!);
  const file = openFile(path);
  try {
    const whole = new Uint8Array(dataset.sumBytes[shard]!);
    if (file.byteLength === whole.length) await file.read(whole, 0);
    if (file.byteLength !== whole.length || hashHex(whole) !== dataset.sumHashes[shard]) {
      throw new SpillwayError("corrupt", `${path} is damaged: its hash is not the one in dataset.json`, {
        remedy: `Run "spillway verify ${dataset.root}", and restore the file or pack again.`,
        where: { path, dataset: dataset.root, shard: dataset.paths[shard]! },
      });
    }
    const start = column.sumStarts[shard]!;
    return whole.subarray(start, start + (column.firstSums[shard + 1]! - column.firstSums[shard]!) * 8);
  } finally {
    file.close();
  }
}

/** The error for records whose sum does not agree: which shard, which samples, which bytes. */
export function corruptRecord(
  dataset: DatasetTable,
  column: ColumnTable,
  shard: number,
  firstInShard: number,
  count: number,
): SpillwayError {
  const name = dataset.paths[shard]!;
  const row = dataset.firstRows[shard]! + firstInShard;
  const sample = idOfRow(dataset, row);
  const startByte = column.starts[shard]! + firstInShard * column.stride;
  const endByte = startByte + count * column.stride;
  const isRange = count > 1 && idOfRow(dataset, row + count - 1) === sample + count - 1;
  const which = isRange
    ? `samples ${sample} to ${sample + count - 1}`
    : count === 1
      ? `sample ${sample}`
      : `sample ${sample} and ${count - 1} that lie behind it`;
  return new SpillwayError(
    "corrupt",
    `${name} of ${dataset.root} is damaged: ${which}, field "${column.name}", does not agree with its sum (bytes ${startByte}-${endByte})`,
    {
      remedy: `Run "spillway verify ${dataset.root}" for the extent; restore the file from a copy, or pack again.`,
      where: { dataset: dataset.root, shard: name, field: column.name, sample, startByte, endByte },
    },
  );
}
