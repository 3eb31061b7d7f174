import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Augmentation,
  classes,
  colourJitter,
  custom,
  cutmix,
  flip,
  jitter,
  mixup,
  permutation,
  SpillwayError,
  scaling,
  shift,
  tensor,
} from "spillway";
import { parseAugmentations } from "#spillway/augment/parse";
import { type AugmentField, planAugmentation } from "#spillway/augment/plan";

const wave: AugmentField = { name: "wave", field: tensor("float32", [256, 8]) };
const extra: AugmentField = { name: "extra", field: tensor("float32", [100]) };
const square: AugmentField = { name: "square", field: tensor("float32", [28, 28]) };
const image: AugmentField = { name: "image", field: tensor("uint8", [28, 28, 1]) };
const label: AugmentField = { name: "label", field: classes(["a", "b"]) };

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof SpillwayError, String(error));
    assert.equal(error.code, "usage");
    return error.message;
  }
  throw new Error("was not refused");
}

const plan = (list: unknown, ...fields: AugmentField[]) =>
  refusal(() => planAugmentation(list as Augmentation[], fields));

test("options that do not make sense are refused with the number that was given", () => {
  assert.equal(
    refusal(() => jitter({ sigma: -1 })),
    "jitter: sigma -1 is no number from 0 to 1e+30. sigma is the standard deviation of the noise, in the unit of the values (default 0.03).",
  );
  assert.equal(
    refusal(() => jitter({ sigma: Number.NaN })),
    "jitter: sigma NaN is no number from 0 to 1e+30. sigma is the standard deviation of the noise, in the unit of the values (default 0.03).",
  );
  assert.equal(
    refusal(() => jitter({ sigmo: 1 } as object)),
    'jitter has no option "sigmo". Did you mean sigma? It has sigma and probability.',
  );
  assert.equal(
    refusal(() => shift({} as { steps: number })),
    'shift needs the option "steps". steps is the most steps by which a sample is moved, to either side.',
  );
  assert.equal(
    refusal(() => shift({ steps: 1.5 })),
    "shift: steps 1.5 is no whole number from 0 to 268435456. steps is the most steps by which a sample is moved, to either side.",
  );
  assert.equal(
    refusal(() => shift({ steps: 3, fill: "edges" as "edge" })),
    'shift: fill "edges" is none of zero, edge, wrap. Did you mean edge? fill is what comes in (default "zero").',
  );
  assert.equal(
    refusal(() => colourJitter({ range: [1, 0] })),
    "colourJitter: range [1, 0] are no two numbers from -1e+30 to 1e+30, the lower one first. range is the values of black and white.",
  );
  assert.equal(
    refusal(() => scaling({ probability: 1.1 })),
    "scaling: probability 1.1 is no number from 0 to 1. probability is the share of samples that are changed (default 1).",
  );
  assert.equal(
    refusal(() => jitter({ field: "" })),
    'jitter: field "" is no name of a field. Name the tensor field that is to be changed, or leave it out where there is one only.',
  );
});

test("a descriptor is plain, frozen, complete, and the same after JSON and a message", () => {
  const made = shift({ steps: 16, field: "wave" });
  assert.deepEqual(made, {
    name: "shift",
    field: "wave",
    options: { steps: 16, fill: "zero", probability: 1 },
  });
  assert.ok(Object.isFrozen(made) && Object.isFrozen(made.options));
  assert.deepEqual(JSON.parse(JSON.stringify(made)), made);
  assert.deepEqual(structuredClone(made), made);
  assert.equal(flip().options.probability, 0.5);
  const fields = [wave, label];
  const fromJson = planAugmentation([{ name: "shift", options: { steps: 16 } }], fields);
  assert.deepEqual(fromJson, planAugmentation([made], fields));
  assert.deepEqual(structuredClone(fromJson), fromJson);
});

test("what is no list of transforms is refused", () => {
  assert.equal(
    plan("jitter", wave),
    'augment is "jitter", which is no list. Give a list of transforms: [jitter({ sigma: 0.03 })].',
  );
  assert.equal(
    plan([{ name: "jiter", options: {} }], wave),
    'augment, transform 1: there is no transform "jiter". Did you mean jitter?',
  );
  assert.match(
    plan([jitter(), {}], wave),
    /^augment, transform 2: one has no name\. Use one of jitter, scaling, /,
  );
  assert.equal(
    plan([{ name: "jitter", options: 5 }], wave),
    'jitter: options are 5. Give an object: { "name": "jitter", "options": { "sigma": 0.03 } }.',
  );
  assert.equal(
    plan([{ name: "jitter", options: { sigma: "much" } }], wave),
    'jitter: sigma "much" is no number from 0 to 1e+30. sigma is the standard deviation of the noise, in the unit of the values (default 0.03).',
  );
});

test("a field has to be named where there are several, exist, and be a tensor", () => {
  assert.equal(
    plan([jitter()], wave, extra, label),
    'jitter does not say which field it changes: there are wave, extra. Name one: jitter({ field: "wave" }).',
  );
  assert.equal(
    plan([jitter({ field: "wav" })], wave, label),
    'jitter: there is no field "wav". Did you mean wave?',
  );
  assert.equal(
    plan([jitter({ field: "label" })], wave, label),
    'jitter: field "label" is 2 classes (uint8): a, b, which is no tensor. Use wave.',
  );
  assert.equal(
    plan([jitter()], label),
    'jitter has nothing to change: no field is a tensor delivered as float32. Deliver a tensor field as "float32".',
  );
});

