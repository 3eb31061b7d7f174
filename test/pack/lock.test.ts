// One packer at a time: others are told who holds the lock, and locks of the dead are taken over.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pack, SpillwayError } from "spillway";
import { takeLock } from "#spillway/pack/lock";
import { verifyDataset } from "#spillway/pack/verify";
import { newPath } from "../fixtures/new-path.js";
import { refuses } from "../source/fixtures.js";
import { contentOf, npyFolder, stream } from "./sources.js";

const npy = npyFolder(newPath("npy"), 60, 64);

test("a second packer is told the process that has the lock", async () => {
  const path = newPath();
  const script = `
    import { takeLock } from "#spillway/pack/lock";
    takeLock(process.argv[1]);
    console.log("locked");
    setInterval(() => {}, 1000);`;
  fs.mkdirSync(path);
  const holder = spawn(process.execPath, ["--input-type=module", "-e", script, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await new Promise((resolve) => holder.stdout.once("data", resolve));
    await refuses(
      () => pack(npy, path),
      "locked",
      `${path} is being written by process ${holder.pid}. Wait until it has finished, or end it; if it no longer runs, remove ${join(path, ".lock")}.`,
    );
  } finally {
    holder.kill("SIGKILL");
    await new Promise((resolve) => holder.once("close", resolve));
  }
  // Now it has ended: the same lock is taken over.
  const notes: string[] = [];
  assert.equal((await pack(npy, path, { onNote: (note) => notes.push(note) })).rows, 60);
  assert.ok(
    notes.includes(`Took over the lock of process ${holder.pid}, which has ended.`),
    notes.join("\n"),
  );
});

test("of two packers at once in one process one is refused", async () => {
  const path = newPath();
  const results = await Promise.allSettled([pack(npy, path), pack(npy, path)]);
  const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
  assert.deepEqual(
    refused.map(({ code }) => code),
    ["locked"],
  );
  assert.deepEqual((await verifyDataset(path)).problems, []);
});

test("a packer that waited for nothing but the lock does not pack over what was finished meanwhile", async () => {
  const path = newPath();
  const finished = newPath();
  await pack(npy, finished);
  // The target is filled while the source is being looked at: after the first look at the target, before the lock.
  const samples = {
    [Symbol.asyncIterator]: () => {
      fs.cpSync(finished, path, { recursive: true });
      return stream(10);
    },
  };
  await refuses(() => pack(samples, path), "exists", /holds a dataset already/);
  assert.deepEqual(contentOf(path), contentOf(finished));
});

test("locks of the dead are taken over: another boot, no such process, a process that started later", async () => {
  const path = newPath();
  fs.mkdirSync(path);
  const lock = takeLock(path);
  const own = JSON.parse(fs.readFileSync(join(path, ".lock"), "utf8"));
  lock.release();
  assert.deepEqual(fs.readdirSync(path), []);
  const { pid: dead } = spawnSync(process.execPath, ["--version"]);
  for (const holder of [{ ...own, boot: "another" }, { ...own, pid: dead }, { ...own, started: "1" }, "{"]) {
    // Where the system does not tell when a process started, a number that is in use again cannot be told.
    if (own.started === "" && holder.started === "1") continue;
    fs.writeFileSync(join(path, ".lock"), typeof holder === "string" ? holder : JSON.stringify(holder));
    const taken = takeLock(path);
    assert.equal(
      taken.takenOverFrom,
      typeof holder === "string" ? "a damaged lock file" : `process ${holder.pid}, which has ended`,
    );
    taken.release();
    assert.deepEqual(fs.readdirSync(path), []);
  }
  for (const holder of [own, { ...own, host: "elsewhere", boot: "another" }]) {
    fs.writeFileSync(join(path, ".lock"), JSON.stringify(holder));
    assert.throws(
      () => takeLock(path),
      (error) => error instanceof SpillwayError && error.code === "locked",
    );
    assert.deepEqual(fs.readdirSync(path), [".lock"]);
  }
});

test("releasing a lock leaves one that another process took over meanwhile", () => {
  const path = newPath();
  fs.mkdirSync(path);
  const lock = takeLock(path);
  const other = JSON.stringify({
    ...JSON.parse(fs.readFileSync(join(path, ".lock"), "utf8")),
    token: "other",
  });
  fs.writeFileSync(join(path, ".lock"), other);
  lock.release();
  assert.equal(fs.readFileSync(join(path, ".lock"), "utf8"), other);
});

test("a disk without hard links has its locks all the same", (t) => {
  const path = newPath();
  fs.mkdirSync(path);
  t.mock.method(fs, "linkSync", () => {
    throw Object.assign(new Error("no links"), { code: "EPERM" });
  });
  const lock = takeLock(path);
  assert.throws(() => takeLock(path), /is being written by process/);
  lock.release();
  assert.deepEqual(fs.readdirSync(path), []);
});
