import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { planRoom } from "#spillway/cli/precision-page-channels";
import { histogramOf, reducedBy, spectraOf, stepsOf, stretchOf } from "#spillway/cli/precision-page-plots";
import { meanPower, transform, wholeSegments } from "#spillway/cli/precision-page-spectrum";
import { channelValues } from "#spillway/precision/kept";
import { Lot } from "../precision/signals.js";
import { reports } from "./precision-reports.js";

const isNumber = (value: number) => value - value === 0;

test("a histogram holds each finite kept value once, whatever they are", () => {
  const step = fc.option(fc.double({ min: 1e-9, max: 10, noNaN: true }), { nil: null });
  const values = fc.oneof(
    fc.array(fc.double(), { maxLength: 60 }),
    fc.array(fc.integer({ min: -3, max: 3 }), { maxLength: 300 }),
  );
  fc.assert(
    fc.property(values, step, fc.integer({ min: 1, max: 64 }), (list, gap, bins) => {
      const own = Float64Array.from(list);
      const histogram = histogramOf({ values: own, length: 1 }, gap, bins);
      const finite = own.filter(isNumber).length;
      if (!histogram) {
        assert.equal(finite, 0);
        return;
      }
      assert.equal(
        histogram.counts.reduce((sum, one) => sum + one, 0),
        finite,
      );
      assert.ok(histogram.width > 0 && histogram.counts.length <= bins + 1);
    }),
    { numRuns: 500 },
  );
});

test("bins of a recorder's values are whole steps, so that none holds more levels than its neighbour", () => {
  const values = Float64Array.from({ length: 150 * 40 }, (_, k) => (k % 150) * 0.1);
  const { counts } = histogramOf({ values, length: 40 }, 0.1, 64)!;
  assert.ok(
    counts.slice(0, -1).every((count) => count === counts[0]),
    counts.join(),
  );
});

test("far spikes are gathered in the bins at the ends, and the histogram says so", () => {
  const lot = new Lot(1);
  const values = Float64Array.from({ length: 5000 }, (_, k) => (k % 1000 === 7 ? 1e6 : lot.normal()));
  const { counts, isCut, low, width } = histogramOf({ values, length: 100 }, null, 50)!;
  assert.ok(isCut && low > -10 && low + width * counts.length < 10);
  assert.ok(counts.at(-1)! >= 5);
});

test("the transform is that of its definition", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 16, maxLength: 16 }),
      (list) => {
        const [real, imaginary] = [Float64Array.from(list), new Float64Array(16)];
        transform(real, imaginary);
        for (let k = 0; k < 16; k += 1) {
          const angle = (n: number) => (-2 * Math.PI * k * n) / 16;
          assert.ok(Math.abs(real[k]! - list.reduce((sum, x, n) => sum + x * Math.cos(angle(n)), 0)) < 1e-12);
          assert.ok(
            Math.abs(imaginary[k]! - list.reduce((sum, x, n) => sum + x * Math.sin(angle(n)), 0)) < 1e-12,
          );
        }
      },
    ),
    { numRuns: 50 },
  );
});

test("the spectrum of a sine peaks at its frequency, and powers sum up to its mean square", () => {
  for (const peak of [5, 40, 100, 200]) {
    const sine = Float64Array.from(
      { length: 512 },
      (_, k) => 7 + 3 * Math.sin((2 * Math.PI * peak * k) / 512),
    );
    const powers = meanPower([sine, sine])!;
    assert.equal(powers.indexOf(Math.max(...powers)), peak);
    assert.ok(Math.abs(powers.reduce((sum, one) => sum + one, 0) - 4.5) < 1e-9);
    const spectra = spectraOf({ values: sine, length: 512 }, [], { deviation: Math.sqrt(4.5) }, 512)!;
    assert.ok(Math.abs(spectra.signal[peak]! - 10 * Math.log10(2 / 3)) < 0.06, `${spectra.signal[peak]}`);
  }
});

test("segments have no gap in them, and are as long as gaps allow", () => {
  const values = Float64Array.from({ length: 400 }, (_, k) => (k % 100 === 90 ? Number.NaN : k));
  const { starts, size } = wholeSegments(values, 200, { longest: 512, most: 16 });
  assert.equal(size, 64);
  for (const start of starts) {
    assert.ok(values.slice(start, start + size).every(isNumber));
    assert.equal(Math.floor(start / 200), Math.floor((start + size - 1) / 200), "within a stretch");
  }
  assert.deepEqual(wholeSegments(values.fill(Number.NaN), 200, { longest: 512, most: 16 }), {
    starts: [],
    size: 0,
  });
});

test("errors of a page are those of the report, which the coder measured", async () => {
  for (const make of [reports.recorder!, reports.tails!, reports.gaps!]) {
    const { fields } = await make();
    for (const { report, kept } of Object.values(fields)) {
      report.channels.forEach(({ candidates }, k) => {
        const values = channelValues(kept, k);
        for (const candidate of candidates) {
          if (candidate.outOfRange > 0) continue;
          const reduced = reducedBy(candidate, values);
          const errors = values.map((value, at) => reduced[at]! - value).filter(isNumber);
          const largest = errors.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
          const rms = Math.sqrt(errors.reduce((sum, one) => sum + one * one, 0) / values.length);
          assert.equal(largest, candidate.maxError, `${candidate.dtype} ${candidate.form}`);
          assert.ok(Math.abs(rms - candidate.rmsError) <= 1e-9 * rms);
        }
        const { values: shown, errors } = stretchOf({ values, length: kept.length }, candidates, 128);
        assert.equal(shown.counts.length, 128);
        candidates.forEach((candidate, way) => {
          if (candidate.outOfRange > 0) return;
          const error = errors[way];
          const most = error
            ? Math.max(...error.counts.map((one) => Math.abs(error.from + error.step * (one ?? 0))))
            : 0;
          assert.ok(most <= candidate.maxError * 1.01);
        });
      });
    }
  }
});

test("thinned numbers are off by half a step at most, and gaps stay gaps", () => {
  const number = fc.oneof(fc.double({ noDefaultInfinity: true }), fc.double({ min: -1e6, max: 1e6 }));
  fc.assert(
    fc.property(fc.array(number, { minLength: 1 }), (list) => {
      const { from, step, counts } = stepsOf(Float64Array.from(list), 2000);
      list.forEach((value, k) => {
        const count = counts[k]!;
        if (Number.isNaN(value)) assert.equal(count, null);
        else {
          // In eighths: differences of the largest numbers are no numbers.
          const off = Math.abs(from / 8 + (step / 8) * count - value / 8);
          assert.ok(off <= (step / 8) * 0.51 + (Math.abs(value) + Math.abs(from)) * 2 ** -52 + 2 ** -1070);
        }
      });
    }),
  );
});

test("the fewer the channels, the more of each is shown; every field has its share", () => {
  const few = planRoom([{ channels: 8, ways: 5 }], 1e6);
  assert.deepEqual([few.plotted, few.listed, few.detail.values], [[8], [8], 256]);
  const mixed = planRoom(
    [
      { channels: 4000, ways: 5 },
      { channels: 3, ways: 5 },
    ],
    1e6,
  );
  assert.equal(mixed.plotted[1], 3);
  assert.ok(mixed.plotted[0]! > 50 && mixed.plotted[0]! < mixed.listed[0]! && mixed.listed[0]! < 4000);
});
