// Which sample a row of a table of labels is of: by path, row or number, and what is said of rows and samples that are
// left over.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openSource } from "#spillway/source/registry";
import { temporaryFolder } from "../fixtures/packed.js";
import { float64, npyBytes, refuses, take, writeFile, writeNpy } from "./fixtures.js";
import { makeFolder, tableOf, withSource } from "./labelled-files.js";

test("rows are matched by path and row, or by number, where files hold many samples", async () => {
  const folder = temporaryFolder();
  const data = writeFile(
    join(folder, "x.npy"),
    npyBytes("<f8", [5, 2], float64(0, 0, 1, 1, 2, 2, 3, 3, 4, 4)),
  );
  const byRow = writeFile(
    join(folder, "by-row.csv"),
    tableOf(5, "path,row,label", (i) => `x.npy,${4 - i},c${4 - i}`),
  );
  const byNumber = writeFile(
    join(folder, "by-number.tsv"),
    tableOf(5, "id\tlabel", (i) => `${i}\tc${i}`),
  );
  for (const labels of [byRow, byNumber]) {
    await withSource(data, { labels }, async (source) => {
      const taken = await take(source);
      assert.deepEqual(
        taken.map(({ row, bytes }) => [row, bytes[1]![0]]),
        [0, 1, 2, 3, 4].map((i) => [i, i]),
      );
    });
  }
  const byPath = writeFile(join(folder, "by-path.csv"), "path,label\nx.npy,a\n");
  await refuses(
    () => openSource(data, { labels: byPath }),
    "source",
    `a row of ${byPath} is of several samples: x.npy holds more than one. Add a column row with the number of the sample within its file, from 0.`,
  );
});

test("paths are matched without ending or folder only where not one fits as it is, and that is said", async () => {
  for (const [spell, said] of [
    [(i: number) => `${"ab"[i % 2]}/${i}`, "without their ending"],
    [(i: number) => `${i}.npy`, "by the name of the file alone"],
    [(i: number) => `n${i}`, "by the name of the file alone, without its ending"],
  ] as const) {
    const folder = temporaryFolder();
    for (let i = 0; i < 12; i += 1) {
      const name = said.endsWith("its ending") ? `n${i}` : String(i);
      writeNpy(join(folder, "data", `${"ab"[i % 2]}/${name}.npy`), [1], [i]);
    }
    const labels = writeFile(
      join(folder, "labels.csv"),
      tableOf(12, "file,label", (i) => `${spell(i)},c${i}`),
    );
    await withSource(join(folder, "data"), { labels }, async (source) => {
      assert.ok(
        source.notes.includes(`No path of ${labels} is that of a sample as it is: they are matched ${said}.`),
        source.notes.join("\n"),
      );
    });
  }
});

test("Windows' paths and ./ in front are those of the catalog", async () => {
  const { data, labels } = makeFolder(tableOf(12, "path,label", (i) => `.\\${"ab"[i % 2]}\\${i}.npy,c`));
  await withSource(data, { labels }, async (source) => assert.equal(source.sampleCount, 12));
});

test("rows of no sample are counted and the first ten are named", async () => {
  const table = tableOf(24, "path,label", (i) => `${"ab"[i % 2]}/${i}.npy,c`);
  const { data, labels } = makeFolder(table);
  await withSource(data, { labels }, async (source) => {
    const named = Array.from({ length: 10 }, (_, k) => `${"ab"[k % 2]}/${k + 12}.npy`);
    assert.equal(
      source.notes.at(-1),
      `12 rows of ${labels} are of no sample: ${named.join(", ")}, and 2 more.`,
    );
  });
});

test("a table none of whose rows is of a sample is refused with both spellings", async () => {
  const { data, labels } = makeFolder("path,label\nx/1.npz,a\nx/2.npz,b\n");
  await refuses(
    () => openSource(data, { labels }),
    "source",
    `none of the 2 rows of ${labels} is of a sample: it has "x/1.npz", the source has "a/0.npy". Write paths relative to the source's folder, with / between their parts, or name another column with --key.`,
  );
});

test("samples without a label are counted, the first ten are named, and refused", async () => {
  const { data, labels } = makeFolder("path,label\na/0.npy,x\nb/1.npy,\n");
  await refuses(
    () => openSource(data, { labels }),
    "source",
    `11 of 12 samples have no label in ${labels}: a/10.npy, a/2.npy, a/4.npy, a/6.npy, a/8.npy, b/1.npy, b/11.npy, b/3.npy, b/5.npy, b/7.npy, and 1 more. Add rows for them, or move them out of the source. If the table has no labels but other columns, name none of its columns label.`,
  );
});
