import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { classes, pack, tensor } from "spillway";
import { temporaryFolder } from "../fixtures/packed.js";
import { spillway, spillwayJson } from "./run.js";

/** Two samples of two channels: a ramp, and one of 100 in each place. */
async function ramps(): Promise<string> {
  const path = join(temporaryFolder(), "ramps");
  const fields = { wave: tensor("float32", [64, 2], { channelAxis: 1 }), label: classes(["up", "flat"]) };
  const samples = [
    { wave: Float32Array.from({ length: 128 }, (_, k) => k), label: 0 },
    { wave: new Float32Array(128).fill(100), label: 1 },
  ];
  await pack(samples, path, { fields, memory: "16 MiB", layout: "source" });
  return path;
}

test("show --augment gives as many variants as asked for, the same for a seed", async () => {
  const path = await ramps();
  const show = (...more: string[]) =>
    spillwayJson(["show", path, "0", "--values", "--augment", "shift:steps=8:fill=wrap", ...more]);
  const [a, b, other] = [
    await show(),
    await show("--seed", "0", "--variants", "3"),
    await show("--seed", "1"),
  ];
  assert.equal(a.code, 0);
  assert.equal(a.value.variants.length, 3);
  assert.deepEqual(a.value, b.value);
  assert.notDeepEqual(a.value.variants, other.value.variants);
  const { values } = a.value.fields.wave;
  for (const { fields } of a.value.variants) {
    const by = fields.wave.values[0] / 2;
    assert.deepEqual(
      fields.wave.values,
      values.map((_: number, k: number) => values[(k + 2 * by) % 128]),
    );
    assert.ok(!("label" in fields), "what is not changed is not drawn again");
  }
});

test("show --augment draws the sample and then each variant", async () => {
  const path = await ramps();
  const { code, stdout } = await spillway([
    "show",
    path,
    "0",
    "--augment",
    "jitter,mixup:alpha=1",
    "--variants",
    "2",
  ]);
  assert.equal(code, 0);
  assert.match(stdout, /^sample 0 · label "up"/);
  const titles = stdout.match(/^variant.*$/gm)!;
  assert.equal(titles.length, 2);
  titles.forEach((title, k) => {
    const [, own, other] =
      /^variant (?:\d) \(as in epoch \d\): ([\d.]+) % of its own label, ([\d.]+) % of that of sample 1$/.exec(
        title,
      )!;
    assert.ok(title.startsWith(`variant ${k + 1} (as in epoch ${k})`));
    assert.ok(Math.abs(Number(own) + Number(other) - 100) < 0.11);
  });
  assert.equal(stdout.match(/^ch 0/gm)!.length, 3);
});

test("show refuses transforms and flags that do not make sense, with exit code 2", async () => {
  const path = await ramps();
  const cases: [string[], RegExp][] = [
    [["--augment", "jittr"], /there is no transform "jittr"\. Did you mean jitter\?/],
    [["--augment", "flip"], /flip: field "wave" is float32 \[64, 2\]\. flip takes an image/],
    [
      ["--augment", "jitter", "--variants", "0"],
      /--variants 0 is no whole number from 1 to 100\. Use --variants 3\./,
    ],
    [["--augment", "jitter", "--seed", "x"], /seed NaN is not a whole number/],
    [["--seed", "1"], /--seed says how to draw variants, and there is no --augment\./],
    [
      ["--augment", "jitter", "--out", "a.png"],
      /--out writes the sample as it is, and --augment draws variants/,
    ],
  ];
  for (const [flags, message] of cases) {
    const { code, stdout, stderr } = await spillway(["show", path, "0", ...flags]);
    assert.equal(code, 2, flags.join(" "));
    assert.equal(stdout, "");
    assert.match(stderr, message);
  }
});
