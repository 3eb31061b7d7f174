// The resume token: a short string that says where a run stood and what it was a run of. Positions count the samples
// of the whole world, so a run may go on with another batch size or another number of ranks.
//
//   <order version>.<s and seed, or c>.<position>.<view fingerprint>.<commit>      1.s7.123456.9f86d081884c7d65.3

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
}

export function encodeToken(point: ResumePoint): string {
  const order = point.seed === undefined ? "c" : `s${point.seed}`;
  return `${orderVersion}.${order}.${point.position}.${point.view}.${point.commit}`;
}

/** @throws SpillwayError `usage` if it is no token, `version` if its order is not one that this version knows */
export function parseToken(token: string): ResumePoint {
  const match = /^(\d{1,9})\.(?:c|s(\d{1,16}))\.(\d{1,16})\.([0-9a-f]{16})\.(\d{1,9})$/.exec(token);
  if (!match) {
    throw new SpillwayError("usage", `"${token.slice(0, 80)}" is no resume token`, {
      remedy: "Pass on batch.resume of an earlier run, unchanged.",
    });
  }
  const [, version, seed, position, view, commit] = match as unknown as string[];
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
  };
}
