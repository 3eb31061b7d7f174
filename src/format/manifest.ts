// dataset.json: what a dataset consists of. Text to object and back, with every number checked; what it does not name
// does not exist. FORMAT.md describes it for readers in other languages.
// Rule: encodeManifest is a pure function of its content, without dates or machine names: the same data packed with the
// same options gives the same bytes.

import { z } from "zod";
import { SpillwayError } from "../errors.js";
import { dtypes } from "../tensor/dtype.js";
import {
  channelRuns,
  type Field,
  type Fields,
  fieldStride,
  maxImageBytes,
  maxImageSide,
  sampleBytes,
  type TensorField,
} from "../tensor/field.js";
import { columnsSchema } from "./columns.js";
import { faultOfCommits } from "./commits.js";
import { placeBytes, planSums } from "./shard.js";

/** The newest version of the format that this code reads. */
export const formatVersion = 2;

/** The version that a dataset with these fields is written in: the oldest that has them, so that old readers read on. */
export function versionOf(fields: Fields): number {
  return hasImages(fields) ? 2 : 1;
}

function hasImages(fields: Fields): boolean {
  return Object.values(fields).some(({ kind }) => kind === "image");
}

/** Name of the manifest in a dataset's folder. */
export const manifestName = "dataset.json";

/** Largest manifest that is read: 100,000 shards fit well. */
export const maxManifestBytes = 2 ** 26;

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const hash = z.string().regex(/^[0-9a-f]{16}$/, "is not 16 hexadecimal digits");
/** Relative, inside the dataset, with / on every system. */
const path = z
  .string()
  .max(1024)
  .regex(/^(?!.*(?:^|\/)\.\.?(?:\/|$))[^/\\\0][^\\\0]*$/, "leads out of the dataset");

const finite = z.number();

const channelCode = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("scaled"),
    zero: z.number().int().optional(),
    scale: finite.refine((scale) => scale !== 0, "is 0").optional(),
    offset: finite.optional(),
  }),
  z.strictObject({
    kind: z.literal("divided"),
    zero: z.number().int().optional(),
    divisor: finite.refine((divisor) => divisor !== 0, "is 0"),
  }),
]);

const encoding = z.strictObject({
  original: z.enum(dtypes),
  claim: z.enum(["lossless", "exact", "lossy"]),
  axis: z.number().int().min(0).max(15).optional(),
  channels: z.array(channelCode).max(65_536),
  reason: z.string().max(1024).optional(),
  errors: z
    .array(
      z.strictObject({
        max: finite.min(0),
        rms: finite.min(0),
        /** Null where nothing is lost. */
        sqnrDb: finite.nullable(),
        clipped: count,
      }),
    )
    .max(65_536)
    .optional(),
});

const tensorField = z.strictObject({
  kind: z.literal("tensor"),
  dtype: z.enum(dtypes),
  shape: z
    .array(
      z
        .number()
        .int()
        .min(1)
        .max(2 ** 31 - 1),
    )
    .max(16),
  channelAxis: z.number().int().min(0).max(15).optional(),
  encoding: encoding.optional(),
});

const classField = z.strictObject({
  kind: z.literal("class"),
  dtype: z.enum(["uint8", "uint16", "int32"]),
  classes: z.array(z.string().max(1024)).max(1_000_000),
});

const side = z.number().int().min(1).max(maxImageSide);

/** From version 2 on. */
const imageField = z.strictObject({
  kind: z.literal("image"),
  dtype: z.literal("uint8"),
  shape: z.tuple([side, side, z.union([z.literal(1), z.literal(3)])]),
  maxBytes: z.number().int().min(1).max(maxImageBytes),
});

/** Fields by name, as manifests hold them. */
export const fieldsSchema = z.record(
  z.string().min(1).max(256),
  z.discriminatedUnion("kind", [tensorField, classField, imageField]),
);

const column = z.strictObject({
  start: count,
  stride: z
    .number()
    .int()
    .min(1)
    .max(2 ** 30),
});

