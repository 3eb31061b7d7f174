// A process that appends, in the cgroup that bench/append.ts made for it, and prints its samples, seconds and peak
// resident bytes:  node append-child.js DATASET WAY SAMPLES [FILE]

import { append } from "#spillway/pack/pack";
import { benchSamples } from "./append-samples.js";
import { peakBytes } from "./report.js";

const [path = "", layout = "", count = "", file = ""] = process.argv.slice(2);
const bare = peakBytes();
const start = performance.now();
const { added } = await append(file || benchSamples(Number(count)), path, { layout: layout as "source" });
const seconds = (performance.now() - start) / 1000;
console.log(JSON.stringify({ added, seconds, bareBytes: bare, peakBytes: peakBytes() }));
