import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Augmentation, cutmix, jitter, mixup, shift } from "spillway";
import { costsOf, costWords } from "#spillway/augment/step-cost";
import { bench, caseName, colour, everyCase, grey, series, valuesOf, wave, waveFirst } from "./samples.js";

const id = fc.nat({ max: 2 ** 31 - 1 }).map((k) => k * 2 ** 17 + (k % 1000));
const epoch = fc.nat({ max: 100_000 });

test("the same seed, epoch and sample give the same bits, whatever came before", async () => {
  for (const one of everyCase) {
    const [augmentation, field] = one;
    const [a, b] = [await bench([augmentation], field), await bench([augmentation], field)];
    const values = valuesOf(field);
    fc.assert(
      fc.property(id, epoch, id, (sample, turn, other) => {
        b.apply(values, other, turn + 1);
        assert.deepEqual(a.apply(values, sample, turn), b.apply(values, sample, turn), caseName(one));
      }),
      { numRuns: 20 },
    );
  }
});

test("another sample, epoch, seed or place in the list gives other values", async () => {
  const values = valuesOf(wave);
  const augmentation = jitter();
  const own = await bench([augmentation], wave, { seed: 7 });
  const seeds = await bench([augmentation], wave, { seed: 8 });
  const later = await bench([shift({ steps: 0 }), augmentation], wave, { seed: 7 });
  fc.assert(
    fc.property(id, epoch, (sample, turn) => {
      const here = own.apply(values, sample, turn);
      for (const there of [
        own.apply(values, sample + 1, turn),
        own.apply(values, sample + 2 ** 32, turn),
        own.apply(values, sample, turn + 1),
        seeds.apply(values, sample, turn),
        seeds.apply(values, sample, Math.max(0, turn - 1)),
        later.apply(values, sample, turn),
      ]) {
        const same = here.filter((value, k) => value === there[k]).length;
        assert.ok(same <= 2, `${same} values alike`);
      }
    }),
    { numRuns: 50 },
  );
});

test("nothing but the sample and the scratch is written", async () => {
  for (const one of everyCase) {
    const [augmentation, field] = one;
    const { augmenter, memory, sample, address, plan } = await bench([augmentation], field);
    const words = new Uint32Array(memory.buffer);
    const scratch = Math.ceil((address + 2 * (sample.byteLength + 4096)) / 16) * 4;
    const tables = words.slice(scratch, scratch + plan.work / 4);
    words.fill(0xc0ffee11);
    words.set(tables, scratch);
    for (let turn = 0; turn < 20; turn += 1) {
      sample.set(valuesOf(field));
      augmenter.apply(turn, 3, [address]);
    }
    const [begin, end] = [address / 4, (address + sample.byteLength) / 4];
    const scratchEnd = scratch + plan.scratchBytes / 4;
    words.forEach((word, k) => {
      if ((k >= begin && k < end) || (k >= scratch && k < scratchEnd)) return;
      assert.equal(word, 0xc0ffee11, `${caseName(one)} wrote at ${k * 4}, sample at ${address}`);
    });
    assert.deepEqual(words.slice(scratch, scratch + plan.work / 4), tables, "tables are written once");
  }
});

test("every transform changes a sample, keeps finite values finite, and leaves it alone at probability 0", async () => {
  for (const one of everyCase) {
    const [augmentation, field] = one;
    const values = valuesOf(field);
    const { apply } = await bench([augmentation], field);
    const outcomes = Array.from({ length: 10 }, (_, k) => apply(values, k));
    assert.ok(
      outcomes.some((out) => out.some((value, k) => value !== values[k])),
      caseName(one),
    );
    assert.ok(
      outcomes.every((out) => out.every(Number.isFinite)),
      caseName(one),
    );
    const never: Augmentation = { ...augmentation, options: { ...augmentation.options, probability: 0 } };
    const still = await bench([never], field);
    for (let k = 0; k < 10; k += 1) assert.deepEqual(still.apply(values, k), values, caseName(one));
  }
});

