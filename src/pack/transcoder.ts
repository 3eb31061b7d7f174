// From the fields that a source gives to those that are stored: values are coded in fewer bits, or decoded first where
// the source is a dataset that stores them so. Content hashes are those of the values as they were before.
// Rule: what a field's encoding claims holds for every value that is written, or nothing is written.

import { SpillwayError } from "../errors.js";
import { Hasher } from "../kernels/hasher.js";
import { Coder, type Misfit } from "../precision/coder.js";
import { sampleSlot } from "../source/read-ahead.js";
import type { Origin } from "../source/source.js";
import { type Fields, fieldStride, isSameField, originalField, type TensorField } from "../tensor/field.js";
import { frameContent } from "../tensor/frame.js";

/** How one field gets from what the source gives to what is stored. */
interface FieldPath {
  name: string;
  /** What of its bytes is hashed as the sample's content: nothing of labels. */
  contentOf: ((bytes: Uint8Array) => Uint8Array) | undefined;
  /** Undo the source's encoding, and apply that of the dataset, where there is one and it is another. */
  decoder: Coder | undefined;
  encoder: Coder | undefined;
  /** Room for the bytes before bits were cut; undefined where the source gives them. */
  original: Uint8Array | undefined;
}

export class Transcoder {
  readonly #from: Fields;
  readonly #paths: readonly FieldPath[];
  readonly #hasher = new Hasher();
  readonly #isClipping: boolean;

  /**
   * @param from fields as the source gives them
   * @param to fields as they are stored: the same names in the same order, and the same values
   * @returns undefined where every field is stored as it comes
   */
  static create(from: Fields, to: Fields, isClipping = false): Transcoder | undefined {
    const names = Object.keys(to);
    if (names.every((name) => isStoredSo(from, to, name))) return undefined;
    return new Transcoder(from, to, isClipping);
  }

  private constructor(from: Fields, to: Fields, isClipping: boolean) {
    this.#from = from;
    this.#isClipping = isClipping;
    this.#paths = Object.entries(to).map(([name, field]): FieldPath => {
      const given = from[name]!;
      const isSame = isStoredSo(from, to, name);
      const decoder = !isSame && isEncoded(given) ? new Coder(given) : undefined;
      return {
        name,
        contentOf:
          field.kind === "class" ? undefined : field.kind === "image" ? frameContent : (bytes) => bytes,
        decoder,
        encoder: !isSame && isEncoded(field) ? new Coder(field) : undefined,
        original: decoder && new Uint8Array(fieldStride(originalField(field))),
      };
    });
  }

  /** Room for a sample as the source gives it. */
  slot(): Uint8Array[] {
    return sampleSlot(this.#from);
  }

  /**
   * Puts a sample into its record.
   *
   * @param parts bytes by field, as the source gives them
   * @returns where it came from, with its content hash
   * @throws SpillwayError `source` for a value that cannot be stored, or is not what was claimed
   */
  put(parts: readonly Uint8Array[], record: readonly Uint8Array[], origin: Origin): Origin {
    this.#paths.forEach(({ name, contentOf, decoder, encoder, original }, k) => {
      let bytes = parts[k]!;
      if (decoder) {
        decoder.restore(bytes, original!);
        bytes = original!;
      }
      if (contentOf && origin.hash === undefined) this.#hasher.update(contentOf(bytes));
      if (!encoder) record[k]!.set(bytes);
      else this.#encode(name, encoder, bytes, record[k]!, origin);
    });
    return origin.hash === undefined ? { ...origin, hash: this.#hasher.finish() } : origin;
  }

  #encode(name: string, encoder: Coder, bytes: Uint8Array, stored: Uint8Array, origin: Origin): void {
    const misfit = encoder.encode(bytes, stored);
    if (misfit && !this.#isClipping) throw cannotStore(name, encoder.field, misfit, origin);
    const { claim } = encoder.field.encoding!;
    if (claim === "lossy") return;
    const broken = encoder.tallies.findIndex(({ changed, changedAsFloat32 }) =>
      claim === "lossless" ? changed > 0 : changedAsFloat32 > 0,
    );
    if (broken >= 0) throw notAsClaimed(name, encoder.field, broken, origin);
  }
}

function isStoredSo(from: Fields, to: Fields, name: string): boolean {
  const [given, stored] = [from[name]!, to[name]!];
  // Class lists may grow while samples come; encoded images are never changed.
  return given.kind !== "tensor" || stored.kind !== "tensor" || isSameField(given, stored);
}

function isEncoded(field: Fields[string]): field is TensorField {
  return field.kind === "tensor" && field.encoding !== undefined;
}

function wordOrigin({ path, row }: Origin): string {
  if (path === "") return "a sample";
  return row === undefined ? `sample ${path}` : `sample ${path}, row ${row}`;
}

function cannotStore(
  name: string,
  field: TensorField,
  { value, channel }: Misfit,
  origin: Origin,
): SpillwayError {
  const where = (field.encoding?.channels.length ?? 0) > 1 ? `, channel ${channel}` : "";
  return new SpillwayError(
    "source",
    `${wordOrigin(origin)} has the value ${value} in field "${name}"${where}, which cannot be stored as ${field.dtype} here`,
    {
      remedy:
        "Convert the dataset to a wider type first (spillway convert --dtype), or leave such samples out; --clip cuts values to the range.",
      where: { path: origin.path, field: name },
    },
  );
}

function notAsClaimed(name: string, field: TensorField, channel: number, origin: Origin): SpillwayError {
  const { claim, original, channels } = field.encoding!;
  const where = channels.length > 1 ? `, channel ${channel}` : "";
  const lost =
    claim === "lossless" ? `does not come back from ${field.dtype} as it was` : "is not the same float32";
  return new SpillwayError(
    "source",
    `a value of ${wordOrigin(origin)} in field "${name}"${where} (${original}) ${lost}, and the field is ${claim}`,
    {
      remedy:
        "Convert the dataset to a wider type first (spillway convert --dtype), or pack these samples into a dataset of their own.",
      where: { path: origin.path, field: name },
    },
  );
}
