import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { open } from "spillway";
import { packed, temporaryFolder } from "../fixtures/packed.js";

test("opening, viewing by split, batches, rows and annotating load no native module; SQL loads one", async () => {
  const path = await packed({ count: 100 });
  const dataset = await open(path, { memory: "16 MiB" });
  dataset.split({ train: 0.8, val: 0.2 });
  await dataset.close();
  const child = join(import.meta.dirname, "native-child.js");
  const { stdout } = await promisify(execFile)(process.execPath, [child, path, temporaryFolder()], {
    timeout: 60_000,
  });
  const { query, ...others } = JSON.parse(stdout) as Record<string, number>;
  assert.deepEqual(others, { open: 0, view: 0, batches: 0, rows: 0, "annotate with rows": 0 });
  assert.ok(query! >= 1);
});