test("a probability is the share of samples that are changed", async () => {
  const values = valuesOf(wave);
  const { apply } = await bench([jitter({ probability: 0.3 })], wave);
  let changed = 0;
  for (let k = 0; k < 10_000; k += 1) changed += Number(apply(values, k)[0] !== values[0]);
  // Six standard deviations.
  assert.ok(Math.abs(changed - 3000) < 6 * Math.sqrt(10_000 * 0.3 * 0.7), `${changed} of 10,000`);
});

test("partners of a batch are a shift of it, never the sample itself, and differ from batch to batch", async () => {
  const { augmenter } = await bench([mixup()], wave);
  fc.assert(
    fc.property(epoch, id, fc.integer({ min: 2, max: 500 }), (turn, place, size) => {
      const partners = Array.from({ length: size }, (_, k) => augmenter.partnerOf(turn, place, size, k));
      const r = partners[0]!;
      assert.ok(r >= 1 && r < size);
      assert.deepEqual(
        partners,
        partners.map((_, k) => (k + r) % size),
      );
    }),
  );
  assert.equal(augmenter.partnerOf(3, 64, 1, 0), 0);
  const shifts = new Set(Array.from({ length: 200 }, (_, k) => augmenter.partnerOf(0, k * 64, 64, 0)));
  assert.ok(shifts.size > 50);
});

test("mixup gives share * own + (1 - share) * other, with the share as the label's weight", async () => {
  const [values, others] = [valuesOf(wave), valuesOf(wave, 1)];
  const { mix } = await bench([mixup({ alpha: 1 })], wave);
  for (let k = 0; k < 100; k += 1) {
    const { values: mixed, weight } = mix(values, others, k);
    assert.ok(weight >= 0 && weight <= 1);
    mixed.forEach((value, j) => {
      assert.ok(Math.abs(value - (weight * values[j]! + (1 - weight) * others[j]!)) < 1e-5);
    });
  }
});

test("cutmix puts a stretch or rectangle of the other sample in, with what is left of the own as weight", async () => {
  for (const field of [wave, waveFirst, series, grey, colour]) {
    const [values, others] = [valuesOf(field), valuesOf(field).map((value) => value + 1000)];
    const { mix } = await bench([cutmix()], field);
    for (let k = 0; k < 50; k += 1) {
      const { values: mixed, weight } = mix(values, others, k);
      let own = 0;
      mixed.forEach((value, j) => {
        assert.ok(value === values[j] || value === others[j]);
        own += Number(value === values[j]);
      });
      assert.ok(Math.abs(own / mixed.length - weight) < 1e-12, `${own / mixed.length} is not ${weight}`);
    }
  }
});

test("costs count every sample, and name the steps in order", async () => {
  const { augmenter, plan, apply, mix } = await bench([jitter(), shift({ steps: 3 }), mixup()], wave);
  for (let k = 0; k < 40; k += 1) apply(valuesOf(wave), k);
  for (let k = 0; k < 5; k += 1) mix(valuesOf(wave), valuesOf(wave, 1), k);
  const words = new Float64Array(costWords(plan));
  augmenter.writeCosts(words);
  const costs = costsOf(plan, [words]);
  assert.deepEqual(
    costs.map(({ name, field, samples }) => [name, field, samples]),
    [
      ["jitter", "data", 40],
      ["shift", "data", 40],
      ["mixup", "data", 5],
    ],
  );
  assert.ok(costs.every(({ nanoseconds }) => nanoseconds > 0));
  const twice = costsOf(plan, [words, words]);
  assert.deepEqual(
    twice.map(({ samples, nanosecondsPerSample }) => [samples, nanosecondsPerSample]),
    costs.map(({ samples, nanosecondsPerSample }) => [2 * samples, nanosecondsPerSample]),
  );
});
