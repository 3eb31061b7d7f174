import assert from "node:assert/strict";
import { test } from "node:test";
import { tableFromIPC } from "apache-arrow";
import { classes, type Fields, tensor } from "spillway";
import { encodeShard, headerBytesOf } from "#spillway/format/arrow";
import { planShard } from "#spillway/format/shard";
import { dtypes } from "#spillway/tensor/dtype";

/** A shard of zeros. */
function shardOf(fields: Fields, rows: number, spare = 0): Uint8Array {
  const plan = planShard(fields, rows, headerBytesOf(fields, spare));
  const { header, footer } = encodeShard(fields, plan);
  const bytes = new Uint8Array(plan.bodyEnd + footer.length);
  bytes.set(header);
  bytes.set(footer, plan.bodyEnd);
  return bytes;
}

test("apache-arrow reads a shard of every dtype, with its rows, and nothing null", () => {
  for (const dtype of dtypes) {
    const fields: Fields = { x: tensor(dtype, [2, 3]), s: tensor(dtype, []), label: classes(["a", "b"]) };
    for (const spare of [0, 70_000]) {
      const table = tableFromIPC(shardOf(fields, 5, spare));
      assert.deepEqual([table.numRows, table.numCols], [5, 3]);
      assert.deepEqual(table.schema.names, ["x", "s", "label"]);
      for (const name of table.schema.names) assert.equal(table.getChild(name)!.nullCount, 0);
      assert.equal(table.getChild("x")!.get(4)!.length, 6);
      const { metadata } = table.schema.fields[0]!;
      assert.equal(metadata.get("ARROW:extension:name"), "arrow.fixed_shape_tensor");
      assert.equal(metadata.get("ARROW:extension:metadata"), '{"shape":[2,3]}');
    }
  }
});

test("the header is as long for any number of rows", () => {
  const fields: Fields = { x: tensor("float32", [7]), label: classes(["a", "b"]) };
  for (const rows of [1, 2, 1000, 2 ** 31, 2 ** 40]) {
    assert.equal(
      encodeShard(fields, planShard(fields, rows, headerBytesOf(fields))).header.length,
      headerBytesOf(fields),
    );
  }
  assert.equal(headerBytesOf(fields) % 4096, 0);
});
