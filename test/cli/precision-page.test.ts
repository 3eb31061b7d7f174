import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";
import fc from "fast-check";
import { SpillwayError } from "spillway";
import { writePrecisionPage } from "#spillway/cli/precision-page";
import type { PageData } from "#spillway/cli/precision-page-data";
import { pageScript, plotLibrary } from "#spillway/cli/precision-page-script";
import { escapeHtml, formatFigure, html, jsonForScript } from "#spillway/cli/precision-page-text";
import { chosenWay, waysOf } from "#spillway/cli/precision-page-ways";
import { temporaryFolder } from "../fixtures/packed.js";
import { Lot, wave } from "../precision/signals.js";
import { noiseField, recorderField, reportOn, reports } from "./precision-reports.js";

const voids = new Set(["meta", "link", "br", "input", "rect", "!doctype"]);

/** Tags that are opened and closed in the wrong order; scripts and styles are passed over. */
function unbalanced(page: string): string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  const markup = page.replace(/(<(script|style)\b[^>]*>)[\s\S]*?<\/\2>/g, "$1</$2>");
  for (const [whole, slash, name] of markup.matchAll(/<(\/?)([a-z!][a-z0-9]*)\b[^>]*>/gi)) {
    if (voids.has(name!.toLowerCase())) continue;
    if (slash === "") open.push(name!);
    else if (open.pop() !== name) wrong.push(whole);
  }
  return [...wrong, ...open];
}

function dataOf(page: string): PageData {
  return JSON.parse(/<script type="application\/json" id="page-data">(.*?)<\/script>/s.exec(page)![1]!);
}

/** Whether something is in a page, without printing all of it where it is not. */
function has(page: string, what: RegExp): void {
  assert.ok(what.test(page), String(what));
}

function hasNot(page: string, what: RegExp): void {
  assert.ok(!what.test(page), String(what));
}

/** The page without what it runs and how it looks. */
function markupOf(page: string): string {
  return page.replace(/<(script|style)\b[^>]*>[\s\S]*?<\/\1>/g, "");
}

test("a page has every field and channel, balanced tags, and the choice with its reason", async () => {
  for (const [name, make] of Object.entries(reports)) {
    const report = await make();
    const page = writePrecisionPage(report);
    assert.deepEqual(unbalanced(page), [], name);
    const data = dataOf(page);
    assert.deepEqual(
      data.fields.map((field) => field.name),
      Object.keys(report.fields),
    );
    Object.values(report.fields).forEach((precision, k) => {
      const { channels, ways } = data.fields[k]!;
      assert.equal(channels.length, precision.report.channels.length);
      assert.ok(page.includes(escapeHtml(precision.auto.reason)));
      assert.ok(page.includes(escapeHtml(precision.lossy.reason)));
      for (const way of ways) assert.ok(markupOf(page).includes(`scope="row">${way}</th>`), way);
      assert.ok(channels.every(({ losses }) => losses.length === ways.length));
    });
    assert.equal(
      page.match(/<article class="channel"/g)!.length,
      data.fields.flatMap((f) => f.channels).length,
    );
  }
});

test("the page says what is chosen, how much smaller, and with --lossy", async () => {
  const text = markupOf(writePrecisionPage(await reports.recorder!()));
  has(text, /float64 → int16, lossless: 1\.88 MiB → 480 KiB, 4 times smaller\./);
  has(text, /With --lossy: float64 → uint8, lossy: 1\.88 MiB → 240 KiB, 8 times smaller\./);
  has(text, /measured on 30,720 values of each channel/);
  assert.ok(!/estimate (?!")|Estimate|class="estimate" role/.test(text));
});

test("an estimate is called one, above everything and beside each choice", async () => {
  const report = { ...(await reports.recorder!()), isEstimate: true, samples: 60, of: 6000 };
  const text = markupOf(writePrecisionPage(report));
  has(text, /An estimate: 60 of 6,000 samples were looked at\./);
  has(text, /Estimate: float64 → int16, lossless: 188 MiB → 46\.9 MiB/);
  has(text, /an estimate from the samples that were looked at/);
  hasNot(text, /every value was looked at/);
  const unknown = writePrecisionPage({ ...report, of: undefined });
  has(unknown, /60 of an unknown number of samples.*and bytes are of these alone/);
});

test("names and paths are text, whatever is in them", async () => {
  const report = await reports.scalars!();
  const page = writePrecisionPage({ ...report, path: `</script><img src=x onerror="alert(1)">'` });
  hasNot(page, /<script>alert|<img|onerror="/);
  has(page, /&lt;script&gt;alert\(1\)&lt;\/script&gt;/);
  has(page, /&lt;img src=x onerror=&quot;alert\(1\)&quot;&gt;&#39;/);
  assert.equal(page.match(/<script/g)!.length, 3);
  assert.equal(dataOf(page).fields[2]!.name, "<script>alert(1)</script>");
});

test("whatever is put into HTML or a script's JSON comes out as it was, and ends nothing", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."<>&\"'/!-script\u2028a") }), (text) => {
      const escaped = html`${text}`.text;
      assert.doesNotMatch(escaped, /[<>"']/);
      const json = jsonForScript({ text }).text;
      assert.doesNotMatch(json, /[<>\u2028]/);
      assert.deepEqual(JSON.parse(json), { text });
    }),
  );
});

