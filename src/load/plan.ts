// The plan of a loop: which bytes of its reservation serve what, how long runs are, how many readers work. Pure: from
// fields, options and free memory to plain data, which the readers, the loop and the advisor all go by.
//
//   control | done per run | ids | parameters of decoded fields | ring of each field ... | scratch of each reader ...
//
// The ring consists of places, each with room for one batch. A batch never reaches over the ring's end: it is handed
// out as views, without a copy.

import { blockBytes } from "../format/shard.js";
import type { Decoding } from "../kernels/decoding.js";
import { blockElements } from "../kernels/kernels.js";
import { type DType, elementBytes } from "../tensor/dtype.js";
import { elementCount, type Field } from "../tensor/field.js";
import { rowsOfBlock } from "./block-reads.js";
import { controlBytes } from "./control.js";
import { threadBytes } from "./memory-pool.js";
import { readerTimesBytes } from "./stage-times.js";
import type { ColumnTable } from "./table.js";

/**
 * How tensors are handed over: as float32; as that rounded once more, to float16 (raw bits); or in the dtype that is
 * stored, whatever the numbers stand for. Class labels are always as stored.
 */
export type Deliver = "float32" | "float16" | "stored";

/** Every way, the usual one first. */
export const deliveries: readonly Deliver[] = ["float32", "float16", "stored"];

/** Fields up to this many bytes are loaded whole, so that a sample needs no second read for them. */
export const residentStride = 16;

/** A run is about this many bytes: enough to make claiming it cheap, little enough to spread well. */
const runBytes = 256 * 1024;
export const maxRunLength = 64;

/** Images of a run: each takes so long that more would only make batches wait for their last run. */
const maxImageRun = 4;

/** Places of the ring where the memory allows: one with the user, one that waits, one that is being filled. */
const easyPlaces = 3;

/** Runs beyond the batch with the user: so many per reader, so that none waits while that batch is being used. */
const runsPerReader = 4;

/**
 * Ring of small batches: large enough that one waking of the consumer serves many, up to an eighth of what a ring may
 * take. Of 8, 16 and 32 MiB the largest was the fastest; more was not tried.
 */
const easyRing = { least: 8 * 2 ** 20, most: 32 * 2 ** 20, share: 1 / 8 };

/** Bytes that the blocks of a direct read can have more than what they cover. */
const coverBytes = 2 * blockBytes;

/** Part of the memory that reader threads may take by default. */
const threadShare = 0.5;

/** The next multiple of a unit. */
export const align = (value: number, unit = 64) => Math.ceil(value / unit) * unit;

/** What a field's samples are. */
export interface DeliveredField {
  name: string;
  /** Number of the column in the dataset's table. */
  column: number;
  stored: DType;
  delivered: DType;
  elements: number;
  storedStride: number;
  deliveredStride: number;
}

/** Where a field's samples go. Offsets are from the start of the reservation. */
export interface FieldPlan extends DeliveredField {
  isResident: boolean;
  ring: number;
  /** Where the parameters of its decoding lie; undefined where stored numbers are the values. */
  code: number | undefined;
}

/** What one reader has for itself. */
export interface ScratchPlan {
  /** Ids of a run, and behind them their rows where those are others: two float64 per sample. */
  rows: number;
  /** Round keys of the order, and 32 bytes further those of the layout. */
  keys: number;
  /** Room for one sum. */
  sum: number;
  /** Room for stored records, and for the blocks of the disk that cover them; a multiple of 4 KiB. */
  records: number;
  recordBytes: number;
  /** Room for a block of float32, where float16 is delivered. */
  block: number;
  /** Room for an encoded image of each lane, `imageBytes` apart. */
  images: number;
  imageBytes: number;
  byteLength: number;
}

export interface LoopPlan {
  batchSize: number;
  /** Samples of a run. */
  runLength: number;
  runsPerBatch: number;
  /** Slots of a place: runsPerBatch * runLength, at least batchSize. */
  slotsPerBatch: number;
  /** Batches that the ring has room for. */
  places: number;
  readers: number;
  /** Runs that each reader works at at the same time: more than one where images are decoded. */
  lanes: number;
  ids: number;
  /** How the readers spend their time: one record each, see stage-times.ts. */
  times: number;
  fields: FieldPlan[];
  /** Offset of the first reader's scratch, and its parts as offsets from there. */
  scratchStart: number;
  scratch: ScratchPlan;
  byteLength: number;
}

export interface PlanInput {
  columns: readonly ColumnTable[];
  /** Whether a column is held in memory whole, by its number. */
  isResident: readonly boolean[];
  batchSize: number;
  deliver: Deliver;
  /** How columns are decoded, by their number; undefined for those whose stored numbers are the values. */
  decodings?: readonly (Decoding | undefined)[];
  readers: number;
  /** Bytes that the ring should not exceed, where two batches fit into it. */
  ringBytes: number;
  /** Slots that the ring has at least, whatever that takes; default: two batches. */
  leastSlots?: number;
  /** Images that a reader decodes at the same time, where there are any; default 1. */
  lanes?: number;
  /** Whether readers have room for blocks of samples, see block-reads.ts; without it some have nevertheless. */
  hasBlocks?: boolean;
}