test("a shape that a transform does not take is refused with what it takes", () => {
  assert.equal(
    plan([jitter()], square),
    'jitter: field "square" is float32 [28, 28]. jitter takes a waveform: [time], or [time, channels] or [channels, time] with a channel axis that is known. The channel axis is told when packing.',
  );
  assert.equal(
    plan([flip()], extra),
    'flip: field "extra" is float32 [100]. flip takes an image: [height, width], or with an axis of 1 or 3 colours first or last. The channel axis is told when packing.',
  );
  assert.equal(
    plan([shift({ steps: 300 })], wave),
    'shift: field "wave" has 256 steps, and a shift by 300 of them needs 300. Use longer samples, or smaller numbers.',
  );
  assert.equal(
    plan([permutation({ segments: 500 })], wave),
    'permutation: field "wave" has 256 steps, and a cut into 500 segments needs 500. Use longer samples, or smaller numbers.',
  );
  assert.equal(
    plan([colourJitter({ hue: 0.1 })], image),
    'colourJitter: field "image" has 1 channels, and saturation and hue are of red, green and blue. Leave them out, or use a field with 3 colours.',
  );
  assert.equal(
    plan([colourJitter()], { ...image, isNormalised: true }),
    'colourJitter: field "image" is normalised, so what is black and white is not known. Give range: [BLACK, WHITE] in normalised values.',
  );
});

test("samples are mixed last, and once", () => {
  assert.equal(
    plan([mixup(), jitter()], wave),
    "mixup stands before jitter in the list. Samples are mixed when all else is done: put mixup last.",
  );
  assert.equal(
    plan([cutmix(), mixup()], wave),
    "cutmix and mixup are both in the list. Samples of a batch are mixed once: take one of them.",
  );
  const mixed = planAugmentation([jitter({ field: "wave" }), mixup()], [wave, extra, label]);
  assert.deepEqual(
    mixed.mix!.fields.map(({ field }) => field),
    ["wave", "extra"],
  );
});

test("a custom function is refused where it cannot travel to a thread", () => {
  assert.equal(
    refusal(() => custom({ module: "https://example.org/a.js" })),
    'custom: module "https://example.org/a.js" is no path and no URL of a file. Give the path of a module, such as "./my-augment.mjs", or new URL("./my-augment.mjs", import.meta.url).',
  );
  assert.equal(
    refusal(() => custom({ module: "./a.mjs", export: "" })),
    'custom: export "" is no name. Name the function that the module exports, or leave it out for "default".',
  );
  assert.equal(
    refusal(() => custom({ module: "./a.mjs", options: { size: 1n } })),
    "custom: options cannot be written as JSON. Use numbers, texts, lists and plain objects of them.",
  );
});

test("the fingerprint tells whether two lists do the same to the same fields", () => {
  const of = (list: Augmentation[], ...fields: AugmentField[]) => planAugmentation(list, fields).fingerprint;
  assert.equal(of([jitter()], wave, label), of([jitter({ sigma: 0.03, field: "wave" })], wave, label));
  const prints = [
    of([], wave),
    of([jitter()], wave),
    of([jitter({ sigma: 0.04 })], wave),
    of([jitter()], extra),
    of([jitter(), mixup()], wave),
    of([jitter(), mixup({ alpha: 1 })], wave),
  ];
  assert.equal(new Set(prints).size, prints.length);
  assert.ok(planAugmentation([], [wave]).isEmpty);
});

test("the short form and JSON give the descriptors that the functions make", () => {
  const parsed = parseAugmentations(
    "jitter:sigma=0.03, shift:steps=16:fill=wrap:field=wave,noise:snr=10..20",
  );
  assert.deepEqual(parsed.slice(0, 2), [jitter(), shift({ steps: 16, fill: "wrap", field: "wave" })]);
  assert.deepEqual(parsed[2]!.options.snr, [10, 20]);
  const list = [jitter(), cutmix()];
  assert.deepEqual(parseAugmentations(JSON.stringify(list)), list);
  assert.deepEqual(parseAugmentations("jitter"), [jitter()]);
});

test("a text that is neither form is refused with what was read", () => {
  const hint =
    'Write jitter:sigma=0.03,shift:steps=16, or JSON: [{ "name": "jitter", "options": { "sigma": 0.03 } }].';
  const texts: Record<string, string> = {
    "": `the list of transforms is empty. ${hint}`,
    "jitter:0.03": `jitter: "0.03" is no option=value. ${hint}`,
    "jitter:sigma=1:sigma=2": `jitter: sigma is given twice. ${hint}`,
    "jittre:sigma=1": 'augment, transform 1: there is no transform "jittre". Did you mean jitter?',
    "jitter,": `augment, transform 2: there is no transform "". Use one of ${plan([{}], wave).split("Use one of ")[1]}`,
    "jitter:sigma=1..2":
      "jitter: sigma [1, 2] is no number from 0 to 1e+30. sigma is the standard deviation of the noise, in the unit of the values (default 0.03).",
    "noise:snr=30..10":
      "noise: snr [30, 10] are no two numbers from -100 to 200, the lower one first. snr is the least and greatest power of the signal over that of the noise, in dB (default [10, 30]).",
  };
  for (const [text, message] of Object.entries(texts))
    assert.equal(
      refusal(() => parseAugmentations(text)),
      message,
    );
  assert.match(
    refusal(() => parseAugmentations("[1,")),
    /^the list of transforms is no JSON: /,
  );
  assert.match(
    refusal(() => parseAugmentations("x".repeat(100_001))),
    /^the list of transforms has 100001 characters, above the limit of 100000\. /,
  );
});
