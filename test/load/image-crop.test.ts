import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SpillwayError } from "spillway";
import {
  drawPart,
  drawsOf,
  type ImageOptions,
  isMirrored,
  planCrop,
  planImages,
} from "#spillway/load/image-crop";

const side = fc.integer({ min: 1, max: 5000 });
const size = fc.record({ width: side, height: side });
const random = planImages({ crop: "random" }, 0).random!;

test("a random part lies within its image, and has an area and proportions that were asked for", () => {
  fc.assert(
    fc.property(size, fc.nat(), fc.nat(1000), fc.nat(2 ** 40), (image, seed, epoch, sample) => {
      const part = drawPart(image, random, drawsOf(seed, epoch, sample));
      assert.ok(part.left >= 0 && part.top >= 0 && part.width >= 1 && part.height >= 1);
      assert.ok(part.left + part.width <= image.width && part.top + part.height <= image.height);
      // Rounded to whole pixels; the middle of the image, where nothing fits, may be larger in proportion.
      if (Math.min(part.width, part.height) < 20) return;
      const proportion = part.width / part.height;
      assert.ok(proportion > 0.7 && proportion < 1.43, String(proportion));
      const share = (part.width * part.height) / (image.width * image.height);
      assert.ok(
        share <= 1 && (share > 0.07 || image.width > 2 * image.height || image.height > 2 * image.width),
      );
    }),
  );
});

test("what is drawn depends on seed, epoch and sample, on each of them, and on nothing else", () => {
  const part = (...of: [number, number, number]) =>
    drawPart({ width: 640, height: 480 }, random, drawsOf(...of));
  assert.deepEqual(part(7, 0, 3), part(7, 0, 3));
  for (const other of [part(8, 0, 3), part(7, 1, 3), part(7, 0, 4), part(7, 3, 0)])
    assert.notDeepEqual(other, part(7, 0, 3));
  // Changing these changes what people train on with a seed.
  assert.deepEqual(
    [0, 1, 2].map((sample) => part(1, 0, sample)),
    [
      { left: 97, top: 78, width: 409, height: 400 },
      { left: 28, top: 29, width: 405, height: 356 },
      { left: 18, top: 197, width: 247, height: 191 },
    ],
  );
});

test("areas are spread evenly over their range, and half of the images are mirrored", () => {
  const plan = planImages({ crop: "random", flip: true }, 5);
  const image = { width: 1000, height: 1000 };
  const shares: number[] = [];
  let mirrored = 0;
  const count = 4000;
  for (let sample = 0; sample < count; sample += 1) {
    const draws = drawsOf(plan.seed, 0, sample);
    const { width, height } = drawPart(image, plan.random!, draws);
    shares.push((width * height) / 1e6);
    if (isMirrored(plan, draws)) mirrored += 1;
  }
  const mean = shares.reduce((sum, share) => sum + share, 0) / count;
  // Large parts of odd proportions do not fit and are drawn anew: a little below (0.08 + 1) / 2.
  assert.ok(mean > 0.47 && mean < 0.54, String(mean));
  assert.ok(Math.abs(mirrored / count - 0.5) < 4 * Math.sqrt(0.25 / count), String(mirrored));
});

test("the steps of a crop stay within what they cut, and end at the size wanted", () => {
  const wanted = fc.record({
    width: fc.integer({ min: 1, max: 600 }),
    height: fc.integer({ min: 1, max: 600 }),
  });
  fc.assert(
    fc.property(size, wanted, fc.nat(), (image, target, seed) => {
      const part = drawPart(image, random, drawsOf(seed, 0, 0));
      const steps = planCrop(image, part, target);
      if (steps.kind === "cut, then scale") return assert.deepEqual(steps.part, part);
      const { whole, part: cut } = steps;
      assert.deepEqual([cut.width, cut.height], [target.width, target.height]);
      assert.ok(cut.left >= 0 && cut.top >= 0);
      assert.ok(cut.left + cut.width <= whole.width && cut.top + cut.height <= whole.height);
      assert.ok(whole.width <= Math.max(target.width, image.width));
    }),
  );
});

test("options that make no sense are refused with what to use", () => {
  const refusals: [ImageOptions, string][] = [
    [{ fit: "inside" as "fill" }, 'images: fit is "inside". Use "cover", "contain" or "fill".'],
    [{ crop: "left" as "centre" }, 'images: crop is "left". Use "centre" or "random".'],
    [
      { crop: "random", fit: "fill" },
      'images: fit is "fill". Use nothing beside a random crop, which is stretched to its size.',
    ],
    [{ scale: [0.1, 1] }, 'images: scale is [0.1,1]. Use nothing without crop: "random".'],
    [
      { crop: "random", scale: [0, 1] },
      "images: scale is [0,1]. Use two numbers above 0, ascending, up to 1.",
    ],
    [
      { crop: "random", scale: [0.5, 0.2] },
      "images: scale is [0.5,0.2]. Use two numbers above 0, ascending, up to 1.",
    ],
    [
      { crop: "random", ratio: [1, Number.NaN] },
      "images: ratio is [1,null]. Use two numbers above 0, ascending, up to 100.",
    ],
    [{ flip: 2 }, "images: flip is 2. Use true, false or a part from 0 to 1."],
  ];
  for (const [options, text] of refusals)
    assert.throws(
      () => planImages(options, 0),
      (error) => error instanceof SpillwayError && error.code === "usage" && error.message === text,
    );
});
