// A part of a source, for a first trial run: some samples at random, or as many of each class. Which ones depends on the
// seed and on how many samples there are, and not on how they are read.

import { SpillwayError } from "../errors.js";
import { hashHex } from "../kernels/hasher.js";
import { murmur3, words } from "../order/keys.js";
import { type Take, takeCount, takeEvenly, takeSome } from "../order/take.js";
import { partOfSource } from "../source/part-of-source.js";
import type { Source } from "../source/source.js";

/** Stands for the choice where orders of views have the view's fingerprint: "take" in hexadecimal digits. */
const takeKey = "74616b6500000000";

export interface TakeOptions {
  take: Take;
  /** As many of each class as there are, instead of as they come. */
  isEven: boolean;
  seed: number;
}

/**
 * The part of a source, with indices of its own.
 *
 * @throws SpillwayError `usage` where the number of samples is not known and a number is asked for, or where classes
 * are not known before samples are read
 */
export function takeSource(source: Source, options: TakeOptions): Source {
  const { sampleCount } = source;
  if (sampleCount === undefined) return takeByHash(source, options);
  const count = takeCount(options.take, sampleCount);
  const request = {
    rows: sampleCount,
    count: sampleCount,
    memberAt: (k: number) => k,
    wanted: count,
    seed: options.seed,
    key: takeKey,
  };
  const bits = options.isEven ? takeEvenly(request, requireLabels(source)) : takeSome(request);
  const fingerprint = hashHex(Buffer.from(`${source.fingerprint} ${describeTake(options)}`));
  const notes = [...source.notes, `Takes ${count} of its ${sampleCount} samples.`];
  return { ...partOfSource(source, bits, fingerprint), notes };
}

function describeTake({ take, isEven, seed }: TakeOptions): string {
  return `take ${take}${isEven ? " even" : ""} ${seed}`;
}

function requireLabels({ labelOf, kind }: Source): (index: number) => number {
  if (labelOf) return labelOf;
  throw new SpillwayError(
    "usage",
    `the classes of this source (${kind}) are not known before its samples are read`,
    {
      remedy: "Leave the balance out, or pack all of it and take a part of the dataset.",
    },
  );
}

/** A part of a stream: each sample is taken or not by a keyed hash of its number. */
function takeByHash(source: Source, options: TakeOptions): Source {
  const { take, isEven, seed } = options;
  if (isEven || typeof take === "number") {
    throw new SpillwayError("usage", "how many samples there are is not known before they are read", {
      remedy: 'Take a part of them, such as "1%", without balance.',
    });
  }
  // A part of very many, so that its share is exact to ten digits.
  const limit = takeCount(take, 2 ** 32);
  const [low, high] = words(seed);
  return {
    ...source,
    fingerprint: hashHex(Buffer.from(`${source.fingerprint} ${describeTake(options)}`)),
    notes: [...source.notes, `Takes about ${take} of its samples.`],
    async *samples(start) {
      let kept = 0;
      let index = 0;
      for await (const sample of source.samples(0)) {
        const [indexLow, indexHigh] = words(index);
        index += 1;
        if (murmur3([low, high, indexLow, indexHigh], 0x74616b65) >= limit) continue;
        if (kept >= start) yield sample;
        kept += 1;
      }
    },
    close: () => source.close(),
  };
}
