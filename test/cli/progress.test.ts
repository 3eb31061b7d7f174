import assert from "node:assert/strict";
import { test } from "node:test";
import { createProgress, type ProgressOutput } from "#spillway/cli/progress";

/** An output that keeps what is written, and a clock that is set by hand. */
function fakeOutput(options: { isTTY: boolean; columns?: number }): {
  output: ProgressOutput;
  written: string[];
  setMs(ms: number): void;
} {
  const written: string[] = [];
  let now = 0;
  return {
    written,
    setMs(ms) {
      now = ms;
    },
    output: {
      write: (text) => void written.push(text),
      isTTY: options.isTTY,
      columns: options.columns ?? 120,
      nowMs: () => now,
      residentBytes: () => 64 * 2 ** 20,
    },
  };
}

/** Half of 100,000 samples of 1 kB in ten seconds. */
function runHalf(fake: ReturnType<typeof fakeOutput>): ReturnType<typeof createProgress> {
  const progress = createProgress(fake.output);
  for (let ms = 0; ms <= 10_000; ms += 50) {
    fake.setMs(ms);
    progress.update({ label: "Packing", samples: ms * 5, total: 100_000, bytes: ms * 5000 });
  }
  return progress;
}

test("on a terminal one line is redrawn, with bar, share, rates, time left and memory", () => {
  const fake = fakeOutput({ isTTY: true });
  runHalf(fake).end();
  assert.ok(fake.written.length <= 102 && fake.written.length > 50, `${fake.written.length} writes`);
  assert.equal(
    fake.written.at(-2),
    `\rPacking  ${"█".repeat(10)}${"░".repeat(10)}   50 %  50,000 of 100,000  5,000 samples/s  5.0 MB/s  ETA 0:10  RSS 64 MiB\x1b[K`,
  );
  assert.equal(fake.written.at(-1), "\n");
});

test("the line fits every terminal", () => {
  for (let columns = 20; columns <= 120; columns += 1) {
    const fake = fakeOutput({ isTTY: true, columns });
    runHalf(fake);
    for (const text of fake.written)
      assert.ok(text.replace("\r", "").replace("\x1b[K", "").length < columns, `${columns}: ${text}`);
  }
  const fake = fakeOutput({ isTTY: true, columns: 80 });
  runHalf(fake);
  assert.ok(fake.written.at(-1)!.includes("RSS 64 MiB"), "80 columns hold the memory too");
});

test("elsewhere a plain line comes every five seconds, and nothing else", () => {
  const fake = fakeOutput({ isTTY: false });
  runHalf(fake).end();
  assert.deepEqual(fake.written, [
    "Packing: 25 %, 25,000 of 100,000, 5,000 samples/s, 5.0 MB/s, ETA 0:15, RSS 64 MiB\n",
    "Packing: 50 %, 50,000 of 100,000, 5,000 samples/s, 5.0 MB/s, ETA 0:10, RSS 64 MiB\n",
  ]);
});

test("work that goes on after an interruption is timed from where it goes on", () => {
  const fake = fakeOutput({ isTTY: false });
  const progress = createProgress(fake.output);
  progress.update({ label: "Packing", samples: 90_000, total: 100_000, bytes: 0 });
  fake.setMs(5000);
  progress.update({ label: "Packing", samples: 95_000, total: 100_000, bytes: 5_000_000 });
  assert.deepEqual(fake.written, [
    "Packing: 95 %, 95,000 of 100,000, 1,000 samples/s, 1.0 MB/s, ETA 0:05, RSS 64 MiB\n",
  ]);
});