const shard = z.strictObject({
  path,
  rows: count.min(1),
  bytes: count,
  /** Where each field's first record starts in the file, and how far apart records are. */
  columns: z.record(z.string().min(1).max(256), column),
  /** Encoded images only: where their bytes and offsets lie, and the bytes of the longest. */
  encoded: z
    .record(
      z.string().min(1).max(256),
      z.strictObject({
        start: count,
        bytes: count.max(2 ** 31 - 1),
        offsets: count,
        longest: count.min(1).max(maxImageBytes),
      }),
    )
    .optional(),
  sums: z.strictObject({ path, bytes: count, hash }),
  /** Indexes only: where the columns lie that say in which file, and where in it, each record is. */
  files: z
    .strictObject({ places: count, offsets: count, paths: count, pathBytes: count.max(2 ** 31 - 1) })
    .optional(),
});

const catalogPart = z.strictObject({ path, rows: count, bytes: count, hash });

const layout = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("shuffled"), seed: count }),
  z.strictObject({ kind: z.literal("source") }),
]);

const sourceSchema = z.strictObject({ kind: z.string().max(64), fingerprint: hash });

const manifest = z.strictObject({
  format: z.literal("spillway"),
  version: z.number().int().min(1),
  fields: fieldsSchema,
  layout,
  source: sourceSchema,
  /** Indexed datasets only: the field that stays in its files, and the folder that their paths start from. */
  files: z.strictObject({ field: z.string().min(1).max(256), root: z.string().min(1).max(4096) }).optional(),
  /**
   * Blocks of ids from 0 on whose rows lie in another order than the catalog's: within a block of n, id i is row
   * place(i) of the permutation of n by the block's seed. Ids beyond them are rows.
   */
  placed: z
    .array(z.strictObject({ rows: count.min(1), seed: count }))
    .max(1_000_000)
    .optional(),
  rows: count,
  shards: z.array(shard).max(1_000_000),
  catalog: z.array(catalogPart).max(1_000_000),
  /** The user's own columns in the parts of the catalog, where there are any. */
  columns: columnsSchema.optional(),
  /** Rows after each commit, and a fingerprint of all that they hold. */
  commits: z
    .array(
      z.strictObject({
        rows: count,
        fingerprint: hash,
        /** Where the samples of an appended commit came from. */
        source: sourceSchema.optional(),
        /** Class names that the commit knows, by class field; there where later commits know more. */
        classes: z.record(z.string(), count).optional(),
      }),
    )
    .min(1)
    .max(1_000_000),
  /** There only while packing has not finished: the rows that are planned, and those of the commits before. */
  packing: z.strictObject({ rows: count.nullable(), before: count.optional() }).optional(),
});

export type Manifest = z.infer<typeof manifest>;
export type ShardEntry = Manifest["shards"][number];
export type CatalogEntry = Manifest["catalog"][number];
export type Layout = Manifest["layout"];

/** Bytes of a sample, on average where encoded images make them differ. */
export function bytesPerSampleOf({ fields, shards, rows }: Manifest): number {
  const others = Object.entries(fields as Fields).filter(([, { kind }]) => kind !== "image");
  const images = shards.flatMap(({ encoded = {} }) => Object.values(encoded));
  const bytes = images.reduce((sum, place) => sum + place.bytes, 0);
  return sampleBytes(Object.fromEntries(others)) + Math.ceil(bytes / Math.max(1, rows));
}

export function encodeManifest(value: Manifest): string {
  return `${JSON.stringify(value, null, 1)}\n`;
}

/**
 * @param text content of dataset.json
 * @param where path for messages
 * @throws SpillwayError `version` if a newer Spillway wrote it, `corrupt` if it is damaged
 */
export function parseManifest(text: string, where: string): Manifest {
  const value = parseJson(text, where);
  const version = (value as { version?: unknown } | null)?.version;
  if (typeof version === "number" && version > formatVersion) {
    throw new SpillwayError(
      "version",
      `${where} has format version ${version}, this Spillway reads up to ${formatVersion}`,
      { remedy: "Update Spillway: npm install spillway@latest.", where: { path: where } },
    );
  }
  const parsed = manifest.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw corrupt(where, `${issue?.path.join(".") || "content"}: ${issue?.message ?? "invalid"}`);
  }
  checkSums(parsed.data, where);
  return parsed.data;
}

