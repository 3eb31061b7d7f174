// Lance for rivals.ts: makes its table, or takes an epoch of random rows from it. It lies in a folder of its own and
// brings its own Arrow; only what is used of both is described here. Prints one line of JSON.

import { createRequire } from "node:module";
import { join } from "node:path";
import { endWithParent } from "./programs.js";
import { peakBytes } from "./report.js";
import { addBatch, emptySum, type RivalResult, type RivalTask, rivalSamples } from "./rivals-samples.js";

/** One column of a record batch. */
interface Vector {
  data: { length: number; values: Int32Array; children: { values: Float32Array }[] }[];
}

interface RecordBatch {
  numRows: number;
  getChild(name: string): Vector | null;
}

interface LanceTable {
  add(rows: unknown): Promise<unknown>;
  takeOffsets(offsets: number[]): { toArrow(): Promise<{ batches: RecordBatch[] }> };
  close(): void;
}

interface Lance {
  connect(path: string): Promise<{
    createTable(name: string, rows: unknown): Promise<LanceTable>;
    openTable(name: string): Promise<LanceTable>;
  }>;
}

endWithParent();
const task: RivalTask = JSON.parse(process.argv[2]!);
const load = createRequire(join(task.lanceFolder, "package.json"));
const lance: Lance = load("@lancedb/lancedb");
const database = await lance.connect(join(task.folder, "lance"));
console.log(JSON.stringify(await (task.kind === "make-lance" ? make() : run())));
process.exit();

/** Appends of 64 MiB; rows of fixed length, as Lance reads fastest at random. */
async function make(): Promise<{ made: number }> {
  const { count, length } = task;
  const atOnce = Math.max(1, Math.floor(2 ** 26 / (length * 4)));
  let data = new Float32Array(atOnce * length);
  let labels: number[] = [];
  let table: LanceTable | undefined;
  for (const sample of rivalSamples(count, length)) {
    data.set(sample.data, labels.length * length);
    labels.push(sample.label);
    if (labels.length < atOnce && sample.data[0]! < count - 1) continue;
    const rows = arrowTable(data.subarray(0, labels.length * length), labels);
    if (table) await table.add(rows);
    else table = await database.createTable("samples", rows);
    data = new Float32Array(atOnce * length);
    labels = [];
  }
  table?.close();
  return { made: count };
}

function arrowTable(data: Float32Array, labels: readonly number[]): unknown {
  const arrow = load("apache-arrow");
  const list = new arrow.FixedSizeList(task.length, new arrow.Field("item", new arrow.Float32()));
  const schema = new arrow.Schema([
    new arrow.Field("label", new arrow.Int32()),
    new arrow.Field("data", list),
  ]);
  const children = [
    arrow.makeData({ type: new arrow.Int32(), data: Int32Array.from(labels) }),
    arrow.makeData({
      type: list,
      length: labels.length,
      child: arrow.makeData({ type: new arrow.Float32(), data }),
    }),
  ];
  const struct = new arrow.Struct(schema.fields);
  const batch = new arrow.RecordBatch(
    schema,
    arrow.makeData({ type: struct, length: labels.length, children }),
  );
  return new arrow.Table(schema, batch);
}

/** Random rows, as many takes in flight as there are `workers`. */
async function run(): Promise<RivalResult> {
  const { count, length, batchSize, workers, isWarm, leastSeconds, mostSeconds } = task;
  const table = await database.openTable("samples");
  const data = new Float32Array(batchSize * length);
  const labels = new Int32Array(batchSize);
  let sum = emptySum();
  let start = 0;
  let isCut = false;
  let timed = isWarm ? -1 : 0;
  do {
    sum = emptySum();
    if (timed <= 0) start = performance.now();
    const order = shuffled(count);
    let next = 0;
    const takeNext = () => {
      const offsets = Array.from(order.subarray(next, next + batchSize));
      next += batchSize;
      return offsets.length === 0 ? undefined : table.takeOffsets(offsets).toArrow();
    };
    const inFlight = Array.from({ length: workers }, takeNext);
    while (sum.samples < count && !isCut) {
      const { batches } = (await inFlight.shift())!;
      inFlight.push(takeNext());
      const size = gather(batches, data, labels);
      addBatch(sum, data.subarray(0, size * length), labels, length);
      isCut = performance.now() - start > mostSeconds * 1000;
    }
    timed += 1;
  } while (!isCut && (timed === 0 || performance.now() - start < leastSeconds * 1000));
  const seconds = (performance.now() - start) / 1000 / timed;
  return { ...sum, seconds, peakBytes: peakBytes(), isCut };
}

/** Rows come in pieces, one for each fragment: puts them one after another, and gives their number. */
function gather(batches: readonly RecordBatch[], data: Float32Array, labels: Int32Array): number {
  const { length } = task;
  let filled = 0;
  for (const batch of batches) {
    const values = batch.getChild("data")!.data[0]!.children[0]!.values;
    data.set(values.subarray(0, batch.numRows * length), filled * length);
    labels.set(batch.getChild("label")!.data[0]!.values.subarray(0, batch.numRows), filled);
    filled += batch.numRows;
  }
  return filled;
}

/** All numbers below `count` in random order (Fisher and Yates). */
function shuffled(count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, k) => k);
  for (let k = count - 1; k > 0; k -= 1) {
    const other = Math.floor(Math.random() * (k + 1));
    [order[k], order[other]] = [order[other]!, order[k]!];
  }
  return order;
}
