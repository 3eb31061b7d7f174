// What a loop stands on, all of it in memory: labels and sums, the rows of its view, what it draws by. Taken before its
// own memory is reserved, given back when it has ended.

import { loadSharp } from "../source/image-decode.js";
import { type Drawing, requireSameDrawing } from "./drawing.js";
import type { HeldDrawing } from "./drawings.js";
import type { Engine } from "./engine.js";
import type { ResidentTable } from "./messages.js";
import type { HeldRows } from "./row-tables.js";
import type { Selection } from "./selection.js";

/** Whose ground it is. */
export interface GroundRequest {
  selection: Selection;
  /** How samples are drawn; undefined for the permutation, or the catalog's order. */
  drawing?: Drawing;
  /** What the token that the loop goes on from says of the drawing; checked when that is known. */
  expectedMark?: string | undefined;
  signal: AbortSignal | undefined;
}

export interface Ground {
  residents: ResidentTable;
  rows: HeldRows;
  drawing: HeldDrawing;
  release(): void;
}

/** @throws SpillwayError `memory`, `corrupt`, `io`, `missing` where images cannot be decoded here; `mismatch` for a token of a run that draws otherwise */
export async function takeGround(engine: Engine, request: GroundRequest): Promise<Ground> {
  if (engine.hasImages) await loadSharp();
  const residents = await engine.residents();
  engine.requireOpen();
  const { selection, signal, drawing = { kind: "permutation" } } = request;
  const { fingerprint, count } = selection;
  const rows = engine.rows.take(selection);
  let held: HeldDrawing | undefined;
  try {
    held = await engine.drawings.take(drawing, { fingerprint, count, rows: rows.table }, residents, signal);
    engine.requireOpen();
    if (request.expectedMark !== undefined)
      requireSameDrawing(request.expectedMark, held.mark, engine.table.root);
  } catch (error) {
    held?.release();
    rows.release();
    throw error;
  }
  const taken = held;
  const release = () => {
    taken.release();
    rows.release();
  };
  return { residents: residents.table, rows, drawing: taken, release };
}
