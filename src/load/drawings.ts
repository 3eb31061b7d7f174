// What the loops of a dataset need in memory for drawing: built when the first one starts, kept for the next. What nobody
// uses gives way where memory is short.

import { SpillwayError } from "../errors.js";
import { buildClassTable } from "./class-table.js";
import type { BuiltDrawing, Drawing, DrawingPlace, DrawnView } from "./drawing.js";
import type { MemoryPool, Reservation } from "./memory-pool.js";
import type { DrawingTable } from "./messages.js";
import type { Residents } from "./residents.js";
import type { DatasetTable } from "./table.js";
import { buildWeightTable } from "./weight-table.js";

/** What a loop uses, until it releases it. */
export interface HeldDrawing {
  table: DrawingTable;
  /** What resume tokens carry of it; undefined for the permutation. */
  mark: string | undefined;
  release(): void;
}

/** The builds by view and drawing. Only such as are done and not in use may be given up. */
interface Kept {
  built: Promise<BuiltDrawing>;
  done: BuiltDrawing | undefined;
  users: number;
}

export class Drawings {
  readonly #place: DrawingPlace;
  readonly #kept = new Map<string, Kept>();

  /** @param makeRoom gives back what nobody uses; false where there was nothing */
  constructor(table: DatasetTable, pool: MemoryPool, requireOpen: () => void, makeRoom: () => boolean) {
    const reserve = (byteLength: number, purpose: string): Reservation => {
      try {
        return pool.reserve(byteLength, purpose);
      } catch (error) {
        if (!isShortage(error) || !makeRoom()) throw error;
        return pool.reserve(byteLength, purpose);
      }
    };
    this.#place = { table, pool, reserve, requireOpen };
  }

  /** Whether any is being made. */
  get isBuilding(): boolean {
    return [...this.#kept.values()].some(({ done }) => !done);
  }

  /** Sentences about the drawings that are in memory. */
  get notes(): readonly string[] {
    return [...new Set([...this.#kept.values()].flatMap(({ done }) => done?.notes ?? []))];
  }

  /**
   * What readers need for a drawing, built or as it was kept. Where the signal ends the waiting, building goes on, for
   * others that may wait too.
   *
   * @throws SpillwayError `memory` where it does not fit, `usage` for weights that are none, `corrupt`
   */
  async take(
    drawing: Drawing,
    view: DrawnView,
    residents: Residents,
    signal?: AbortSignal,
  ): Promise<HeldDrawing> {
    if (drawing.kind === "permutation") {
      return { table: { kind: "permutation" }, mark: undefined, release() {} };
    }
    const kept = this.#keptFor(drawing, view, residents);
    kept.users += 1;
    let isReleased = false;
    const release = () => {
      if (!isReleased) kept.users -= 1;
      isReleased = true;
    };
    try {
      const { table, mark } = await untilAborted(kept.built, signal);
      return { table, mark, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Gives back the memory of what no loop uses; false where there was nothing. */
  releaseUnused(): boolean {
    const unused = [...this.#kept].filter(([, { users, done }]) => users === 0 && done);
    for (const [key, { done }] of unused) {
      for (const reservation of done!.held) reservation.release();
      this.#kept.delete(key);
    }
    return unused.length > 0;
  }

  #keptFor(drawing: Exclude<Drawing, { kind: "permutation" }>, view: DrawnView, residents: Residents): Kept {
    const what = drawing.kind === "balanced" ? `balance ${drawing.field}` : `weights ${drawing.weights.key}`;
    const key = `${view.fingerprint} ${what}`;
    const known = this.#kept.get(key);
    if (known) return known;
    const built =
      drawing.kind === "balanced"
        ? buildClassTable(this.#place, drawing.field, view, residents)
        : buildWeightTable(this.#place, drawing.weights, view);
    const kept: Kept = { built, done: undefined, users: 0 };
    this.#kept.set(key, kept);
    built.then(
      (done) => {
        kept.done = done;
      },
      () => this.#kept.delete(key),
    );
    return kept;
  }
}

/** What a promise gives, or the signal's reason if that comes first. */
function untilAborted<Result>(promise: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Whether an error says that the memory is too small. */
export function isShortage(error: unknown): boolean {
  return error instanceof SpillwayError && error.code === "memory";
}
