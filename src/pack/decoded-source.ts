// A source whose fields are what they were before bits were cut: a dataset that stores them so, decoded on the way.

import { Coder } from "../precision/coder.js";
import { readAhead, sampleSlot } from "../source/read-ahead.js";
import type { Source } from "../source/source.js";
import { originalFields, type TensorField } from "../tensor/field.js";

/** The source itself where nothing of it is encoded. */
export function decodedSource(source: Source): Source {
  const { readInto, sampleCount } = source;
  const given = Object.values(source.fields);
  const isEncoded = given.map((field) => field.kind === "tensor" && field.encoding !== undefined);
  if (!isEncoded.includes(true) || !readInto || sampleCount === undefined) return source;
  const fields = originalFields(source.fields);
  const coders = given.map((field, k) => (isEncoded[k] ? new Coder(field as TensorField) : undefined));
  const spare: Uint8Array[][] = [];
  const readDecoded: NonNullable<Source["readInto"]> = async (index, into) => {
    const slot = spare.pop() ?? sampleSlot(source.fields);
    try {
      const origin = await readInto.call(
        source,
        index,
        slot.map((stored, k) => (coders[k] ? stored : into[k]!)),
      );
      coders.forEach((coder, k) => {
        coder?.restore(slot[k]!, into[k]!);
      });
      return origin;
    } finally {
      spare.push(slot);
    }
  };
  return {
    ...source,
    fields,
    readInto: readDecoded,
    samples: (start) => readAhead(fields, sampleCount, start, readDecoded),
    close: () => source.close(),
  };
}
