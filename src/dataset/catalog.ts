// The catalog of an open dataset, as users hold it: which columns there are, and the rows of samples by their ids. What
// reads Parquet is imported when the first row is asked for.

import type { CatalogPlace } from "../catalog/catalog-reader.js";
import type { CatalogColumn } from "../catalog/columns.js";
import type { SampleRow } from "../catalog/rows.js";

export class Catalog {
  readonly #place: CatalogPlace;
  readonly #requireOpen: () => void;

  /** Use `dataset.catalog`. */
  constructor(place: CatalogPlace, requireOpen: () => void) {
    this.#place = place;
    this.#requireOpen = requireOpen;
  }

  /**
   * Names and types of all columns: the catalog's own, class fields, the user's, added ones, and the two that SQL
   * computes, `split` and `excluded`.
   *
   * @throws SpillwayError `mismatch`, `corrupt` or `version` for added columns that cannot be used
   */
  async columns(): Promise<CatalogColumn[]> {
    this.#requireOpen();
    const { catalogColumns } = await import("../catalog/columns.js");
    return catalogColumns(this.#place);
  }

  /**
   * What the catalog knows of some samples, in the order of the ids given: with `batch.ids`, of what a batch held.
   * Only the row groups that hold one of them are read.
   *
   * @throws SpillwayError `usage` for an id that the dataset does not have, `corrupt`, `mismatch`, `missing`, `io`
   */
  async rows(ids: Iterable<number | bigint>): Promise<SampleRow[]> {
    this.#requireOpen();
    const { readRows } = await import("../catalog/rows.js");
    return readRows(this.#place, ids);
  }
}
