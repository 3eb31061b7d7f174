// A shard's Arrow metadata: the header before its columns and the footer after them, encoded with apache-arrow's own
// metadata classes. The file is an Arrow IPC file with one uncompressed record batch without nulls; tensors are
// `arrow.fixed_shape_tensor`, so that pyarrow gives them back with their shape.
// Imported by the packer only: reading a dataset needs no Arrow, the manifest says where each column starts.

import { FileBlock, Footer } from "apache-arrow/ipc/metadata/file";
import { BufferRegion, FieldNode, Message, RecordBatch } from "apache-arrow/ipc/metadata/message";
import { Field as ArrowField, Schema } from "apache-arrow/schema";
import {
  Binary,
  type DataType,
  FixedSizeList,
  Float16,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  Uint8,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
} from "apache-arrow/type";
import type { DType } from "../tensor/dtype.js";
import { elementCount, type Field, type Fields, fieldStride } from "../tensor/field.js";
import { versionOf } from "./manifest.js";
import {
  blockBytes,
  type IndexPlan,
  placeBytes,
  planIndex,
  planShard,
  roundUp,
  type ShardPlan,
} from "./shard.js";

const magic = new TextEncoder().encode("ARROW1");
/** Bytes before the first message: the magic, padded to 8. */
const magicBytes = 8;
/** What stands before each message: 0xffffffff and the length of its metadata. */
const prefixBytes = 8;

function arrowType(dtype: DType): DataType {
  switch (dtype) {
    // One byte per value: Arrow's own Bool packs eight in a byte, which has no stride.
    case "bool":
    case "uint8":
      return new Uint8();
    case "int8":
      return new Int8();
    case "uint16":
      return new Uint16();
    case "int16":
      return new Int16();
    case "uint32":
      return new Uint32();
    case "int32":
      return new Int32();
    case "uint64":
      return new Uint64();
    case "int64":
      return new Int64();
    case "float16":
      return new Float16();
    case "float32":
      return new Float32();
    case "float64":
      return new Float64();
  }
}

/** Whether a field is a plain column: a class label or a scalar has no list around it. */
function isPlain(field: Field): boolean {
  return field.kind === "class" || field.shape.length === 0;
}

function arrowField(name: string, field: Field): ArrowField {
  const metadata = new Map<string, string>();
  if (field.kind === "image") {
    metadata.set("spillway.image", JSON.stringify({ shape: field.shape }));
    return new ArrowField(name, new Binary(), false, metadata);
  }
  if (field.dtype === "bool") metadata.set("spillway.dtype", "bool");
  if (field.kind === "class") metadata.set("spillway.classes", JSON.stringify(field.classes));
  else if (field.encoding) metadata.set("spillway.encoding", JSON.stringify(field.encoding));
  if (isPlain(field)) return new ArrowField(name, arrowType(field.dtype), false, metadata);
  metadata.set("ARROW:extension:name", "arrow.fixed_shape_tensor");
  metadata.set(
    "ARROW:extension:metadata",
    JSON.stringify({ shape: field.kind === "tensor" ? field.shape : [] }),
  );
  const item = new ArrowField("item", arrowType(field.dtype), false);
  return new ArrowField(name, new FixedSizeList(elementCount(field), item), false, metadata);
}

/** A column as the messages tell it: its field, the lengths of its levels, and where its buffers lie. */
interface Column {
  field: ArrowField;
  lengths: readonly number[];
  buffers: readonly { start: number; byteLength: number }[];
}

function fieldColumns(
  fields: Fields,
  { rows, columns, encoded }: Pick<ShardPlan, "rows" | "columns" | "encoded">,
): Column[] {
  return Object.entries(fields).map(([name, field]): Column => {
    if (field.kind === "image") {
      const { start, bytes, offsets } = encoded[name]!;
      return {
        field: arrowField(name, field),
        lengths: [rows],
        buffers: [
          { start: offsets, byteLength: 0 },
          { start: offsets, byteLength: (rows + 1) * 4 },
          { start, byteLength: bytes },
        ],
      };
    }
    const { start } = columns[name]!;
    const data = { start, byteLength: rows * fieldStride(field) };
    const none = { start, byteLength: 0 };
    return isPlain(field)
      ? { field: arrowField(name, field), lengths: [rows], buffers: [none, data] }
      : {
          field: arrowField(name, field),
          lengths: [rows, rows * elementCount(field)],
          buffers: [none, none, data],
        };
  });
}

