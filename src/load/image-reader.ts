// Encoded images of a loop, one at a time and several under way: finds where an image lies, reads its bytes, checks their
// sum the first time that this process sees them, has them decoded, and puts the pixels into the ring as they are to be
// delivered.
// Rule: what lies in a lane's room in the scratch is that lane's until its image is decoded.

import type { ErrorPlace } from "../errors.js";
import { SpillwayError } from "../errors.js";
import { idOfRow } from "../format/placed.js";
import { bindKernels, type Conversion, conversionOf, type Kernels } from "../kernels/kernels.js";
import { readFully } from "../store/file.js";
import { planImages } from "./image-crop.js";
import { createDecoder, type DecodePixels, type ImageOfEpoch } from "./image-decoder.js";
import type { Place, ReaderJob, ReaderStart } from "./messages.js";
import type { OpenFiles } from "./open-files.js";
import type { FieldPlan } from "./plan.js";
import { type ColumnTable, type EncodedTable, shardOf } from "./table.js";

/** What images are read from. */
export interface ImageFiles {
  shards: OpenFiles;
  sumFiles: OpenFiles;
}

/** A field of encoded images, with everything looked up that reading one needs. */
interface ImageField {
  plan: FieldPlan;
  column: ColumnTable;
  encoded: EncodedTable;
  /** First byte of the field's ring. */
  ring: number;
  convert: Conversion | undefined;
  decode: DecodePixels;
  /** Where images lie, all shards one after another; undefined where that is read as needed. */
  offsets: Int32Array | undefined;
  sums: Uint8Array | undefined;
  /** One bit per image; undefined where each is checked every time. */
  checked: Int32Array | undefined;
}

export class ImageReader {
  readonly #start: ReaderStart;
  readonly #kernels: Kernels;
  readonly #bytes: Uint8Array;
  readonly #fields: readonly ImageField[];
  readonly #files: ImageFiles;
  /** Addresses: of a decoded image on its way to the ring, of a sum, of the first lane's room. */
  readonly #records: number;
  readonly #sum: number;
  readonly #rooms: number;
  readonly #roomBytes: number;

  /** @throws SpillwayError `missing` if images cannot be decoded here */
  static async create(start: ReaderStart, job: ReaderJob, files: ImageFiles): Promise<ImageReader> {
    const { columns } = start.table;
    const images = job.plan.fields.filter(({ column }) => columns[column]!.encoded);
    const imagePlan = job.images ?? planImages({}, 0);
    const decoders = images.map(({ column }) => {
      const { field } = columns[column]!;
      return createDecoder(field.kind === "class" ? [] : field.shape, imagePlan);
    });
    return new ImageReader(start, job, files, images, await Promise.all(decoders));
  }

