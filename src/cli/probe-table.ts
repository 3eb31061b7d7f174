// What a probe training found, in lines for people: each accuracy as a mark on one line, and what that says.

import type { ProbeReport } from "../probe/probe.js";
import { formatBytes } from "../store/byte-size.js";
import { formatCount, formatSeconds } from "./output.js";

const plotWidth = 41;
const mark = "o";

/** The accuracies on one scale, then a sentence for each type. */
export function describeProbe(report: ProbeReport): string[] {
  const { x, y, trainSamples, validationSamples, epochs, versions, verdicts, isCut, seconds } = report;
  const all = versions.flatMap(({ accuracies }) => accuracies);
  const head = `probe: a small model tells ${y} from ${x}, trained ${formatCount(epochs)} epochs on ${formatCount(trainSamples)} samples, tested on ${formatCount(validationSamples)}:`;
  if (all.length === 0)
    return [head, `  nothing was trained within the time limit (${formatSeconds(seconds)})`];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const nameWidth = Math.max(...versions.map(({ name }) => name.length));
  const sizes = versions.map(({ bytesPerSample }) => formatBytes(bytesPerSample));
  const sizeWidth = Math.max(...sizes.map((size) => size.length));
  const indent = " ".repeat(2 + nameWidth + 2 + sizeWidth + 2);
  const [left, right] = [percent(low), percent(high)];
  const scale = low === high ? left : left + right.padStart(plotWidth - left.length);
  return [
    head,
    `${indent}${scale}`,
    ...versions.map(({ name, accuracies }, k) => {
      const mean = accuracies.reduce((sum, value) => sum + value, 0) / Math.max(1, accuracies.length);
      const text = accuracies.length === 0 ? "not trained" : percent(mean);
      return `  ${name.padEnd(nameWidth)}  ${sizes[k]!.padStart(sizeWidth)}  ${lineOf(accuracies, low, high)}  ${text}`;
    }),
    ...verdicts.map(({ reason }) => `  ${reason}`),
    ...(isCut
      ? [`  The time limit came after ${formatSeconds(seconds)}: not all seeds were trained (--limit).`]
      : []),
  ];
}

/** A line with a mark for each accuracy; several in one place are their number. */
function lineOf(accuracies: readonly number[], low: number, high: number): string {
  const counts = new Array<number>(plotWidth).fill(0);
  for (const accuracy of accuracies) {
    const at = high === low ? 0 : Math.round(((accuracy - low) / (high - low)) * (plotWidth - 1));
    counts[at]! += 1;
  }
  return counts
    .map((count) => (count === 0 ? "·" : count === 1 ? mark : String(Math.min(9, count))))
    .join("");
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
