// The resume token: a short string that says where a run stood and what it was a run of. Positions count the samples
// of the whole world, so a run may go on with another batch size or another number of ranks.
//
//   <order version>.<s and seed, or c>.<position>.<view fingerprint>.<commit>[.<drawing>]
//   1.s7.123456.9f86d081884c7d65.3      1.s7.123456.9f86d081884c7d65.3.b5d41402abc4b2a76

import { SpillwayError } from "../errors.js";
import { orderVersion } from "./keys.js";

/** Where a run stands. */
export interface ResumePoint {
  /** Undefined where the order is the catalog's (`shuffle: false`). */
  seed: number | undefined;
  /** Samples of the endless stream that lie behind: epoch * n + place. */
  position: number;
  /** Fingerprint of the view, 16 hexadecimal digits. */
  view: string;
  /** Number of the dataset's commit at which the view was made. */
  commit: number;
  /** What a balanced or weighted run draws by: b or w, and 16 hexadecimal digits. Not there in others. */
  drawing?: string;
}

export function encodeToken(point: ResumePoint): string {
  const order = point.seed === undefined ? "c" : `s${point.seed}`;
  const drawing = point.drawing === undefined ? "" : `.${point.drawing}`;
  return `${orderVersion}.${order}.${point.position}.${point.view}.${point.commit}${drawing}`;
}

/** @throws SpillwayError `usage` if it is no token, `version` if its order is not one that this version knows */
export function parseToken(token: string): ResumePoint {
  const match =
    /^(\d{1,9})\.(?:c|s(\d{1,16}))\.(\d{1,16})\.([0-9a-f]{16})\.(\d{1,9})(?:\.([bw][0-9a-f]{16}))?$/.exec(
      token,
    );
  if (!match || (match[6] !== undefined && match[2] === undefined)) {
    throw new SpillwayError("usage", `"${token.slice(0, 80)}" is no resume token`, {
      remedy: "Pass on batch.resume of an earlier run, unchanged.",
    });
  }
  const [, version, seed, position, view, commit, drawing] = match as unknown as string[];
  if (Number(version) !== orderVersion) {
    throw new SpillwayError(
      "version",
      `the resume token has order version ${version}, this Spillway knows ${orderVersion}`,
      {
        remedy: "Go on with the version of Spillway that started the run.",
      },
    );
  }
  return {
    seed: seed === undefined ? undefined : Number(seed),
    position: Number(position),
    view: view!,
    commit: Number(commit),
    ...(drawing === undefined ? {} : { drawing }),
  };
}
