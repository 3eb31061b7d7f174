// Datasets are mixed only where their fields are the same, in whichever order.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { classes, type Fields, mix, pack, tensor } from "spillway";
import { temporaryFolder, using } from "../fixtures/packed.js";

test("datasets whose fields differ are refused, both sides named", async () => {
  const data = tensor("float32", [2]);
  const label = classes(["a", "b"]);
  const value = { data: Float32Array.of(1, 2), label: 0 };
  const packedAs = async (
    fields: Fields,
    sample: typeof value | Record<string, Float32Array | Float64Array | Uint8Array | number> = value,
  ) => {
    const folder = join(temporaryFolder(), "dataset");
    await pack([sample], folder, { fields });
    return folder;
  };
  const first = await packedAs({ data, label });
  const advice = "Mix datasets whose fields are the same, or pack them so.";
  const others: [string, string][] = [
    [await packedAs({ data }, { data: value.data }), "one has fields data, label, the other data"],
    [
      await packedAs({ wave: data, label }, { wave: value.data, label: 0 }),
      "one has fields data, label, the other wave, label",
    ],
    [
      await packedAs({ data: tensor("float32", [2, 1]), label }),
      'field "data" is float32 [2] in one, float32 [2, 1] in the other',
    ],
    [
      await packedAs({ data: tensor("float64", [2]), label }, { data: Float64Array.of(1, 2), label: 0 }),
      'field "data" is float32 [2] in one, float64 [2] in the other',
    ],
    [
      await packedAs({ data, label: classes(["a", "c"]) }),
      'field "label" has class 1 "b" in one, "c" in the other',
    ],
    [
      await packedAs({ data, label: classes(["a", "b", "c"]) }),
      'field "label" has 2 classes in one, 3 in the other',
    ],
    [
      await packedAs({ data, label: classes(["a"]) }),
      'field "label" has class 1 "b" in one, nothing in the other',
    ],
    [
      await packedAs({ data, label: tensor("uint8", []) }, { data: value.data, label: Uint8Array.of(0) }),
      'field "label" is 2 classes (uint8): a, b in one, uint8 [] in the other',
    ],
  ];
  for (const [other, what] of others) {
    await using(first, "16 MiB", (a) =>
      using(other, "16 MiB", async (b) => {
        assert.throws(() => mix([a.view(), b.view()], [1, 1]), {
          code: "mismatch",
          message: `views[0] and views[1] cannot be mixed: ${what}. ${advice}`,
        });
      }),
    );
  }
  const turned = await packedAs({ label, data });
  await using(first, "16 MiB", (a) =>
    using(turned, "16 MiB", async (b) => {
      for await (const batch of mix([a.view(), b.view()], [1, 1]).batches({ batchSize: 2 })) {
        assert.deepEqual([...batch.fields.data!.data], [1, 2, 1, 2]);
      }
    }),
  );
});
