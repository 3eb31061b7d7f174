import assert from "node:assert/strict";
import { test } from "node:test";
import { mix, open, SpillwayError } from "spillway";
import { fit } from "spillway/tfjs";
import { packed, using } from "../fixtures/packed.js";

const path = await packed({ count: 40 });

/** What a call with these options is refused with; they are what a program in JavaScript may hold. */
async function refusal(work: (options: never) => unknown, options: object): Promise<string> {
  try {
    await work(options as never);
  } catch (error) {
    assert.ok(error instanceof SpillwayError && error.code === "usage", String(error));
    return error.message;
  }
  throw new Error(`${JSON.stringify(options)} was accepted`);
}

test("an option that there is not is refused by its name, with those that were perhaps meant", async () => {
  await using(path, "32 MiB", async (dataset) => {
    const view = dataset.view();
    const feed = view.feed();
    const views = mix([view, dataset.view()], [1, 1]);
    assert.equal(
      await refusal((options) => view.batches(options), { batchsize: 64 }),
      'batches() has no option "batchsize". Did you mean batchSize? There are batchSize, epochs, seed, shuffle, balance, weights, deliver, normalize, resume, images, readers, rank, worldSize, last, augment, augmentSeed, signal.',
    );
    assert.equal(
      await refusal((options) => open(path, options), { memmory: "1 MiB" }),
      'open() has no option "memmory". Did you mean memory? There are memory, source, side.',
    );
    const cases: [work: (options: never) => unknown, options: object, start: string][] = [
      [
        (options) => dataset.view(options),
        { splt: "train" },
        'view() has no option "splt". Did you mean split?',
      ],
      [(options) => view.feed(options), { sed: 1 }, 'feed() has no option "sed". Did you mean seed?'],
      [
        (options) => feed.trainer(options),
        { slw: "skip" },
        'trainer() has no option "slw". Did you mean slow?',
      ],
      [
        (options) => views.batches(options),
        { augmnt: [] },
        'batches() of a mix has no option "augmnt". Did you',
      ],
      [(options) => views.batches(options), { last: "keep" }, 'batches() of a mix has no option "last". '],
      [(options) => view.batches(options), { toString: 1 }, 'batches() has no option "toString". There are'],
    ];
    for (const [work, options, start] of cases)
      assert.ok((await refusal(work, options)).startsWith(start), await refusal(work, options));
    assert.equal(view.batches({ seed: undefined as never, epochs: 1 }).count, 2, "undefined is left out");
    await feed.close();
  });
});

test("fit hands on what loops take, and refuses what is for nobody", async () => {
  await using(path, "32 MiB", async (dataset) => {
    const { layers, sequential } = await import("@tensorflow/tfjs");
    const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [3] })] });
    model.compile({ optimizer: "sgd", loss: "meanSquaredError" });
    const fields = { x: "data", y: "label" };
    const view = dataset.view();
    const ofView = await refusal((options) => fit(model, view, options), { ...fields, batchsize: 8 });
    assert.ok(ofView.startsWith('batches() has no option "batchsize". Did you mean batchSize?'), ofView);
    const trainer = view.feed().trainer();
    const ofTrainer = await refusal((options) => fit(model, trainer, options), { ...fields, batchSize: 8 });
    assert.equal(
      ofTrainer,
      'fit() of a trainer has no option "batchSize". There are x, y, oneHot, validation, onBatch, onEpoch.',
    );
  });
});

test("what becomes of samples that do not fill a batch is one of four, for loops and trainers alike", async () => {
  await using(path, "32 MiB", async (dataset) => {
    const view = dataset.view();
    const feed = view.feed();
    for (const last of ["foo", 7, ""]) {
      const expected = `last ${JSON.stringify(last)} is not known. Use "keep" or "drop" or "wrap" or "join".`;
      assert.equal(await refusal((options) => view.batches(options), { last }), expected);
      assert.equal(await refusal((options) => feed.trainer(options), { last }), expected);
    }
    await feed.close();
  });
});
