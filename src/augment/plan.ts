// From a list of transforms to a plan: which field each changes, how it sees that field's shape, and where its room lies.
// Pure: nothing is imported, bound or drawn. The plan is plain data that travels to the threads.
//
//   scratch   | tables of step 0 | tables of step 1 | ... | work, shared by all steps |
//
// Rule: a plan that was made can be carried out; what could go wrong is told here, with the step's name and numbers.

import { SpillwayError } from "../errors.js";
import { hashHex } from "../kernels/hasher.js";
import { nearestNames } from "../near-names.js";
import { describeField, elementCount, type Field, type TensorField } from "../tensor/field.js";
import { type CustomSettings, settle } from "./custom.js";
import { augmentVersion } from "./draw.js";
import type { Geometry } from "./geometry.js";
import { checkOptions, type OptionValues, shown } from "./options.js";
import { geometryOf, registry, shapesOf } from "./registry.js";
import type { Augmentation, Complaint } from "./transform.js";

/** A field that is delivered as float32, of which transforms are given the address. */
export interface AugmentField {
  name: string;
  field: Field;
  /** Whether its values are normalised on delivery: what is black and white is then not known. */
  isNormalised?: boolean;
}

interface StepPlace {
  /** Its place in the list, from 0: what it draws depends on that. */
  place: number;
  name: string;
  /** Number of its field in the list of fields, and that field's name. */
  fieldIndex: number;
  field: string;
  /** Values of a sample. */
  count: number;
  probability: number;
}

/** A transform of single samples. */
export interface SampleStep extends StepPlace {
  kind: "sample";
  options: OptionValues;
  geometry: Geometry;
  /** Offset of its tables in the scratch. */
  tables: number;
}

/** A user's own function. */
export interface CustomStep extends StepPlace {
  kind: "custom";
  settings: CustomSettings;
  shape: readonly number[];
}

export type AugmentationStep = SampleStep | CustomStep;

/** How samples of a batch are mixed: the last of the list. */
export interface MixStep {
  name: "mixup" | "cutmix";
  place: number;
  alpha: number;
  probability: number;
  /** The fields that are mixed, all with the same share. */
  fields: readonly { fieldIndex: number; field: string; count: number; geometry: Geometry | undefined }[];
}

/** What is done to samples; plain data. */
export interface AugmentationPlan {
  /** Transforms of single samples, in the order of the list. */
  steps: readonly AugmentationStep[];
  mix: MixStep | undefined;
  /** Whether there is nothing to be done. */
  isEmpty: boolean;
  /** Bytes that a thread's Augmenter needs; its address is a multiple of 16. */
  scratchBytes: number;
  /** Offset in the scratch of what all steps use in turn. */
  work: number;
  /** 16 hexadecimal digits: plans that do the same to the same fields have the same. */
  fingerprint: string;
}

const aligned = (bytes: number) => Math.ceil(bytes / 16) * 16;

/**
 * Checks a list of transforms against the fields that are delivered as float32.
 *
 * @param list as `jitter` and the others make them; or as JSON gives them back
 * @throws SpillwayError `usage` for what is no list of transforms, options out of bounds, a field that is missing, not
 * told, or of a shape that a transform does not take
 */
export function planAugmentation(
  list: readonly Augmentation[],
  fields: readonly AugmentField[],
): AugmentationPlan {
  if (!Array.isArray(list)) {
    throw new SpillwayError("usage", `augment is ${shown(list)}, which is no list`, {
      remedy: "Give a list of transforms: [jitter({ sigma: 0.03 })].",
    });
  }
  const steps: AugmentationStep[] = [];
  let mix: MixStep | undefined;
  let [tables, work] = [0, 0];
  list.forEach((augmentation: Augmentation, place) => {
    const { name, field, options } = checkAugmentation(augmentation, place);
    const entry = registry.get(name)!;
    if (mix) throw notLast(mix.name, name);
    const probability = options.probability as number;
    if (entry.kind === "mixing") {
      const chosen =
        field === undefined && entry.transform.isOfAll
          ? tensorsOf(name, fields)
          : [chooseField(name, field, fields)];
      mix = {
        name: entry.transform.name,
        place,
        alpha: options.alpha as number,
        probability,
        fields: chosen.map((index) => {
          const tensor = fields[index]!.field as TensorField;
          const geometry = entry.transform.isOfAll ? undefined : see(name, fields[index]!, "either");
          return { fieldIndex: index, field: fields[index]!.name, count: elementCount(tensor), geometry };
        }),
      };
      return;
    }
    const fieldIndex = chooseField(name, field, fields);
    const chosen = fields[fieldIndex]!;
    const tensor = chosen.field as TensorField;
    const common = { place, name, fieldIndex, field: chosen.name, count: elementCount(tensor), probability };
    if (entry.kind === "custom") {
      const settings = options as unknown as CustomSettings;
      steps.push({ kind: "custom", ...common, settings, shape: [...tensor.shape] });
      return;
    }
    const { transform } = entry;
    if (name === "colourJitter" && chosen.isNormalised && options.range === undefined) {
      throw new SpillwayError(
        "usage",
        `colourJitter: field "${chosen.name}" is normalised, so what is black and white is not known`,
        { remedy: "Give range: [BLACK, WHITE] in normalised values.", where: { field: chosen.name } },
      );
    }
    const geometry = see(name, chosen, entry.takes);
    const settled = transform.settle?.(options, tensor) ?? options;
    const complaint = transform.complain?.(settled, geometry);
    if (complaint) throw refuseField(name, chosen, complaint);
    const room = transform.room(geometry, settled);
    steps.push({ kind: "sample", ...common, options: settled, geometry, tables });
    tables += aligned(room.tables);
    work = Math.max(work, aligned(room.work));
  });
  return {
    steps,
    mix,
    isEmpty: steps.length === 0 && mix === undefined,
    scratchBytes: tables + work,
    work: tables,
    fingerprint: fingerprintOf(steps, mix),
  };
}

