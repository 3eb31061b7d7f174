// A dataset that is asked in SQL: every kind of column, two schemes of splits, and scores for all but the last 50 samples.

import { open } from "spillway";
import { queryCatalog } from "#spillway/catalog/query";
import { labelledDataset, placeOf } from "../fixtures/annotated.js";

export const count = 200;
export const folder = await labelledDataset(count);
{
  const dataset = await open(folder, { memory: "16 MiB" });
  await dataset.split({ train: 0.8, "val-1": 0.1 }, { seed: 5 });
  await dataset.split({ half: 0.5 }, { scheme: "other" });
  await dataset.annotate(Array.from({ length: count - 50 }, (_, id) => ({ id, score: id / 10 })));
  await dataset.close();
}
export const place = placeOf(folder);

/** Rows of a query's answer. */
export const ask = async (sql: string, options = {}) => (await queryCatalog(place, sql, options)).rows;
