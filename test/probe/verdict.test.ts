// What accuracies say: a type is accepted where another seed makes as much, and nothing is said of too few.

import assert from "node:assert/strict";
import { test } from "node:test";
import { judge } from "#spillway/probe/verdict";

const version = (name: string, accuracies: number[]) => ({ name, bytesPerSample: 1, accuracies });

test("a type is accepted while it costs no more than another seed does", () => {
  const original = version("as it is", [0.8, 0.84, 0.82]);
  const [same, near, far, better] = judge(
    original,
    [
      version("int16", [0.8, 0.84, 0.82]),
      version("float16", [0.79, 0.82, 0.8]),
      version("uint8", [0.6, 0.66, 0.62]),
      version("lucky", [0.9, 0.9, 0.9]),
    ],
    1000,
  );
  assert.deepEqual([same!.difference, same!.isAccepted], [0, true]);
  assert.ok(Math.abs(same!.spread - 0.04) < 1e-12);
  assert.deepEqual([near!.isAccepted, far!.isAccepted, better!.isAccepted], [true, false, true]);
  assert.equal(
    far!.reason,
    "uint8: 19.33 points less, more than the 4.00 points that another seed makes: it costs accuracy.",
  );
  assert.equal(
    near!.reason,
    "float16: 1.67 points less, where another seed alone makes 4.00 points: nothing is lost that training would notice.",
  );
});

test("one validation sample is the least spread, and the same seeds are compared", () => {
  const [one] = judge(version("as it is", [0.5, 0.5, 0.9]), [version("int16", [0.5, 0.49])], 100);
  assert.ok(Math.abs(one!.spread - 0.01) < 1e-12);
  assert.ok(Math.abs(one!.difference + 0.005) < 1e-12);
  assert.equal(one!.isAccepted, true);
});

test("nothing is said of fewer than two seeds", () => {
  const [one, none] = judge(version("as it is", [0.5]), [version("int16", [0.5]), version("uint8", [])], 100);
  assert.deepEqual(
    [one!.isAccepted, one!.reason, none!.isAccepted, none!.reason],
    [
      undefined,
      "int16: only one seed was trained within the time limit, which says nothing.",
      undefined,
      "uint8: no seed was trained within the time limit, which says nothing.",
    ],
  );
});
