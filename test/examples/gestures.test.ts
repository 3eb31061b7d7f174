import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createNpyWriter } from "../../examples/npy-file.js";
import { createGestures, gestureNames } from "../../examples/simulated-gestures.js";
import { temporaryFolder } from "../fixtures/packed.js";

const small = ["--size", "24MiB", "--memory", "40MiB"];

/** Runs the example as a program whose temporary folder is `folder`; `onText` sees all that it has written so far. */
function run(
  folder: string,
  flags: string[],
  onText: (text: string, child: ChildProcess) => void = () => {},
) {
  const child = spawn(process.execPath, ["build/examples/gestures.js", ...flags], {
    env: { ...process.env, TMPDIR: folder },
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data) => {
      text += data;
      onText(text, child);
    });
  }
  return new Promise<{ code: number | null; text: string }>((resolve) => {
    child.on("close", (code) => resolve({ code, text }));
  });
}

test("the main job ends with a trained network, says that the data is simulated, and leaves nothing behind", async () => {
  const folder = temporaryFolder();
  const { code, text } = await run(folder, [...small, "--epochs", "2"]);
  assert.equal(code, 0, text);
  assert.match(text, /1,536 simulated recordings of five arm gestures/);
  assert.match(text, new RegExp(`Folder: ${folder}/spillway-gestures-`));
  assert.match(text, /1 of 2 +\d\.\d{3} +\d\d\.\d % +\d\d\.\d % +[\d,]+\n/);
  assert.match(text, /whole process, at most/);
  assert.match(text, /npx spillway pack <folder> my-data/);
  assert.ok(!text.includes("\x1b"), "no control characters where the output is no terminal");
  assert.deepEqual(fs.readdirSync(folder), []);
});

test("--keep leaves the recordings and the packed dataset", async () => {
  const folder = temporaryFolder();
  const { code, text } = await run(folder, [...small, "--epochs", "1", "--keep"]);
  assert.equal(code, 0, text);
  const [kept] = fs.readdirSync(folder);
  assert.deepEqual(fs.readdirSync(join(folder, kept!)).sort(), ["gestures", "recordings"]);
  assert.deepEqual(fs.readdirSync(join(folder, kept!, "recordings")).sort(), [...gestureNames]);
});

for (const [signal, when, exitCode] of [
  ["SIGINT", "Folder:", 130],
  ["SIGTERM", "2 Pack", 143],
  ["SIGINT", "4 Train", 130],
] as const) {
  test(`${signal} after "${when}" removes the folder and ends with exit code ${exitCode}`, async () => {
    const folder = temporaryFolder();
    let isSent = false;
    const { code, text } = await run(folder, [...small, "--epochs", "1000"], (soFar, child) => {
      if (isSent || !soFar.includes(when)) return;
      isSent = true;
      child.kill(signal);
    });
    assert.equal(code, exitCode, text);
    assert.match(text, /Stopped by SIG/);
    assert.deepEqual(fs.readdirSync(folder), []);
  });
}

for (const [flags, message] of [
  [
    ["--size", "lots"],
    "--size lots is not an amount of at least 1 MiB. Write it as --size 400MiB or --size 2GB.",
  ],
  [["--size", "100MiB"], "a tenth of 100 MiB is 10 MiB, too little to train from. Use --size"],
  [["--size", "9000000G"], "free, the recordings and their packed copy need"],
  [["--speed", "9"], "Unknown option '--speed'"],
] as const) {
  test(`${flags.join(" ")} is refused in one sentence`, async () => {
    const folder = temporaryFolder();
    const { code, text } = await run(folder, [...flags]);
    assert.equal(code, 1);
    assert.ok(text.includes(message), text);
    assert.ok(!text.includes("    at "), "no stack");
    assert.deepEqual(fs.readdirSync(folder), []);
  });
}

test("a simulated recording depends on seed and number only", () => {
  const make = (seed: number, numbers: number[]) => {
    const simulate = createGestures(seed);
    return numbers.map((number) => {
      const into = new Float64Array(256 * 8);
      simulate(number, into);
      return into;
    });
  };
  const [first, second] = make(7, [3, 8]);
  assert.deepEqual(make(7, [8])[0], second);
  assert.deepEqual(make(7, [3])[0], first);
  assert.notDeepEqual(make(8, [3])[0], first);
  assert.ok(first!.every(Number.isFinite));
  assert.ok(
    first!.filter((_, at) => at % 8 >= 6).every((value) => value >= 0),
    "muscle envelopes are not negative",
  );
});

test("an .npy file has numpy's header and the numbers as they are", () => {
  const path = join(temporaryFolder(), "a.npy");
  const { values, write } = createNpyWriter([2, 3]);
  values.set([1, 2, 3, 4, 5, 6.5]);
  write(path);
  const file = fs.readFileSync(path);
  assert.equal(file.subarray(0, 8).toString("latin1"), "\x93NUMPY\x01\x00");
  const headerBytes = 10 + file.readUInt16LE(8);
  assert.equal(headerBytes % 64, 0);
  assert.match(
    file.subarray(10, headerBytes).toString("latin1"),
    /^\{'descr': '<f8', 'fortran_order': False, 'shape': \(2, 3\), \} *\n$/,
  );
  assert.equal(file.length, headerBytes + 48);
  assert.equal(file.readDoubleLE(headerBytes + 40), 6.5);
});
