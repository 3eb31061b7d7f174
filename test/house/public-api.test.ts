import assert from "node:assert/strict";
import { test } from "node:test";
import * as spillway from "spillway";

test("the public API is this list, and no more", () => {
  assert.deepEqual(Object.keys(spillway).sort(), [
    "Catalog",
    "Dataset",
    "Feed",
    "SpillwayError",
    "Trainer",
    "View",
    "append",
    "channelDropout",
    "classes",
    "colourJitter",
    "crop",
    "custom",
    "cutmix",
    "erase",
    "flip",
    "frequencyMask",
    "index",
    "jitter",
    "magnitudeWarp",
    "measurePrecision",
    "mix",
    "mixup",
    "noise",
    "open",
    "pack",
    "permutation",
    "randomResizedCrop",
    "rotation",
    "scaling",
    "shift",
    "takeTrainer",
    "tensor",
    "timeMask",
    "timeWarp",
  ]);
});
