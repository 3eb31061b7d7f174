// Datasets whose bits were cut differently are mixed by their values, and not as they are stored.

import assert from "node:assert/strict";
import { test } from "node:test";
import { mix } from "spillway";
import { toFloat16 } from "#spillway/tensor/float16";
import { type EncodedField, packEncoded, valuesOf } from "../fixtures/encoded.js";
import { using } from "../fixtures/packed.js";

const fields: EncodedField[] = [
  { dtype: "int16", shape: [40, 2], encoding: { channels: [{ kind: "scaled", scale: 0.1 / 3, offset: 2 }] } },
  {
    dtype: "uint8",
    shape: [40, 2],
    encoding: {
      axis: 1,
      channels: [
        { kind: "divided", divisor: 255 },
        { kind: "scaled", scale: -3 },
      ],
    },
  },
  { dtype: "float64", shape: [40, 2] },
];
const paths = await Promise.all(fields.map((wave) => packEncoded({ wave }, 30)));

test("values of each dataset come by its own formulas, as float32 and as float16", async () => {
  await using(paths[0]!, "40 MiB", (a) =>
    using(paths[1]!, "40 MiB", (b) =>
      using(paths[2]!, "40 MiB", async (c) => {
        const all = mix([a.view(), b.view(), c.view()], [1, 1, 1]);
        for (const deliver of ["float32", "float16"] as const) {
          for await (const { fields: found, ids, origins } of all.batches({ batchSize: 12, deliver })) {
            ids.forEach((id, k) => {
              const values = valuesOf(fields[origins[k]!]!, id).map(Math.fround);
              const expected = deliver === "float32" ? values : values.map(toFloat16);
              assert.deepEqual([...found.wave!.data.subarray(k * 80, (k + 1) * 80)], expected);
            });
          }
        }
      }),
    ),
  );
});

test("normalisation is folded into the formulas of each dataset", async () => {
  await using(paths[0]!, "40 MiB", (a) =>
    using(paths[2]!, "40 MiB", async (b) => {
      const all = mix([a.view(), b.view()], [1, 1]);
      const normalize = { wave: { mean: 300, std: 20 } };
      for await (const { fields: found, ids, origins } of all.batches({ batchSize: 12, normalize })) {
        ids.forEach((id, k) => {
          valuesOf(fields[origins[k]! * 2]!, id).forEach((value, at) => {
            const should = (value - 300) / 20;
            assert.ok(
              Math.abs(Number(found.wave!.data[k * 80 + at]) - should) <= Math.abs(should) * 2 ** -22 + 1e-9,
            );
          });
        });
      }
    }),
  );
});

test("stored numbers that stand for different values are not mixed", async () => {
  const remedy = 'Leave out deliver: "stored", so that values are mixed.';
  const refused = (second: number, what: string) =>
    using(paths[0]!, "16 MiB", (a) =>
      using(paths[second]!, "16 MiB", async (b) => {
        assert.throws(() => mix([a.view(), b.view()], [1, 1]).batches({ batchSize: 4, deliver: "stored" }), {
          code: "mismatch",
          message: `views[0] and views[1] cannot be mixed as stored: field "wave" ${what}. ${remedy}`,
        });
      }),
    );
  await refused(
    1,
    "is int16 [40, 2], lossless from float64 in one, uint8 [40, 2], lossless from float64 in the other",
  );
  await refused(2, "is int16 [40, 2], lossless from float64 in one, float64 [40, 2] in the other");
  const scale: EncodedField = { ...fields[0]!, encoding: { channels: [{ kind: "scaled", scale: 7 }] } };
  const other = await packEncoded({ wave: scale }, 30);
  paths.push(other);
  await refused(3, "has other scales in one than in the other");
  await using(paths[0]!, "40 MiB", async (a) => {
    const both = mix([a.view({ rows: [0, 10] }), a.view({ rows: [10, 30] })], [1, 1]);
    for await (const { fields: found } of both.batches({ batchSize: 4, deliver: "stored" }))
      assert.equal(found.wave!.dtype, "int16");
  });
});
