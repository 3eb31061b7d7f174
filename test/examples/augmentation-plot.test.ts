import assert from "node:assert/strict";
import fs from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { registry } from "#spillway/augment/registry";
import { drawAugmentations } from "../../examples/augmentation-plot.js";

const docs = resolve(import.meta.dirname, "../../../docs");

test("the pictures of docs/augmentation.md are what the transforms do, and show all of them", async () => {
  const pictures = await drawAugmentations();
  for (const [name, text] of Object.entries(pictures)) {
    assert.ok(text === fs.readFileSync(join(docs, name), "utf8"), `${name} is old: npm run docs`);
  }
  const shown = Object.values(pictures).join("");
  for (const name of registry.keys())
    if (name !== "custom") assert.match(shown, new RegExp(`class="name"[^>]*>${name}\\b`));
});
