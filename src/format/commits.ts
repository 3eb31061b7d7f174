// What a dataset knew at each of its commits: rows count up from one to the next, and class names are only ever added
// behind those that are there.

import type { Fields } from "../tensor/field.js";

/** What of a manifest tells its commits. */
interface Committed {
  fields: unknown;
  commits: readonly { rows: number; classes?: Record<string, number> | undefined }[];
}

/** Fields with the first classes alone, as many as `counts` tells of each class field. */
export function knownFields(fields: Fields, counts: Readonly<Record<string, number>>): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      name,
      field.kind === "class" ? { ...field, classes: field.classes.slice(0, counts[name]) } : field,
    ]),
  );
}

/** Fields with the longest encoded images that these shards have; as they are, where there is no shard. */
export function withLongest(
  fields: Fields,
  shards: readonly { encoded?: Record<string, { longest: number }> | undefined }[],
): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => {
      if (field.kind !== "image" || shards.length === 0) return [name, field];
      const maxBytes = shards.reduce((most, { encoded }) => Math.max(most, encoded?.[name]?.longest ?? 0), 1);
      return [name, { ...field, maxBytes }];
    }),
  );
}

/** The fields as a commit knew them. */
export function fieldsOfCommit({ fields, commits }: Committed, commit: number): Fields {
  const known = commits[commit]?.classes;
  return known ? knownFields(fields as Fields, known) : (fields as Fields);
}

/** How many classes each class field has. */
export function classCounts(fields: Fields): Record<string, number> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, field]) =>
      field.kind === "class" ? [[name, field.classes.length] as const] : [],
    ),
  );
}

/** Commits of a dataset with these fields, without the numbers of classes of those that know all. */
export function tellOlder<T extends Committed["commits"][number]>(
  commits: readonly T[],
  fields: Fields,
): T[] {
  const all = JSON.stringify(classCounts(fields));
  return commits.map((commit) => {
    if (JSON.stringify(commit.classes) !== all) return commit;
    const { classes: _, ...rest } = commit;
    return rest as T;
  });
}

/** What of a manifest tells how far it has grown. */
interface Growing extends Committed {
  rows: number;
  shards: readonly { rows: number }[];
  catalog: readonly { rows: number }[];
  packing?: { before?: number | undefined } | undefined;
}

/** The commits that are whole: all but one that is being appended. */
export function wholeCommits<T>({ commits, packing }: Pick<Growing, "packing"> & { commits: T[] }): T[] {
  return packing?.before === undefined ? commits : commits.slice(0, -1);
}

/** A manifest as readers see it: where rows are being appended, without them and the classes that they brought. */
export function wholeManifest<T extends Growing>(manifest: T): T {
  const before = manifest.packing?.before;
  if (before === undefined) return manifest;
  return {
    ...manifest,
    packing: undefined,
    fields: fieldsOfCommit(manifest, manifest.commits.length - 2),
    rows: before,
    commits: manifest.commits.slice(0, -1),
    shards: firstParts(manifest.shards, before),
    catalog: firstParts(manifest.catalog, before),
  };
}

/** The first parts of a dataset, which hold `rows` rows together. */
export function firstParts<T extends { rows: number }>(parts: readonly T[], rows: number): T[] {
  let end = 0;
  return parts.filter((part) => {
    end += part.rows;
    return end <= rows;
  });
}

/** What is wrong with the commits of a manifest, if anything is. */
export function faultOfCommits(
  manifest: Committed & { packing?: { before?: number | undefined } | undefined },
): string | undefined {
  const { commits, packing } = manifest;
  const counts = classCounts(manifest.fields as Fields);
  for (const [number, { rows, classes = {} }] of commits.entries()) {
    const before = commits[number - 1]?.rows ?? 0;
    if (rows < before) return `commit ${number + 1} has ${rows} rows, the one before it ${before}`;
    for (const [name, count] of Object.entries(classes)) {
      if (count <= (counts[name] ?? 0)) continue;
      return `commit ${number + 1} knows ${count} classes of "${name}", the dataset has ${counts[name] ?? 0}`;
    }
  }
  if (packing?.before === undefined || commits.at(-2)?.rows === packing.before) return undefined;
  return `samples are being added behind ${packing.before} rows, which no commit has`;
}