/** A transform of a list, complete: it may have come as JSON. */
export function checkAugmentation(augmentation: unknown, place: number): Augmentation {
  const { name, field, options = {} } = (augmentation ?? {}) as Record<string, unknown>;
  const entry = typeof name === "string" ? registry.get(name) : undefined;
  if (!entry) {
    const what = typeof name === "string" ? `there is no transform "${name}"` : "one has no name";
    const near = typeof name === "string" ? nearestNames(name, [...registry.keys()]) : [];
    throw new SpillwayError("usage", `augment, transform ${place + 1}: ${what}`, {
      remedy:
        near.length > 0
          ? `Did you mean ${near.join(" or ")}?`
          : `Use one of ${[...registry.keys()].join(", ")}.`,
    });
  }
  if (field !== undefined && typeof field !== "string") {
    throw new SpillwayError("usage", `${entry.transform.name}: field ${shown(field)} is no name of a field`, {
      remedy: "Name a field, or leave it out where there is one only.",
    });
  }
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new SpillwayError("usage", `${entry.transform.name}: options are ${shown(options)}`, {
      remedy: 'Give an object: { "name": "jitter", "options": { "sigma": 0.03 } }.',
    });
  }
  const given = entry.kind === "custom" ? settle(options as OptionValues) : (options as OptionValues);
  const checked = checkOptions(entry.transform.name, given, entry.transform.table);
  return { name: entry.transform.name, ...(field !== undefined && { field }), options: checked };
}

/** Number of the field that a transform changes. */
function chooseField(name: string, wanted: string | undefined, fields: readonly AugmentField[]): number {
  const tensors = tensorsOf(name, fields);
  if (wanted === undefined) {
    if (tensors.length === 1) return tensors[0]!;
    const names = tensors.map((index) => fields[index]!.name);
    throw new SpillwayError(
      "usage",
      `${name} does not say which field it changes: there are ${names.join(", ")}`,
      {
        remedy: `Name one: ${name}({ field: "${names[0]}" }).`,
      },
    );
  }
  const index = fields.findIndex((each) => each.name === wanted);
  if (index >= 0 && fields[index]!.field.kind === "tensor") return index;
  const near = nearestNames(
    wanted,
    tensors.map((each) => fields[each]!.name),
  );
  const what =
    index >= 0
      ? `field "${wanted}" is ${describeField(fields[index]!.field)}, which is no tensor`
      : `there is no field "${wanted}"`;
  throw new SpillwayError("usage", `${name}: ${what}`, {
    remedy:
      index < 0 && near.length > 0
        ? `Did you mean ${near.join(" or ")}?`
        : `Use ${tensors.map((each) => fields[each]!.name).join(" or ")}.`,
    where: { field: wanted },
  });
}

/** Numbers of the tensor fields, of which there is one at least. */
function tensorsOf(name: string, fields: readonly AugmentField[]): number[] {
  const tensors = fields.flatMap(({ field }, index) => (field.kind === "tensor" ? [index] : []));
  if (tensors.length > 0) return tensors;
  throw new SpillwayError(
    "usage",
    `${name} has nothing to change: no field is a tensor delivered as float32`,
    {
      remedy: 'Deliver a tensor field as "float32".',
    },
  );
}

/** A field as a transform sees it. */
function see(
  name: string,
  { name: fieldName, field }: AugmentField,
  kind: keyof typeof geometryOf,
): Geometry {
  const geometry = geometryOf[kind](field as TensorField);
  if (geometry) return geometry;
  throw new SpillwayError("usage", `${name}: field "${fieldName}" is ${describeField(field)}`, {
    remedy: `${name} takes ${shapesOf[kind]}. The channel axis is told when packing.`,
    where: { field: fieldName },
  });
}

function refuseField(
  name: string,
  { name: field }: AugmentField,
  { what, remedy }: Complaint,
): SpillwayError {
  return new SpillwayError("usage", `${name}: field "${field}" ${what}`, { remedy, where: { field } });
}

function notLast(mixing: string, next: string): SpillwayError {
  const isSecond = registry.get(next)!.kind === "mixing";
  return new SpillwayError(
    "usage",
    isSecond ? `${mixing} and ${next} are both in the list` : `${mixing} stands before ${next} in the list`,
    {
      remedy: isSecond
        ? "Samples of a batch are mixed once: take one of them."
        : `Samples are mixed when all else is done: put ${mixing} last.`,
    },
  );
}

function fingerprintOf(steps: readonly AugmentationStep[], mix: MixStep | undefined): string {
  return hashHex(new TextEncoder().encode(JSON.stringify([augmentVersion, steps, mix ?? null])));
}
