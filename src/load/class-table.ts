// The directory of classes of a view, in the pool: built from the labels that are resident, in two passes over them, one
// to count and one to list. Other work of the process gets its turn in between.

import { SpillwayError } from "../errors.js";
import {
  classDirectoryBytes,
  countLabels,
  fillClasses,
  listRows,
  planDirectory,
  viewDirectory,
} from "../order/class-directory.js";
import { formatBytes } from "../store/byte-size.js";
import { viewAs } from "../tensor/dtype.js";
import { type BuiltDrawing, balancedMark, type DrawingPlace, type DrawnView } from "./drawing.js";
import type { Reservation } from "./memory-pool.js";
import type { Place } from "./messages.js";
import { type Residents, residentShare } from "./residents.js";
import { membersOf } from "./run-draws.js";

/** Part of the labels' own bytes that listed rows may take, and part of the memory that they may take anyway. */
const shareOfLabels = 1 / 8;
const shareOfMemory = 1 / 64;

/** Rows between two turns of the process's other work: some milliseconds. */
const rowsPerTurn = 2 ** 20;

/** @throws SpillwayError `memory` where labels or directory do not fit, `corrupt` for a label beyond its classes */
export async function buildClassTable(
  place: DrawingPlace,
  fieldName: string,
  view: DrawnView,
  residents: Residents,
): Promise<BuiltDrawing> {
  const { table, pool, reserve } = place;
  const number = table.columns.findIndex(({ name }) => name === fieldName);
  const { field, stride } = table.columns[number]!;
  const labelPlace = residents.table.columns[number];
  if (field.kind !== "class") throw new TypeError(`"${fieldName}" is no class field`);
  if (!labelPlace) throw labelsNotResident(fieldName, table.rows * stride, pool.byteLength);
  const buffer = (at: Place) => pool.segments[at.segment]!.buffer;
  const labels = viewAs(field.dtype, buffer(labelPlace), labelPlace.address, table.rows) as Uint8Array;
  const members = membersOf(view.rows, buffer);
  const [start, end] =
    view.rows.kind === "range" ? [view.rows.start, view.rows.start + view.count] : [0, table.rows];
  const inTurns = async (work: (from: number, to: number) => void) => {
    for (let from = start; from < end; from += rowsPerTurn) {
      if (from > start) await new Promise((resolve) => setImmediate(resolve));
      place.requireOpen();
      work(from, Math.min(end, from + rowsPerTurn));
    }
  };

  const purpose = `where the classes of field "${fieldName}" are`;
  const scratch = reserve(field.classes.length * 8, purpose);
  const held: Reservation[] = [];
  try {
    const counts = new Uint32Array(scratch.memory.buffer, scratch.address, field.classes.length);
    const numbers = new Uint32Array(
      scratch.memory.buffer,
      scratch.address + counts.byteLength,
      counts.length,
    );
    counts.fill(0);
    await inTurns((from, to) => countLabels(counts, labels, members, from, to));
    const found = counts.reduce((sum, count) => sum + count, 0);
    if (found !== view.count) throw strangeLabels(fieldName, view.count - found, counts.length);

    const allowed = Math.max(table.rows * stride * shareOfLabels, pool.byteLength * shareOfMemory) / 4;
    const { classCount, mostPerClass, listed } = planDirectory(counts, allowed);
    const reservation = reserve(classDirectoryBytes(classCount, listed), purpose);
    held.push(reservation);
    const directory = viewDirectory(reservation.memory.buffer, reservation.address, classCount, listed);
    fillClasses(directory, counts, mostPerClass);
    const absent = field.classes.filter((_, label) => counts[label] === 0);
    directory.labels.forEach((label, at) => {
      numbers[label] = at;
    });
    counts.fill(0);
    await inTurns((from, to) => listRows(directory, { numbers, counts }, labels, members, from, to));
    return {
      table: {
        kind: "balanced",
        labels: labelPlace,
        labelBytes: stride,
        rowCount: table.rows,
        directory: { segment: reservation.segment, address: reservation.address },
        classCount,
        listed,
      },
      mark: balancedMark(fieldName),
      notes: absent.length === 0 ? [] : [absentNote(fieldName, absent, field.classes.length)],
      held,
    };
  } catch (error) {
    for (const reservation of held) reservation.release();
    throw error;
  } finally {
    scratch.release();
  }
}

function labelsNotResident(field: string, labelBytes: number, memoryBytes: number): SpillwayError {
  const neededBytes = Math.ceil(labelBytes / residentShare / 2 ** 20) * 2 ** 20;
  return new SpillwayError(
    "memory",
    `balance: "${field}" needs its labels in memory: they take ${formatBytes(labelBytes)}, more than an eighth of the memory (${formatBytes(memoryBytes)})`,
    { remedy: `Open with memory: "${formatBytes(neededBytes)}".`, where: { field, neededBytes } },
  );
}

function strangeLabels(field: string, samples: number, classCount: number): SpillwayError {
  return new SpillwayError(
    "corrupt",
    `field "${field}" has ${samples} samples whose label is beyond its ${classCount} classes`,
    { remedy: "Pack the dataset again.", where: { field } },
  );
}

function absentNote(field: string, absent: readonly string[], classCount: number): string {
  const shown = absent.slice(0, 8).join(", ");
  const more = absent.length > 8 ? `, and ${absent.length - 8} more` : "";
  return `balance: "${field}" leaves out ${absent.length} of ${classCount} classes, which have no sample in the view: ${shown}${more}.`;
}