test("nothing is loaded from anywhere, and only the page's own scripts and styles are allowed", async () => {
  const page = writePrecisionPage(await reports.gaps!());
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)![1]!.replaceAll("&#39;", "'");
  assert.match(
    policy,
    /^default-src 'none'; script-src 'sha256-\S+' 'sha256-\S+'; style-src 'sha256-\S+' 'sha256-\S+'; /,
  );
  assert.doesNotMatch(policy, /unsafe|http|\*/);
  const allowed = policy.match(/'sha256-[^']+'/g)!;
  const own = [...page.matchAll(/<(style|script|script type="module")>([\s\S]*?)<\/(?:style|script)>/g)];
  const hashes = own.map(([, , text]) => `'sha256-${createHash("sha256").update(text!).digest("base64")}'`);
  assert.deepEqual(hashes.sort(), allowed.sort());
  const withoutComments = page.replace(/\/\*[\s\S]*?\*\//g, "");
  hasNot(withoutComments, /https?:|url\(|@import|\bsrc=|href="(?!#)|style="|\bimport\(|^(?:im|ex)port /m);
  // The licence of what is copied into it.
  has(page, /Permission is hereby granted/);
});

test("a page stays below 1.5 MB with thousands of channels, or of fields", { timeout: 120_000 }, async () => {
  const lot = new Lot(4);
  const many = await reportOn(
    { wave: { shape: [40, 3000], value: (time, channel) => wave(lot, time, channel % 40) } },
    6,
  );
  const page = writePrecisionPage(many);
  assert.ok(page.length < 1.5e6, `${page.length}`);
  const { channels } = dataOf(page).fields[0]!;
  assert.ok(channels.length >= 500 && channels.filter(({ stretch }) => stretch).length >= 50);
  assert.equal(channels.at(-1)!.note, "There is no room for its plots in this page.");
  has(
    page,
    new RegExp(`Of 3,000 channels the first ${channels.length} are in this page; --json has all of them`),
  );
  assert.equal(page.match(/<article class="channel"/g)!.length, 12);

  const [precision] = Object.values((await reportOn({ wave: recorderField(30, 256) }, 6)).fields);
  const fields = Object.fromEntries(Array.from({ length: 400 }, (_, k) => [`field ${k}`, precision!]));
  const wide = writePrecisionPage({ ...many, fields });
  assert.ok(wide.length < 1.5e6, `${wide.length}`);
  has(wide, /The first 48 fields follow in detail; --json has all of them\./);
  assert.ok(dataOf(wide).fields.every((field) => field.channels.some(({ stretch }) => stretch)));
});

test("the page's script is whole without its imports", () => {
  const script = pageScript();
  assert.doesNotThrow(() => new Script(script));
  hasNot(script, /^(?:import|export)\b|sourceMappingURL/m);
});

test("a page about nothing says so", async () => {
  const empty = { ...(await reports.scalars!()), fields: {} };
  has(writePrecisionPage(empty), /It has no tensor fields: there is nothing to measure\./);
});

test("the way that is marked is the one that is chosen, uint16 and int8 included", async () => {
  const lot = new Lot(6);
  const { fields } = await reportOn({
    counts: { shape: [64], value: () => 40_000 + lot.below(20_000) },
    signed: { shape: [64], value: () => lot.below(200) - 100 },
    noise: noiseField(64),
  });
  const marked = Object.values(fields).map((precision) => {
    const ways = waysOf(precision);
    return [precision.auto.dtype, ways[chosenWay(ways, precision.auto)]!.label];
  });
  assert.deepEqual(marked, [
    ["uint16", "int16"],
    ["int8", "uint8"],
    ["float64", "float64"],
  ]);
  const ways = waysOf(fields.noise!);
  assert.equal(ways.find(({ label }) => label === "float16")!.claim, "none", "beyond 65,504");
});

test("numbers are written for people", () => {
  const written = [
    0,
    -3,
    101_325,
    0.00123456,
    1.19e-7,
    -2.5e12,
    1e9,
    Number.NaN,
    null,
    Number.POSITIVE_INFINITY,
  ];
  assert.deepEqual(
    written.map((one) => formatFigure(one)),
    ["0", "−3", "101,325", "0.001235", "1.19 × 10⁻⁷", "−2.5 × 10¹²", "1 × 10⁹", "none", "none", "∞"],
  );
});

test("without uPlot the page is refused, with what to do", () => {
  const from = pathToFileURL(join(temporaryFolder(), "nothing.js"));
  assert.throws(
    () => plotLibrary(from),
    (error) =>
      error instanceof SpillwayError &&
      error.code === "missing" &&
      error.message ===
        "uPlot, which draws the plots of the report, is not installed. Install Spillway's packages again: npm install. Without --html no plots are needed.",
  );
});
