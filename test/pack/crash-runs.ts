// What the tests of crashes have in common: a way of packing run to its end without disturbance, then killed or stopped,
// what that left held against the undisturbed dataset, and finished.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { open, SpillwayError } from "spillway";
import { hasState } from "#spillway/pack/state";
import { verifyDataset } from "#spillway/pack/verify";
import { readManifest } from "#spillway/source/manifest-file";
import { type WayOfPacking, ways } from "./crash-ways.js";
import { contentOf, seeded } from "./sources.js";
import { stopAt, unsynced } from "./stopped-disk.js";

export class CrashRuns {
  readonly name: string;
  readonly #way: WayOfPacking;
  readonly #folder: string;
  readonly #source: string;
  /** Every file of the undisturbed dataset. */
  readonly #content: Record<string, string>;
  /** Numbers of its samples by id. */
  readonly #order: readonly number[];
  /** Lines that the child says from beginning to end. */
  readonly lines: number;

  private constructor(
    name: string,
    folder: string,
    source: string,
    undisturbed: { content: Record<string, string>; order: readonly number[]; lines: number },
  ) {
    this.name = name;
    this.#way = ways[name]!;
    this.#folder = folder;
    this.#source = source;
    this.#content = undisturbed.content;
    this.#order = undisturbed.order;
    this.lines = undisturbed.lines;
  }

  /** Makes the raw data, and the dataset as it should become. */
  static async prepare(name: string, folder: string): Promise<CrashRuns> {
    const way = ways[name]!;
    const source = await way.source(join(folder, `source of ${name}`));
    await way.base?.(source, join(folder, `base of ${name}`));
    const path = join(folder, `undisturbed ${name}`);
    copyBase(name, folder, path);
    const { lines, killed } = await runChild(name, source, path, Number.POSITIVE_INFINITY, 0);
    assert.ok(!killed);
    const order = await orderOf(path);
    assert.deepEqual(
      [...order].sort((a, b) => a - b),
      Array.from({ length: way.count }, (_, k) => k),
    );
    return new CrashRuns(name, folder, source, { content: contentOf(path), order, lines });
  }