  private constructor(
    start: ReaderStart,
    job: ReaderJob,
    files: ImageFiles,
    images: readonly FieldPlan[],
    decoders: readonly DecodePixels[],
  ) {
    const { plan, reservation, residents } = job;
    const memory = start.segments[reservation.segment]!;
    this.#start = start;
    this.#files = files;
    this.#kernels = bindKernels(start.module, memory);
    this.#bytes = new Uint8Array(memory.buffer);
    const own = reservation.address + plan.scratchStart + job.reader * plan.scratch.byteLength;
    this.#records = own + plan.scratch.records;
    this.#sum = own + plan.scratch.sum;
    this.#rooms = own + plan.scratch.images;
    this.#roomBytes = plan.scratch.imageBytes;
    const bufferOf = (place: Place) => start.segments[place.segment]!.buffer;
    const words = (place: Place | undefined, length: number) =>
      place && new Int32Array(bufferOf(place), place.address, length);
    this.#fields = images.map((field, k): ImageField => {
      const column = start.table.columns[field.column]!;
      const count = column.firstSums.at(-1)!;
      const sums = residents.sums[field.column];
      return {
        plan: field,
        column,
        encoded: column.encoded!,
        ring: reservation.address + field.ring,
        convert: conversionOf(this.#kernels, field, reservation.address, own + plan.scratch.block),
        decode: decoders[k]!,
        offsets: words(residents.offsets?.[field.column], count + start.table.paths.length),
        sums: sums && new Uint8Array(bufferOf(sums), sums.address, count * 8),
        checked: words(residents.checked[field.column], Math.ceil(count / 32)),
      };
    });
  }

  /**
   * Fills a slot with the images of one sample.
   *
   * @param row where it lies in the layout
   * @param lane whose room is free
   * @throws SpillwayError `corrupt` for bytes that are not what was packed, `source` for an image that cannot be decoded
   */
  async read(of: ImageOfEpoch, row: number, slot: number, lane: number): Promise<void> {
    const { firstRows } = this.#start.table;
    const shard = shardOf(firstRows, row);
    for (const field of this.#fields) {
      const inShard = row - firstRows[shard]!;
      const file = this.#fetch(field, shard, inShard, lane);
      let pixels: Uint8Array;
      try {
        pixels = await field.decode(file, of);
      } catch (cause) {
        throw this.#undecodable(field, shard, inShard, cause);
      }
      this.#deliver(field, pixels, field.ring + slot * field.plan.deliveredStride);
    }
  }

  #deliver({ convert, plan }: ImageField, pixels: Uint8Array, target: number): void {
    this.#bytes.set(pixels, convert ? this.#records : target);
    convert?.(this.#records, target, plan.elements);
  }

  /** Brings the bytes of an image into the lane's room, and checks them. */
  #fetch(field: ImageField, shard: number, row: number, lane: number): Uint8Array {
    const { column, encoded } = field;
    const [start, end] = this.#place(field, shard, row);
    const isPlace =
      start >= 0 && end > start && end <= encoded.bytes[shard]! && end - start <= encoded.longest;
    if (!isPlace) throw this.#damaged(field, shard, row, "does not lie where its column says");
    const at = this.#rooms + lane * this.#roomBytes;
    const descriptor = this.#files.shards.descriptor(shard);
    const startByte = column.starts[shard]! + start;
    readFully(descriptor, this.#bytes, at, end - start, startByte, this.#files.shards, shard);
    this.#check(field, shard, row, at, end - start);
    return this.#bytes.subarray(at, at + end - start);
  }

  /** Where an image starts and ends among those of its shard. */
  #place({ column, encoded, offsets }: ImageField, shard: number, row: number): [number, number] {
    // A shard has an offset more than it has images.
    const k = column.firstSums[shard]! + shard + row;
    if (offsets) return [offsets[k]!, offsets[k + 1]!];
    const pair = Buffer.alloc(8);
    const { shards } = this.#files;
    readFully(shards.descriptor(shard), pair, 0, 8, encoded.offsets[shard]! + row * 4, shards, shard);
    return [pair.readInt32LE(0), pair.readInt32LE(4)];
  }

  /** Compares bytes with their sum, unless this process has done so. */
  #check(field: ImageField, shard: number, row: number, at: number, byteLength: number): void {
    const { column, checked, sums } = field;
    const number = column.firstSums[shard]! + row;
    const [word, bit] = [Math.floor(number / 32), 1 << (number % 32)];
    if (checked && (checked[word]! & bit) !== 0) return;
    if (sums) this.#bytes.set(sums.subarray(number * 8, number * 8 + 8), this.#sum);
    else {
      const { sumFiles } = this.#files;
      const startByte = column.sumStarts[shard]! + row * 8;
      readFully(sumFiles.descriptor(shard), this.#bytes, this.#sum, 8, startByte, sumFiles, shard);
    }
    if (this.#kernels.xxh64Matches(at, byteLength, this.#sum) === 0)
      throw this.#damaged(field, shard, row, "does not agree with its sum");
    if (checked) Atomics.or(checked, word, bit);
  }

  #damaged(field: ImageField, shard: number, row: number, why: string): SpillwayError {
    const { root, paths } = this.#start.table;
    const where = this.#where(field, shard, row);
    return new SpillwayError(
      "corrupt",
      `${paths[shard]!} of ${root} is damaged: sample ${where.sample}, field "${where.field}", ${why}`,
      {
        remedy: `Run "spillway verify ${root}" for the extent; restore the file from a copy, or pack again.`,
        where,
      },
    );
  }

  #undecodable(field: ImageField, shard: number, row: number, cause: unknown): SpillwayError {
    const where = this.#where(field, shard, row);
    const reason = (cause instanceof Error ? cause.message : String(cause)).split("\n")[0];
    return new SpillwayError(
      "source",
      `sample ${where.sample}, field "${where.field}", in ${where.shard} of ${where.dataset} cannot be decoded: ${reason}`,
      {
        remedy: `Its bytes are those that were packed: leave it out with spillway exclude ${where.dataset} --where "id = ${where.sample}", or pack a better copy.`,
        where,
        cause,
      },
    );
  }

  #where({ column }: ImageField, shard: number, row: number): ErrorPlace {
    const { root, paths, firstRows } = this.#start.table;
    const sample = idOfRow(this.#start.table, firstRows[shard]! + row);
    return { dataset: root, shard: paths[shard]!, field: column.name, sample };
  }
}