/** The columns of an index that say where the other field's records lie: `path` and `place`. */
function fileColumns({ rows, files }: Pick<IndexPlan, "rows" | "files">): Column[] {
  const { places, offsets, paths, pathBytes } = files;
  const item = new ArrowField("item", new Int64(), false);
  return [
    {
      field: new ArrowField("place", new FixedSizeList(placeBytes / 8, item), false),
      lengths: [rows, (rows * placeBytes) / 8],
      buffers: [
        { start: places, byteLength: 0 },
        { start: places, byteLength: 0 },
        { start: places, byteLength: rows * placeBytes },
      ],
    },
    {
      field: new ArrowField("path", new Utf8(), false),
      lengths: [rows],
      buffers: [
        { start: offsets, byteLength: 0 },
        { start: offsets, byteLength: (rows + 1) * 4 },
        { start: paths, byteLength: pathBytes },
      ],
    },
  ];
}

function schemaOf(columns: readonly Column[], version: number): Schema {
  return new Schema(
    columns.map(({ field }) => field),
    new Map([["spillway", String(version)]]),
  );
}

function recordBatch(columns: readonly Column[], rows: number, headerBytes: number): RecordBatch {
  const nodes = columns.flatMap(({ lengths }) => lengths.map((length) => new FieldNode(length, 0)));
  const buffers = columns.flatMap((column) =>
    column.buffers.map(({ start, byteLength }) => new BufferRegion(start - headerBytes, byteLength)),
  );
  return new RecordBatch(rows, nodes, buffers, null);
}

/** Writes one message at `at`, its metadata padded with zeros up to `end`. */
function putMessage(target: Uint8Array, at: number, message: Uint8Array, end: number): void {
  const view = new DataView(target.buffer, target.byteOffset);
  view.setUint32(at, 0xffffffff, true);
  view.setInt32(at + 4, end - at - prefixBytes, true);
  target.set(message, at + prefixBytes);
}

/**
 * Bytes of the header of a shard with these fields: a multiple of 4 KiB, the same for any number of rows.
 *
 * @param spare bytes for class names that are not known yet
 */
export function headerBytesOf(fields: Fields, spare = 0): number {
  return headerBytesFor(fieldColumns(fields, planShard(fields, 1, 0)), versionOf(fields), spare);
}

/** The same for an index; `stored` are the fields that lie in it. */
export function indexHeaderBytesOf(stored: Fields): number {
  const plan = planIndex(stored, 1, 0, 0);
  return headerBytesFor([...fieldColumns(stored, plan), ...fileColumns(plan)], versionOf(stored), 0);
}

function headerBytesFor(columns: readonly Column[], version: number, spare: number): number {
  const schema = roundUp(
    magicBytes + prefixBytes + Message.encode(Message.from(schemaOf(columns, version))).length,
    8,
  );
  // A message with other numbers has the same length: they are structs and 64-bit scalars. 8 bytes to be safe.
  const batch = Message.encode(Message.from(recordBatch(columns, 1, 0), 1)).length;
  return roundUp(schema + prefixBytes + batch + 8 + spare, blockBytes);
}

/** All that is not samples in a shard: the bytes before the body, and those from `plan.bodyEnd` to the file's end. */
export function encodeShard(fields: Fields, plan: ShardPlan): { header: Uint8Array; footer: Uint8Array } {
  return encodeMessages(fieldColumns(fields, plan), versionOf(fields), plan);
}

/** The same for an index. */
export function encodeIndex(stored: Fields, plan: IndexPlan): { header: Uint8Array; footer: Uint8Array } {
  return encodeMessages([...fieldColumns(stored, plan), ...fileColumns(plan)], versionOf(stored), plan);
}

function encodeMessages(
  columns: readonly Column[],
  version: number,
  plan: ShardPlan,
): { header: Uint8Array; footer: Uint8Array } {
  const schema = schemaOf(columns, version);
  const bodyLength = plan.bodyEnd - plan.headerBytes;
  const header = new Uint8Array(plan.headerBytes);
  header.set(magic);
  const schemaMessage = Message.encode(Message.from(schema));
  const batchMessage = Message.encode(
    Message.from(recordBatch(columns, plan.rows, plan.headerBytes), bodyLength),
  );
  const batchAt = roundUp(magicBytes + prefixBytes + schemaMessage.length, 8);
  const needed = batchAt + prefixBytes + batchMessage.length;
  if (needed > plan.headerBytes)
    throw new RangeError(`header of ${needed} bytes in a place of ${plan.headerBytes}`);
  putMessage(header, magicBytes, schemaMessage, batchAt);
  putMessage(header, batchAt, batchMessage, plan.headerBytes);

  const block = new FileBlock(plan.headerBytes - batchAt, bodyLength, batchAt);
  const metadata = Footer.encode(new Footer(schema, undefined, [block], []));
  const footer = new Uint8Array(prefixBytes + metadata.length + 4 + magic.length);
  new DataView(footer.buffer).setUint32(0, 0xffffffff, true);
  footer.set(metadata, prefixBytes);
  new DataView(footer.buffer).setInt32(prefixBytes + metadata.length, metadata.length, true);
  footer.set(magic, prefixBytes + metadata.length + 4);
  return { header, footer };
}
