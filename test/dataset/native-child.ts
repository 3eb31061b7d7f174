// A process of its own that opens a dataset, trains from a split, and looks at the catalog, and tells after each step which
// native modules were loaded by then.

import { open } from "spillway";

const loaded: string[] = [];
const load = process.dlopen;
process.dlopen = (module: object, path: string, ...rest: unknown[]) => {
  loaded.push(path);
  (load as (...all: unknown[]) => void)(module, path, ...rest);
};

const steps: Record<string, number> = {};
/** Counts native modules: those loaded through Node, and any that the process has mapped. */
function tell(step: string): void {
  const { sharedObjects } = process.report.getReport() as unknown as { sharedObjects: string[] };
  steps[step] = new Set([...loaded, ...sharedObjects.filter((path) => /\.node$|duckdb/.test(path))]).size;
}

const [path = "", side = ""] = process.argv.slice(2);
const dataset = await open(path, { memory: "16 MiB", side });
tell("open");
const view = dataset.view({ split: "train" });
tell("view");
let last: Float64Array = new Float64Array();
for await (const batch of view.batches({ batchSize: 16 })) last = batch.ids.slice();
tell("batches");
await dataset.catalog.columns();
await dataset.catalog.rows(last);
tell("rows");
await dataset.annotate([{ id: 0, guess: "wave" }]);
tell("annotate with rows");
await dataset.query("select count(*) from catalog where guess = 'wave'");
tell("query");
await dataset.close();
console.log(JSON.stringify(steps));