  /** A new place for the dataset, with what is there before. */
  begin(label: string): string {
    const path = join(this.#folder, `${label} ${this.name}`);
    copyBase(this.name, this.#folder, path);
    return path;
  }

  /** Runs it in a process that is killed after some lines and some time more; tells whether that was before its end. */
  async kill(path: string, killAfter: number, moreMs: number): Promise<boolean> {
    return (await runChild(this.name, this.#source, path, killAfter, moreMs)).killed;
  }

  /** Runs it on a disk that stops, see `stopAt`; gives the number of changes. */
  stop(path: string, at: number, isTorn: boolean): Promise<number> {
    return stopAt(at, isTorn, () => this.#way.run(this.#source, path, {}));
  }

  /** What a kill left: nothing that is committed, or whole commits. Gives the rows of these. */
  async checkLeft(path: string): Promise<number> {
    const { before } = this.#way;
    if (!fs.existsSync(join(path, "dataset.json"))) {
      assert.equal(before, 0);
      if (fs.existsSync(path))
        await assert.rejects(
          open(path),
          (error) => error instanceof SpillwayError && error.code === "missing",
        );
      return 0;
    }
    const manifest = readManifest(path)!;
    const rows = manifest.shards.reduce((sum, shard) => sum + shard.rows, 0);
    assert.equal(manifest.rows, rows);
    assert.deepEqual((await verifyDataset(path)).problems, []);
    for (const file of manifest.shards.flatMap((shard) => [shard.path, shard.sums.path]))
      assert.ok(fs.readFileSync(join(path, file)).toString("latin1") === this.#content[file], file);
    const size = before > 0 && manifest.packing ? before : rows;
    // Of a dataset that is packed again, ids are rows until it is whole.
    const isTold = manifest.packing === undefined || manifest.catalog.length > 0;
    if (size > 0 && isTold) assert.deepEqual(await orderOf(path), this.#order.slice(0, size));
    return rows;
  }

  /** Runs it to the end in this process: the same bytes as without disturbance. */
  async finish(path: string): Promise<void> {
    // Samples of a program that were added whole cannot be told from others: run again, they would be added again.
    const isAdded = this.#source === "" && this.#way.before > 0 && this.#isFinished(path);
    if (!isAdded) await this.#runToEnd(path);
    else
      for (const left of [".lock", ".packing"]) fs.rmSync(join(path, left), { recursive: true, force: true });
    const found = contentOf(path);
    assert.deepEqual(Object.keys(found), Object.keys(this.#content));
    for (const [file, bytes] of Object.entries(found))
      assert.ok(bytes === this.#content[file], `${file} differs`);
  }

  /** Kills it some times, each time where it goes on, and then runs it to the end: no commit is lost on the way. */
  async killOften(times: number, random: () => number): Promise<void> {
    const path = this.begin("often killed");
    let rows = 0;
    for (let attempt = 0; attempt < times; attempt += 1) {
      await this.kill(path, 1 + Math.floor(random() * (this.lines / 2)), random() * 3);
      const now = await this.checkLeft(path);
      assert.ok(now >= rows, "a commit was lost");
      rows = now;
    }
    await this.finish(path);
  }

  #isFinished(path: string): boolean {
    return readManifest(path)!.rows === this.#way.count && !hasState(path);
  }

  async #runToEnd(path: string): Promise<void> {
    try {
      const { rows } = await unsynced(() => this.#way.run(this.#source, path, {}));
      assert.equal(rows, this.#way.count);
    } catch (error) {
      // Killed at its very end: it was finished.
      if (!(error instanceof SpillwayError && error.code === "exists")) throw error;
    }
  }

  /** Stops it at changes of the disk from the first to the last, and goes on each time. */
  async stopEverywhere(): Promise<void> {
    const total = await this.stop(this.begin("counted"), Number.POSITIVE_INFINITY, false);
    const random = seeded(total);
    const [first, last, between] = [10, 8, 6];
    const tries = first + between + last;
    for (let number = 0; number < tries; number += 1) {
      // Every one at the beginning and the end; in between the same changes come again and again.
      let at = Math.floor(first + random() * (total - first - last));
      if (number < first) at = number;
      else if (number >= first + between) at = total - (tries - number);
      const path = this.begin(`stopped ${number}`);
      await this.stop(path, at, random() < 0.5);
      await this.checkLeft(path);
      await this.finish(path);
      fs.rmSync(path, { recursive: true });
    }
  }
}

function copyBase(name: string, folder: string, path: string): void {
  if (ways[name]!.base) fs.cpSync(join(folder, `base of ${name}`), path, { recursive: true });
}

function runChild(
  name: string,
  source: string,
  target: string,
  killAfter: number,
  moreMs: number,
): Promise<{ lines: number; killed: boolean }> {
  const script = join(import.meta.dirname, "crash-child.js");
  const child = spawn(process.execPath, [script, name, source, target], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let lines = 0;
  const kill = () => void child.kill("SIGKILL");
  if (killAfter === 0) child.once("spawn", () => setTimeout(kill, moreMs));
  child.stdout.on("data", (bytes: Buffer) => {
    const before = lines;
    lines += bytes.filter((byte) => byte === 10).length;
    if (before < killAfter && lines >= killAfter) setTimeout(kill, moreMs);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0 || signal === "SIGKILL") resolve({ lines, killed: signal === "SIGKILL" });
      else reject(new Error(`the child ended with ${code ?? signal}`));
    });
  });
}

/** Numbers of all samples in the order of their ids. */
async function orderOf(path: string): Promise<number[]> {
  const dataset = await open(path, { memory: "16 MiB" });
  const order: number[] = [];
  try {
    if (dataset.size === 0) return [];
    for await (const batch of dataset
      .view()
      .batches({ batchSize: 256, shuffle: false, readers: 1, deliver: "stored" })) {
      const [name, field] = Object.entries(batch.fields).find(([name]) => name !== "label")!;
      const length = field.data.length / batch.size;
      for (let k = 0; k < batch.size; k += 1) {
        const values = [...field.data.slice(k * length, (k + 1) * length)].map(Number);
        const number = name === "image" ? values[0]! + values[1]! * 256 : values[0]!;
        const rest = name === "image" ? number % 251 : number;
        assert.ok(
          values.slice(2).every((value) => value === rest),
          `sample ${number} is mixed`,
        );
        assert.equal(Number(batch.fields.label!.data[k]), number % (name === "image" ? 5 : 3));
        order.push(number);
      }
    }
  } finally {
    await dataset.close();
  }
  return order;
}