/** What is stored and delivered of each column. */
export function planFields(columns: readonly ColumnTable[], deliver: Deliver): DeliveredField[] {
  return columns.map((column, index) => {
    const delivered = deliveredAs(column.field, deliver);
    const elements = elementCount(column.field);
    return {
      name: column.name,
      column: index,
      stored: column.field.dtype,
      delivered,
      elements,
      storedStride: column.stride,
      deliveredStride: elements * elementBytes(delivered),
    };
  });
}

export function planLoop(input: PlanInput): LoopPlan {
  const { columns, batchSize, deliver, decodings = [] } = input;
  const fields = planFields(columns, deliver).map(
    (field): FieldPlan => ({
      ...field,
      isResident: input.isResident[field.column] ?? false,
      ring: 0,
      code: undefined,
    }),
  );
  const longestImage = columns.reduce((most, { encoded }) => Math.max(most, encoded?.longest ?? 0), 0);
  const lanes = longestImage > 0 ? (input.lanes ?? 1) : 1;
  const storedBytes = fields.reduce((sum, field) => sum + field.storedStride, 0);
  const slotBytes = fields.reduce((sum, field) => sum + field.deliveredStride, 8);
  const mostOfRun = longestImage > 0 ? maxImageRun : maxRunLength;
  const longestRun = Math.max(1, Math.min(mostOfRun, Math.floor(runBytes / storedBytes), batchSize));
  const runsPerBatch = Math.ceil(batchSize / longestRun);
  // The shortest run that makes as many: a place is then hardly larger than its batch.
  const runLength = Math.ceil(batchSize / runsPerBatch);
  const slotsPerBatch = runsPerBatch * runLength;
  const placeBytes = slotsPerBatch * slotBytes;
  const easyBytes = Math.min(
    easyRing.most,
    Math.max(easyRing.least, input.ringBytes * easyRing.share),
    input.ringBytes / 2,
  );
  const wanted = Math.max(
    easyPlaces,
    Math.floor(easyBytes / placeBytes),
    1 + Math.ceil((runsPerReader * input.readers) / runsPerBatch),
  );
  const least = Math.max(2, Math.ceil((input.leastSlots ?? 0) / slotsPerBatch));
  const places = Math.max(least, Math.min(wanted, Math.floor(input.ringBytes / placeBytes)));
  const slots = places * slotsPerBatch;

  let at = align(controlBytes + places * runsPerBatch * 4);
  const place = (byteLength: number, unit = 64) => {
    const start = align(at, unit);
    at = start + byteLength;
    return start;
  };
  const times = place(input.readers * readerTimesBytes);
  const ids = place(slots * 8);
  for (const field of fields) {
    const decoding = decodings[field.column];
    if (decoding) field.code = place(decoding.byteLength);
  }
  for (const field of fields) field.ring = place(slots * field.deliveredStride, 4096);
  const scratch = planScratch(fields, columns, {
    runLength,
    deliver,
    lanes,
    longestImage,
    hasBlocks: input.hasBlocks ?? false,
  });
  const scratchStart = place(scratch.byteLength * input.readers, 4096);
  return {
    batchSize,
    runLength,
    runsPerBatch,
    slotsPerBatch,
    places,
    readers: input.readers,
    lanes,
    ids,
    times,
    fields,
    scratchStart,
    scratch,
    byteLength: at,
  };
}

interface ScratchNeed {
  runLength: number;
  deliver: Deliver;
  lanes: number;
  /** Bytes of the longest encoded image, 0 where there is none. */
  longestImage: number;
  hasBlocks: boolean;
}

function planScratch(
  fields: readonly FieldPlan[],
  columns: readonly ColumnTable[],
  { runLength, deliver, lanes, longestImage, hasBlocks }: ScratchNeed,
): ScratchPlan {
  // A run of records read at once, and one run of sums before and after it, of the widest column; or a block.
  const recordBytes = fields.reduce((most, field) => {
    const column = columns[field.column]!;
    const covered = Math.max(runLength + 2 * (column.rowsPerSum - 1), hasBlocks ? rowsOfBlock(column) : 0);
    return Math.max(most, (field.isResident ? runLength : covered) * field.storedStride);
  }, 0);
  const rows = 0;
  const keys = align(rows + runLength * 16);
  const sum = keys + 64;
  const records = align(sum + 64, 4096);
  const block = align(records + recordBytes + coverBytes);
  const blockBytes = deliver === "float16" ? blockElements * elementBytes("float32") : 0;
  const images = align(block + blockBytes);
  const imageBytes = align(longestImage);
  const byteLength = align(images + lanes * imageBytes, 4096);
  return { rows, keys, sum, records, recordBytes, block, images, imageBytes, byteLength };
}

/** The dtype in which a field is handed over. */
export function deliveredAs(field: Field, deliver: Deliver): DType {
  return field.kind !== "class" && deliver !== "stored" ? deliver : field.dtype;
}

/** Reader threads and lanes of each where images are decoded: libvips works, one thread hands out for many cores. */
export function defaultDecoding(cores: number): { readers: number; lanes: number } {
  return { readers: Math.max(1, Math.ceil(cores / 8)), lanes: Math.max(2, Math.min(8, cores + 2)) };
}

/** Reader threads where nobody says how many: a few, in at most half of the memory. */
export function defaultReaders(memoryBytes: number, cores: number): number {
  const fitting = Math.floor((memoryBytes * threadShare) / threadBytes);
  return Math.max(1, Math.min(fitting, Math.max(2, cores * 2), 8));
}
