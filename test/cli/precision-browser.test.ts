import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { writePrecisionPage } from "#spillway/cli/precision-page";
import type { PrecisionReport } from "#spillway/pack/precision-of-source";
import { chromium, type Tab, withPage } from "../fixtures/browser.js";
import { newPath } from "../fixtures/new-path.js";
import { recorderField, reportOn, reports } from "./precision-reports.js";

const options = { timeout: 120_000, skip: chromium ? false : "there is no Chromium here" };

function pageOf(report: PrecisionReport): string {
  const path = `${newPath("page")}.html`;
  fs.writeFileSync(path, writePrecisionPage(report));
  return path;
}

/** Waits until an expression is true of the page. */
async function until(tab: Tab, expression: string): Promise<void> {
  const held = await tab.evaluate<boolean>(`(async () => {
    for (let k = 0; k < 100; k += 1) {
      if (${expression}) return true;
      await new Promise((go) => setTimeout(go, 50));
    }
    return false;
  })()`);
  assert.ok(held, expression);
}

/** A canvas as text, its pixels; and whether it is another than a blank one. */
const pixels = (selector: string) => `document.querySelector(${JSON.stringify(selector)}).toDataURL()`;
const isPainted = (selector: string) => `(() => {
  const canvas = document.querySelector(${JSON.stringify(selector)});
  if (!canvas) return false;
  const blank = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
  return canvas.toDataURL() !== blank.toDataURL();
})()`;

test(
  "plots are drawn, change with the way that is chosen by keyboard, and nothing is complained of",
  options,
  async () => {
    await withPage(pageOf(await reports.recorder!()), { height: 3000 }, async (tab) => {
      const card = '.channel[data-channel="0"]';
      for (const kind of ["histogram", "course", "spectrum"])
        await until(tab, isPainted(`${card} .${kind} canvas`));
      const error = `${card} .course .uplot:nth-child(2) canvas`;
      const before = await tab.evaluate<string>(pixels(error));
      const histogram = await tab.evaluate<string>(pixels(`${card} .histogram canvas`));
      await tab.evaluate("document.querySelector('select.way').focus()");
      const key = { key: "ArrowDown", code: "ArrowDown", windowsVirtualKeyCode: 40 };
      await tab.send("Input.dispatchKeyEvent", { type: "keyDown", ...key });
      await tab.send("Input.dispatchKeyEvent", { type: "keyUp", ...key });
      await until(tab, "document.querySelector('select.way').selectedIndex === 1");
      await until(tab, `document.querySelector('${card} .loss').textContent === "As int16: lossless."`);
      await until(tab, isPainted(error));
      assert.notEqual(await tab.evaluate(pixels(error)), before);
      assert.equal(await tab.evaluate(pixels(`${card} .histogram canvas`)), histogram);
      const labels = await tab.evaluate<string[]>(
        `[...document.querySelectorAll('${card} .u-wrap')].map((one) => one.getAttribute("role") + ": " + one.getAttribute("aria-label"))`,
      );
      assert.equal(labels.length, 4);
      for (const label of labels) assert.match(label, /^img: \S.{30}/);
      assert.match(labels[2]!, /Error of int16: none, every value comes back/);
      assert.deepEqual(tab.complaints, []);
      assert.equal(tab.requests.length, 1, "the page itself");
    });
  },
);

test("the page follows light and dark, and is never wider than its window", options, async () => {
  for (const make of [reports.scalars!, reports.tails!, reports.odd!]) {
    const path = pageOf(await make());
    for (const width of [360, 1400]) {
      await withPage(path, { width, height: 3000 }, async (tab) => {
        await until(tab, isPainted(".histogram canvas"));
        const light = await tab.evaluate<string>(pixels(".histogram canvas"));
        const features = [{ name: "prefers-color-scheme", value: "dark" }];
        await tab.send("Emulation.setEmulatedMedia", { features });
        await until(
          tab,
          `${isPainted(".histogram canvas")} && ${pixels(".histogram canvas")} !== ${JSON.stringify(light)}`,
        );
        assert.ok(
          await tab.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"),
        );
        const widths = await tab.evaluate<number[]>(
          "[...document.querySelectorAll('canvas')].map((one) => one.getBoundingClientRect().right)",
        );
        assert.ok(widths.every((right) => right <= width));
        assert.deepEqual(tab.complaints, []);
      });
    }
  }
});

test("channels without a card of their own are chosen from a box", options, async () => {
  const report = await reportOn({ "<i>wave</i>": recorderField(15, 128) }, 10);
  await withPage(pageOf(report), { height: 20_000 }, async (tab) => {
    await until(tab, isPainted('.channel[data-channel="12"] .course canvas'));
    assert.equal(await tab.evaluate("document.querySelector('h2').textContent"), "<i>wave</i>");
    const figures = "[...document.querySelectorAll('.channel')].at(-1).querySelector('dd').textContent";
    const before = await tab.evaluate(figures);
    await tab.evaluate(`(() => {
      const box = document.querySelector('.further select');
      box.selectedIndex = 2;
      box.dispatchEvent(new Event('change'));
    })()`);
    await until(tab, isPainted('.channel[data-channel="14"] .course canvas'));
    assert.equal(await tab.evaluate("[...document.querySelectorAll('h4')].at(-1).textContent"), "Channel 14");
    assert.notEqual(await tab.evaluate(figures), before);
    assert.deepEqual(tab.complaints, []);
  });
});

test("the browser refuses to load or run what is not the page's own", options, async () => {
  await withPage(pageOf(await reports.scalars!()), {}, async (tab) => {
    const refused = await tab.evaluate<string[]>(`new Promise((done) => {
      const seen = [];
      document.addEventListener("securitypolicyviolation", (event) => {
        seen.push(event.effectiveDirective);
        if (seen.length === 2) done(seen.sort());
      });
      document.body.append(Object.assign(new Image(), { src: "data:image/gif;base64,R0lGODlhAQABAAAAACw=" }));
      document.body.append(Object.assign(document.createElement("script"), { textContent: "globalThis.ran = 1" }));
    })`);
    assert.deepEqual(refused, ["img-src", "script-src-elem"]);
    assert.equal(await tab.evaluate("typeof ran"), "undefined");
  });
});