/** Parses JSON text of a dataset's own files. */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw corrupt(where, "it is no JSON", cause);
  }
}

function checkSums(value: Manifest, where: string): void {
  const rows = value.shards.reduce((sum, entry) => sum + entry.rows, 0);
  if (rows !== value.rows) throw corrupt(where, `shards hold ${rows} rows, the dataset ${value.rows}`);
  const lastCommit = value.commits.at(-1)?.rows ?? 0;
  if (lastCommit !== value.rows)
    throw corrupt(where, `the last commit has ${lastCommit} rows, the dataset ${value.rows}`);
  const fault = faultOfCommits(value);
  if (fault !== undefined) throw corrupt(where, fault);
  const placed = value.placed?.reduce((sum, block) => sum + block.rows, 0) ?? 0;
  if (placed > value.rows) throw corrupt(where, `${placed} rows are placed, the dataset has ${value.rows}`);
  for (const [name, field] of Object.entries(value.fields)) {
    const wrong = field.kind === "tensor" ? faultOfEncoding(field as TensorField) : undefined;
    if (wrong !== undefined) throw corrupt(where, `the encoding of field "${name}" ${wrong}`);
  }
  const inFiles = value.files?.field;
  if (inFiles !== undefined && value.fields[inFiles]?.kind !== "tensor")
    throw corrupt(where, `field "${inFiles}", which is said to be in files, is no tensor of the dataset`);
  if (value.version < versionOf(value.fields as Fields))
    throw corrupt(where, `it has encoded images and version ${value.version}, which has none`);
  const names = Object.keys(value.fields).filter((name) => name !== inFiles);
  for (const entry of value.shards) {
    const { bytes } = planSums(value.fields as Fields, entry.rows, inFiles);
    if (entry.sums.bytes !== bytes)
      throw corrupt(where, `${entry.sums.path} should have ${bytes} bytes, not ${entry.sums.bytes}`);
    if ((entry.files === undefined) !== (inFiles === undefined) || !isWithin(entry))
      throw corrupt(where, `the files of ${entry.path} do not lie within its ${entry.bytes} bytes`);
    for (const name of names) {
      if (isPlaced(entry, name, (value.fields as Fields)[name]!)) continue;
      throw corrupt(where, `column "${name}" of ${entry.path} does not lie within its ${entry.bytes} bytes`);
    }
  }
}

/** Whether the column of a field lies within its shard. */
function isPlaced({ rows, bytes, columns, encoded }: ShardEntry, name: string, field: Field): boolean {
  if (field.kind !== "image") {
    const place = columns[name];
    return place?.stride === fieldStride(field) && place.start + place.stride * rows <= bytes;
  }
  const place = encoded?.[name];
  if (!place || place.longest > field.maxBytes || place.bytes < rows) return false;
  return Math.max(place.start + place.bytes, place.offsets + (rows + 1) * 4) <= bytes;
}

/** What is wrong with the encoding of a field, if it has one. */
function faultOfEncoding({ shape, encoding }: TensorField): string | undefined {
  if (!encoding) return undefined;
  const { axis, channels, errors } = encoding;
  if (axis !== undefined && axis >= shape.length) return `has axis ${axis} of ${shape.length}`;
  const count = channelRuns(shape, axis).channels;
  if (channels.length > 1 && channels.length !== count)
    return `has ${channels.length} channels, its axis ${count}`;
  if (errors && errors.length !== channels.length && errors.length !== count)
    return `tells the errors of ${errors.length} channels`;
  return undefined;
}

/** Whether the columns of an index lie within it; shards have none. */
function isWithin({ files, rows, bytes }: ShardEntry): boolean {
  if (!files) return true;
  const { places, offsets, paths, pathBytes } = files;
  return Math.max(places + rows * placeBytes, offsets + (rows + 1) * 4, paths + pathBytes) <= bytes;
}

function corrupt(where: string, why: string, cause?: unknown): SpillwayError {
  return new SpillwayError("corrupt", `${where} is damaged: ${why}`, {
    remedy: "Restore it from a copy, or pack again.",
    where: { path: where },
    cause,
  });
}
