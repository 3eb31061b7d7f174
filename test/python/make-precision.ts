// Writes simulated signals and what the analysis says of them, for python/tests/check_precision.py to go over with numpy:
//
//   node build/test/python/make-precision.js FOLDER
//
// NAME.f64 has the values (float64, samples of shape [512, 2]), NAME.json the report on them.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { choose } from "#spillway/precision/choose";
import { analyse } from "../precision/analyse.js";
import { Lot, printed, recorder, signalOf, wave } from "../precision/signals.js";

const [folder] = process.argv.slice(2);
if (!folder) throw new Error("Say where to: make-precision.js FOLDER");
mkdirSync(folder, { recursive: true });

const lot = new Lot(77);
const signals: Record<string, (time: number, channel: number) => number> = {
  noise: () => lot.normal(),
  waves: (time, channel) => 100 * wave(lot, time, channel),
  drift: (time) => time / 1000 + 0.05 * lot.normal(),
  spikes: () => lot.normal() * (lot.next() < 0.01 ? 50 : 1),
  "offset-1000": (time, channel) => 1000 + wave(lot, time, channel),
  pressure: () => 101_325 + 40 * lot.normal(),
  "constant-and-noise": (_, channel) => (channel === 0 ? 3.7 : lot.normal()),
  gaps: (time, channel) => (time % 500 < 9 ? Number.NaN : wave(lot, time, channel)),
  "recorder-8": recorder(lot, 8, 0.031, 1),
  "recorder-10": recorder(lot, 10, 5 / 1023),
  "recorder-12": recorder(lot, 12, 0.0048828125),
  "recorder-14": recorder(lot, 14, -0.00061, 2.5),
  "recorder-16": recorder(lot, 16, 10 / 65_536, -5),
  "recorder-24": recorder(lot, 24, 2.4 / (2 ** 23 - 1)),
  "csv-3-decimals": printed((time, channel) => 9 * wave(lot, time, channel), 3),
  "csv-6-decimals": printed((time, channel) => 9 * wave(lot, time, channel), 6),
};
for (const [name, value] of Object.entries(signals)) {
  const signal = signalOf("float64", [512, 2], 100, value);
  const report = analyse(signal);
  writeFileSync(join(folder, `${name}.f64`), signal.bytes);
  const { dtype, encoding, reason } = choose(report);
  const choice = { dtype, encoding, reason };
  writeFileSync(join(folder, `${name}.json`), JSON.stringify({ ...report, choice }, null, 1));
}
console.log(`${Object.keys(signals).length} signals in ${folder}`);
