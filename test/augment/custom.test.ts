import assert from "node:assert/strict";
import { test } from "node:test";
import { custom, SpillwayError, type TensorField } from "spillway";
import { checkCustom } from "#spillway/augment/augmenter";
import { planAugmentation } from "#spillway/augment/plan";
import { bench, valuesOf, wave } from "./samples.js";

/** A module as a URL of its text. */
function moduleOf(text: string): string {
  return `data:text/javascript,${encodeURIComponent(text)}`;
}

async function applied(text: string, options?: unknown, field: TensorField = wave) {
  const module = moduleOf(text);
  const { apply } = await bench([custom({ module, ...(options !== undefined && { options }) })], field);
  return (id: number, epoch = 0) => apply(valuesOf(field), id, epoch);
}

async function refusal(work: () => unknown): Promise<SpillwayError> {
  try {
    await work();
  } catch (error) {
    assert.ok(error instanceof SpillwayError, String(error));
    assert.equal(error.code, "usage");
    return error;
  }
  throw new Error("was not refused");
}

test("a function changes the sample in place or gives another, and is told of it", async () => {
  const values = valuesOf(wave);
  const double = await applied("export default (sample) => { for (let k in sample) sample[k] *= 2; };");
  assert.deepEqual(
    double(1),
    values.map((value) => value * 2),
  );
  const told = await applied(
    "export default (sample, { shape, options, epoch, id }) => Float32Array.from(sample, (_, k) => k === 0 ? shape[1] : k === 1 ? options.by : k === 2 ? epoch : id);",
    { by: 5 },
  );
  assert.deepEqual([...told(17, 3).slice(0, 4)], [4, 5, 3, 17]);
});

test("its random numbers depend on the sample and the epoch, not on what came before", async () => {
  const make = () => applied("export default (sample, { random }) => sample.map(() => random());");
  const [a, b] = [await make(), await make()];
  b(1);
  b(2);
  assert.deepEqual(a(5, 2), b(5, 2));
  assert.notDeepEqual(a(5, 2), a(6, 2));
  assert.notDeepEqual(a(5, 2), a(5, 3));
  assert.ok(a(5).every((value) => value >= 0 && value <= 1));
});

test("what it keeps is not the memory of the loader", async () => {
  const spy = await applied("export default (sample) => { globalThis.seenBuffer = sample.buffer; }");
  spy(0);
  const { seenBuffer } = globalThis as unknown as { seenBuffer: ArrayBufferLike };
  assert.ok(seenBuffer instanceof ArrayBuffer);
  assert.equal(seenBuffer.byteLength, 64 * 4 * 4);
});

test("one that throws or gives something else is refused with module, export, sample and what was given", async () => {
  const wanted = "It must change the sample in place, or return a Float32Array of 256 values.";
  const cases: Record<string, string> = {
    "() => { throw new TypeError('no'); }":
      "threw TypeError: no for sample 12. Mend the function; its stack is in `cause`.",
    "() => 5": `returned the number 5 for sample 12. ${wanted}`,
    "() => null": `returned null for sample 12. ${wanted}`,
    "() => [1, 2]": `returned a value of type Array of 2 values for sample 12. ${wanted}`,
    "async () => { throw new Error('late'); }": `returned a Promise for sample 12. ${wanted}`,
    "(sample) => sample.subarray(1)": `returned a Float32Array of 255 values for sample 12. ${wanted}`,
    "(sample) => new Float64Array(sample)": `returned a value of type Float64Array of 256 values for sample 12. ${wanted}`,
    "(sample) => { sample[3] = 0 / 0; }":
      "gave NaN as value 3 for sample 12. The sample had none, and a network learns nothing from NaN: look for a division by 0 or a number that is not defined.",
  };
  for (const [text, message] of Object.entries(cases)) {
    const module = moduleOf(`export const warp = ${text};`);
    const { apply } = await bench([custom({ module, export: "warp" })], wave);
    const error = await refusal(() => apply(valuesOf(wave), 12));
    const name = module.length > 120 ? `${module.slice(0, 117)}...` : module;
    assert.equal(error.message, `custom: warp of ${name} ${message}`);
    assert.equal(error.where.sample, 12);
  }
});

test("a module that does not export the function is refused before anything is read", async () => {
  const check = (module: string, name?: string) =>
    refusal(() =>
      checkCustom(
        planAugmentation(
          [custom({ module, ...(name !== undefined && { export: name }) })],
          [{ name: "wave", field: wave }],
        ),
      ),
    );
  const module = moduleOf("export const a = () => {}, b = 4;");
  assert.equal(
    (await check(module)).message,
    `custom: default of ${module} is not there. It exports a. Export one, and name it as "export".`,
  );
  assert.equal(
    (await check(module, "b")).message,
    `custom: b of ${module} is no function but number. It exports a. Export one, and name it as "export".`,
  );
  assert.match(
    (await check("/nowhere/a.mjs")).message,
    /^custom: default of file:\/\/\/nowhere\/a\.mjs cannot be imported: /,
  );
  await checkCustom(planAugmentation([custom({ module, export: "a" })], [{ name: "wave", field: wave }]));
});
