// What the packer knows of raw data: fields, how many samples, and their bytes one by one. Each kind of data is one
// file in this folder that makes a Source; registry.ts finds the right one for a path.
// Rule: a source holds bounded memory whatever its size, and gives the same samples in the same order each time it is
// opened on unchanged data, since an interrupted `pack` goes on from where it stopped.

import type { Columns, ColumnValue } from "../format/columns.js";
import type { Manifest } from "../format/manifest.js";
import { type Fields, sampleBytes } from "../tensor/field.js";
import type { Sample } from "../tensor/sample.js";

/** Where a sample came from: a file relative to the source's root, and the row within it where it holds many. */
export interface Origin extends Pick<Sample, "path" | "row"> {
  /** Values of the source's `columns`, in their order. */
  extra?: readonly ColumnValue[];
  /** Where its bytes lie in that file; only while an index is made. */
  place?: FilePlace;
  /** Content hash of the sample before bits were cut, where it is not that of the bytes as they are stored. */
  hash?: bigint;
}

/** Where the bytes of a sample lie in its file, as they are stored, and how that file was when they were looked at. */
export interface FilePlace {
  startByte: number;
  fileBytes: number;
  /** Time of the last modification, in microseconds since 1970. */
  modifiedUs: number;
}

/** Sources whose samples lie in files as they would be stored, each in one piece, so that they can stay there. */
export interface SourceFiles {
  /** The field that lies in the files; all others are small. */
  field: string;
  /** Folder that the paths of origins start from. */
  root: string;
  /** Path of a sample's file, relative to the root. */
  pathOf(index: number): string;
  /** Where a sample lies. @throws SpillwayError if its file is not there any more, or is not what it was */
  locate(index: number): FilePlace;
}

/** Raw data, opened. */
export interface Source {
  /** Name of the kind: "npy-folder", "image-folder", "idx", "npy", "csv", "dataset", "samples". */
  readonly kind: string;
  /** Inferred, or as the caller set them. The order is the storage order. */
  readonly fields: Fields;
  /** Samples in all, where that is known without reading through. */
  readonly sampleCount?: number;
  /** Bytes of a sample on average, where they differ in length and that is known beforehand. */
  readonly meanBytes?: number;
  /** 16 hexadecimal digits that change when the data does (names, sizes, modification times). */
  readonly fingerprint: string;
  /** What was inferred or left out, one sentence each, to be said before packing. */
  readonly notes: readonly string[];
  /** Columns of the user's that are to be kept in the catalog; only where samples can be read at any index. */
  readonly columns?: Columns;
  /** Where the sample at an index comes from, without reading anything. Absent where that is not known beforehand. */
  originOf?(index: number): Origin;
  /**
   * Reads the sample at an index in source order, any index at any time, several at once. `into[k]` has exactly the
   * stride of the k-th field, of encoded images as a frame. Absent where the data can only be read from front to back.
   */
  readInto?(index: number, into: readonly Uint8Array[]): Promise<Origin>;
  /** Absent where samples have to be decoded, turned or put together: then they cannot stay where they are. */
  readonly files?: SourceFiles;
  /** Number of a sample's class, where that is known without reading anything; absent elsewhere. */
  labelOf?(index: number): number;
  /** The dataset that the source is, if it is one: what belongs to its samples can be kept. */
  readonly dataset?: { folder: string; manifest: Readonly<Manifest> };
  /** Samples in source order from the index `start` on. What it yields is valid until the next is asked for. */
  samples(start: number): AsyncIterable<Sample>;
  close(): Promise<void>;
}

/** Bytes of a sample on average; at most so many where that is not known. */
export function bytesPerSample({ meanBytes, fields }: Pick<Source, "meanBytes" | "fields">): number {
  return meanBytes ?? sampleBytes(fields);
}

/** How raw data is to be read; each kind uses what concerns it and refuses what does not. */
export interface SourceOptions {
  /** Kind of the data, where it should not be guessed from the path. */
  kind?: string;
  /** Class names in the order of their numbers; default: found in the data, sorted. */
  classes?: readonly string[];
  /** Tables, also those of `labels`: name of the label column, or its number from 0, negative from the end. */
  labelColumn?: string | number;
  /** Tables: `class` for a class label, `value` for a number to be predicted (a scalar tensor "target"). */
  labelKind?: "class" | "value";
  /**
   * A table (.csv, .tsv, .parquet) with a row per sample: its label column replaces other labels, its further columns
   * are kept in the catalog. Or, for IDX, the file of labels, where it is not named like the file of images.
   */
  labels?: string;
  /** Indexed datasets: the folder with their samples' files, where it is no longer where it was. */
  source?: string;
  /** Column of the table of labels that says which sample a row is of: paths, or numbers of samples from 0. */
  key?: string;
  /** Images: resize to this width and height in pixels, cut to the middle where the proportions differ. */
  size?: { width: number; height: number };
  /** Images: 1 for grey, 3 for colour; default: as in the first image. */
  channels?: 1 | 3;
  /**
   * Images: kept as the bytes of their files and decoded when they are read, or decoded now, once. Default for a new
   * dataset: decoded where `size` or `channels` is given or where they are small and of one size, else encoded; for one
   * that is added to: as there.
   */
  images?: "encoded" | "decoded";
}

/** What is done with images where the caller does not say: one of the two, or whatever suits them. */
export type ImageDefault = "encoded" | "decoded" | "choose";

/** One kind of raw data. */
export interface SourceKind {
  readonly name: string;
  /** One line for help texts. */
  readonly summary: string;
  /** Whether a path looks like this kind; reads names and first bytes only. */
  detect(path: string): boolean | Promise<boolean>;
  /** @param images default "decoded"; for the kinds that have images to decode */
  open(path: string, options: SourceOptions, images?: ImageDefault): Promise<Source>;
}
