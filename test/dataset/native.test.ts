import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { open } from "spillway";
import { main } from "../cli/run.js";
import { packed, temporaryFolder } from "../fixtures/packed.js";

test("opening, viewing by split, batches, rows and annotating load no native module; SQL loads one", async () => {
  const path = await packed({ count: 100 });
  const dataset = await open(path, { memory: "16 MiB" });
  await dataset.split({ train: 0.8, val: 0.2 });
  await dataset.close();
  const child = join(import.meta.dirname, "native-child.js");
  const { stdout } = await promisify(execFile)(process.execPath, [child, path, temporaryFolder()], {
    timeout: 60_000,
  });
  const { query, ...others } = JSON.parse(stdout) as Record<string, number>;
  assert.deepEqual(others, { open: 0, view: 0, batches: 0, rows: 0, "annotate with rows": 0 });
  assert.ok(query! >= 1);
});

/** Makes DuckDB a package that is not there. */
const hide = `
  export async function resolve(name, context, next) {
    if (!name.startsWith("@duckdb/")) return next(name, context);
    throw Object.assign(new Error("Cannot find package " + name), { code: "ERR_MODULE_NOT_FOUND" });
  }`;

test("without DuckDB installed, SQL and tables say what to install", async () => {
  const path = await packed({ count: 10 });
  const hook = `import { register } from "node:module"; register("data:text/javascript,${encodeURIComponent(hide)}");`;
  const imports = ["--import", `data:text/javascript,${encodeURIComponent(hook)}`];
  const run = promisify(execFile);
  await assert.rejects(
    run(process.execPath, [...imports, main, "query", path, "select 1"]),
    (error: { code: number; stderr: string }) => {
      assert.equal(error.code, 1);
      assert.match(
        error.stderr,
        /^error: SQL and tables need the package @duckdb\/node-api, which cannot be loaded\. Install it: npm install @duckdb\/node-api\.\n/,
      );
      return true;
    },
  );
  const { stdout } = await run(process.execPath, [...imports, main, "info", path]);
  assert.match(stdout, /10 samples/);
});
