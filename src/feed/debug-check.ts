// What `debug: true` adds: a trainer gets each batch as a copy of its own, which is looked at when it is given back. One
// that has written into it would have written into what others share. Then it is filled with NaN, so that a trainer that
// keeps views of an old batch notices, and does not train on other samples unseen.

import { SpillwayError } from "../errors.js";
import { hashHex } from "../kernels/hasher.js";
import type { BatchField, BatchViews } from "../load/batch.js";

export class DebugCheck {
  readonly #name: string;
  #given: { fields: [name: string, field: BatchField, hash: string | undefined][]; what: string } | undefined;

  /** @param name what the trainer is called */
  constructor(name: string) {
    this.#name = name;
  }

  /** Notes what a batch is when it is given out. @param whose "own": nobody minds what is written into it */
  give(
    { fields }: BatchViews,
    { epoch, index }: { epoch: number; index: number },
    whose: "own" | "shared",
  ): void {
    const hashOf = (field: BatchField) => (whose === "own" ? undefined : hashHex(bytesOf(field)));
    this.#given = {
      fields: Object.entries(fields).map(([name, field]) => [name, field, hashOf(field)]),
      what: `batch ${index} of epoch ${epoch}`,
    };
  }

  /** Fills the batch with NaN. @throws SpillwayError `usage` if the trainer has written into it */
  takeBack(): void {
    if (!this.#given) return;
    const { fields, what } = this.#given;
    this.#given = undefined;
    const written = fields.find(([, field, hash]) => hash !== undefined && hashHex(bytesOf(field)) !== hash);
    for (const [, field] of fields) spoil(field);
    if (!written) return;
    throw new SpillwayError(
      "usage",
      `${this.#name} has written into field "${written[0]}" of ${what}, which it shares with the other trainers of its feed`,
      {
        remedy: "Work on batch.copy(), or on tensors made of it; augmentation belongs into `augment`.",
        where: { field: written[0] },
      },
    );
  }
}

/** Fills a field with ones: NaN in floating point, the greatest or -1 in integers. */
export function spoil(field: BatchField): void {
  bytesOf(field).fill(0xff);
}

function bytesOf({ data }: BatchField): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
