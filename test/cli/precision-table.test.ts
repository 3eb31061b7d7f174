import assert from "node:assert/strict";
import { test } from "node:test";
import { describePrecision } from "#spillway/cli/precision-table";
import { reportOn } from "./precision-reports.js";

/** Four channels of a recorder with a step of 1/1024, and one value that is none in the second field. */
const report = await reportOn({
  wave: {
    shape: [64, 4],
    value: (time, channel, sample) => ((time * 7 + channel + sample * 13) % 997) / 1024,
  },
  gap: { shape: [64], value: (time) => (time === 67 ? Number.NaN : time) },
});

test("a terminal of 80 columns breaks no line of the tables, and sentences between words", () => {
  const of = { ...report, fields: { wave: report.fields.wave! } };
  const lines = describePrecision(of, 80).slice(1);
  assert.deepEqual(
    lines.filter((line) => line.length > 80),
    [],
  );
  const text = (columns?: number) => describePrecision(of, columns).join(" ").replace(/ +/g, " ");
  assert.equal(text(80), text());
  assert.ok(describePrecision(of, 80).length > describePrecision(of).length);
});

test("columns in which nothing stands are left out, field by field, and steps are told as fractions", () => {
  const text = describePrecision(report).join("\n");
  const [wave, gap] = [text.slice(0, text.indexOf("gap:")), text.slice(text.indexOf("gap:"))];
  assert.doesNotMatch(wave, /NaN, Inf/);
  assert.match(gap, /NaN, Inf\n.* 1$/m);
  assert.match(wave, /^ {8}0 .* 1\/1024 /m);
});
