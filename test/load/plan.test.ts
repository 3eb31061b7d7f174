import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { classes, encodedImage, type Fields, tensor } from "spillway";
import { rowsPerSum } from "#spillway/format/shard";
import { planDecodings } from "#spillway/load/decodings";
import { type LoopPlan, planLoop } from "#spillway/load/plan";
import type { ColumnTable } from "#spillway/load/table";
import { dtypes } from "#spillway/tensor/dtype";
import type { Encoding } from "#spillway/tensor/encoding";
import { fieldStride } from "#spillway/tensor/field";

const wishes = fc.record({
  length: fc.integer({ min: 1, max: 100_000 }),
  dtype: fc.constantFrom(...dtypes),
  batchSize: fc.integer({ min: 1, max: 2000 }),
  deliver: fc.constantFrom("float32" as const, "float16" as const, "stored" as const),
  isEncoded: fc.boolean(),
  readers: fc.integer({ min: 1, max: 32 }),
  ringBytes: fc.integer({ min: 0, max: 2 ** 30 }),
});

type Wishes = typeof wishes extends fc.Arbitrary<infer T> ? T : never;

/** A formula for each place of the data, where there are few. */
function encodingOf(length: number): Encoding {
  const channels = Array.from({ length: length < 1000 ? length : 1 }, () => ({
    kind: "scaled" as const,
    scale: 3,
  }));
  return { original: "float64", claim: "lossless", axis: 0, channels };
}

function columnsOf({ length, dtype, isEncoded }: Wishes): ColumnTable[] {
  const data = { ...tensor(dtype, [length]), ...(isEncoded && { encoding: encodingOf(length) }) };
  const fields: Fields = { data, label: classes(["a", "b"]) };
  const none = new Float64Array();
  return Object.entries(fields).map(([name, field]): ColumnTable => {
    const stride = fieldStride(field);
    return {
      name,
      field,
      stride,
      starts: none,
      rowsPerSum: rowsPerSum(stride),
      firstSums: none,
      sumStarts: none,
      isInFiles: false,
      encoded: undefined,
    };
  });
}

function planFor(wish: Wishes): LoopPlan {
  const columns = columnsOf(wish);
  const decodings = planDecodings(columns, wish.deliver);
  return planLoop({ ...wish, columns, decodings, isResident: columns.map(({ stride }) => stride <= 16) });
}

test("a place holds a batch, hardly more, and the ring has at least two", () => {
  fc.assert(
    fc.property(wishes, (wish) => {
      const { batchSize, runLength, runsPerBatch, slotsPerBatch, places } = planFor(wish);
      assert.equal(slotsPerBatch, runLength * runsPerBatch);
      assert.ok(slotsPerBatch >= batchSize && slotsPerBatch < batchSize + runsPerBatch);
      assert.ok(places >= 2);
    }),
  );
});

test("the ring keeps to the bytes that it is given, where two batches fit into them", () => {
  fc.assert(
    fc.property(wishes, (wish) => {
      const { places, slotsPerBatch, fields } = planFor(wish);
      const slotBytes = fields.reduce((sum, field) => sum + field.deliveredStride, 8);
      assert.ok(places === 2 || places * slotsPerBatch * slotBytes <= wish.ringBytes);
    }),
  );
});

test("the parts of a reservation lie one after another, aligned, within its length", () => {
  fc.assert(
    fc.property(wishes, (wish) => {
      const plan = planFor(wish);
      const decodings = planDecodings(columnsOf(wish), wish.deliver);
      const slots = plan.places * plan.slotsPerBatch;
      const parts = [
        { start: 0, end: 64 + plan.places * plan.runsPerBatch * 4, unit: 64 },
        { start: plan.ids, end: plan.ids + slots * 8, unit: 8 },
        ...plan.fields.flatMap(({ code, column }) =>
          code === undefined ? [] : [{ start: code, end: code + decodings[column]!.byteLength, unit: 8 }],
        ),
        ...plan.fields.map(({ ring, deliveredStride }) => ({
          start: ring,
          end: ring + slots * deliveredStride,
          unit: 4096,
        })),
        {
          start: plan.scratchStart,
          end: plan.scratchStart + plan.scratch.byteLength * plan.readers,
          unit: 4096,
        },
      ];
      parts.forEach(({ start, end, unit }, k) => {
        assert.equal(start % unit, 0);
        assert.ok(end <= (parts[k + 1]?.start ?? plan.byteLength), `part ${k}`);
      });
    }),
  );
});

test("tensors have parameters where they are encoded and decoded, and a block where they become float16", () => {
  fc.assert(
    fc.property(wishes, (wish) => {
      const { fields, scratch } = planFor(wish);
      assert.equal(fields[0]!.code !== undefined, wish.isEncoded && wish.deliver !== "stored");
      assert.equal(fields[1]!.code, undefined);
      assert.ok(scratch.block >= scratch.records + scratch.recordBytes);
      assert.ok(scratch.byteLength >= scratch.block + (wish.deliver === "float16" ? 4 * 2048 : 0));
    }),
  );
});

test("encoded images have short runs and a room in the scratch for each lane", () => {
  const none = new Float64Array();
  const places = { starts: none, firstSums: none, sumStarts: none, rowsPerSum: 1, isInFiles: false };
  const field = encodedImage({ width: 64, height: 64 });
  const images: ColumnTable = { name: "image", field, stride: 64 * 64 * 3, ...places, encoded: undefined };
  const column = { ...images, encoded: { bytes: none, offsets: none, longest: 5001 } };
  const input = {
    columns: [column],
    isResident: [false],
    batchSize: 32,
    deliver: "float32",
    readers: 2,
  } as const;
  const plan = planLoop({ ...input, ringBytes: 2 ** 25, lanes: 4 });
  assert.deepEqual([plan.runLength, plan.lanes, plan.scratch.imageBytes], [4, 4, 5056]);
  assert.ok(plan.scratch.images >= plan.scratch.records + 4 * column.stride);
  assert.ok(plan.scratch.byteLength >= plan.scratch.images + 4 * 5056);
  assert.equal(plan.fields[0]!.deliveredStride, 4 * column.stride);
  assert.equal(planLoop({ ...input, columns: [images], ringBytes: 2 ** 25, lanes: 4 }).lanes, 1);
});
