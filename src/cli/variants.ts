// Variants of a sample for looking at: what `show --augment` draws. Variant k is what epoch k of a loop with the same seed
// and transforms would deliver, computed by the same Augmenter.

import { Augmenter } from "../augment/augmenter.js";
import { parseAugmentations } from "../augment/parse.js";
import { type AugmentationPlan, planAugmentation } from "../augment/plan.js";
import { SpillwayError } from "../errors.js";
import { kernelModule, sharedMemory } from "../kernels/kernels.js";
import { checkSeed } from "../order/keys.js";
import type { SampleField } from "./sample.js";

/** Flags of `show` that say which variants. */
export interface VariantFlags {
  augment?: string;
  variants?: string;
  seed?: string;
}

/** What is drawn, checked. */
export interface VariantWishes {
  plan: AugmentationPlan;
  count: number;
  seed: number;
}

/** A sample as an epoch gives it. */
export interface Variant {
  epoch: number;
  /** The fields that transforms change. */
  fields: SampleField[];
  /** Weight of the sample's own label; undefined where samples are not mixed. */
  weight: number | undefined;
}

const maxVariants = 100;
/** Most bytes of float32 that two samples may take. */
const maxBytes = 2 ** 31;

/** @throws SpillwayError `usage` for flags that do not make sense, or do not fit the fields */
export function readWishes(flags: VariantFlags, fields: readonly SampleField[]): VariantWishes | undefined {
  if (flags.augment === undefined) {
    const lonely = ["variants", "seed"].find((name) => flags[name as keyof VariantFlags] !== undefined);
    if (lonely === undefined) return undefined;
    throw new SpillwayError("usage", `--${lonely} says how to draw variants, and there is no --augment`, {
      remedy: "Add --augment jitter:sigma=0.03, say.",
    });
  }
  const count = Number(flags.variants ?? 3);
  if (!(Number.isInteger(count) && count >= 1 && count <= maxVariants)) {
    throw new SpillwayError(
      "usage",
      `--variants ${flags.variants} is no whole number from 1 to ${maxVariants}`,
      {
        remedy: "Use --variants 3.",
      },
    );
  }
  const seed = checkSeed(Number(flags.seed ?? 0));
  return { plan: planAugmentation(parseAugmentations(flags.augment), fields), count, seed };
}

/**
 * The variants of a sample.
 *
 * @param partner reads the sample that is mixed in, where samples are mixed
 */
export async function makeVariants(
  { plan, count, seed }: VariantWishes,
  id: number,
  fields: readonly SampleField[],
  partner: { id: number; read: () => Promise<readonly SampleField[]> },
): Promise<Variant[]> {
  let end = 64;
  const addresses = fields.map((field) => {
    const address = end;
    end += field.count * 4;
    return address;
  });
  const sampleEnd = Math.ceil(end / 16) * 16;
  const partnerAddresses = addresses.map((address) => address + sampleEnd);
  if (2 * sampleEnd + plan.scratchBytes > maxBytes) {
    throw new SpillwayError(
      "usage",
      `a sample of ${sampleEnd} bytes as float32 is too large to draw variants of`,
      {
        remedy: `Choose a smaller field with --field: samples, transforms' scratch included, may take ${maxBytes} bytes.`,
      },
    );
  }
  const memory = sharedMemory(2 * sampleEnd + plan.scratchBytes);
  const scratch = 2 * sampleEnd;
  const augmenter = await Augmenter.create(plan, { module: kernelModule(), memory, scratch, seed });
  const others = plan.mix ? await partner.read() : [];
  const changed = new Set([...plan.steps, ...(plan.mix?.fields ?? [])].map(({ fieldIndex }) => fieldIndex));
  return Array.from({ length: count }, (_, epoch): Variant => {
    fill(memory, fields, addresses);
    augmenter.apply(epoch, id, addresses);
    let weight: number | undefined;
    if (plan.mix) {
      fill(memory, others, partnerAddresses);
      augmenter.apply(epoch, partner.id, partnerAddresses);
      weight = augmenter.mix(epoch, id, addresses, partnerAddresses);
    }
    const made = fields.flatMap((field, index) => {
      if (!changed.has(index)) return [];
      const values = new Float32Array(memory.buffer, addresses[index]!, field.count).slice();
      return [{ ...field, at: (place: number) => values[place]! }];
    });
    return { epoch, fields: made, weight };
  });
}

function fill(
  memory: WebAssembly.Memory,
  fields: readonly SampleField[],
  addresses: readonly number[],
): void {
  fields.forEach(({ count, at }, index) => {
    const values = new Float32Array(memory.buffer, addresses[index]!, count);
    for (let place = 0; place < count; place += 1) values[place] = at(place);
  });
}

/** The line above a variant. */
export function describeVariant({ epoch, weight }: Variant, partner: number): string {
  const name = `variant ${epoch + 1} (as in epoch ${epoch})`;
  if (weight === undefined) return name;
  const own = (100 * weight).toFixed(1);
  return `${name}: ${own} % of its own label, ${(100 * (1 - weight)).toFixed(1)} % of that of sample ${partner}`;
}
