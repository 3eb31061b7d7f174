import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SpillwayError } from "spillway";
import {
  createFolder,
  freeBytes,
  ioError,
  openFile,
  readFully,
  readSmallFile,
  replaceFile,
} from "#spillway/store/file";
import { temporaryFolder } from "../fixtures/packed.js";
import { openFileCount, refuses } from "../source/fixtures.js";

const folder = temporaryFolder();

test("a read fills its target from any place, blocking or not", async () => {
  const path = join(folder, "numbers");
  fs.writeFileSync(
    path,
    Uint8Array.from({ length: 100 }, (_, k) => k),
  );
  const file = openFile(path);
  try {
    assert.deepEqual([file.path, file.byteLength], [path, 100]);
    const shared = new Uint8Array(new SharedArrayBuffer(10));
    file.readSync(shared, 90);
    assert.deepEqual([...shared], [90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
    const other = new Uint8Array(3);
    await file.read(other, 5);
    assert.deepEqual([...other], [5, 6, 7]);
    file.readSync(new Uint8Array(), 1000);
  } finally {
    file.close();
  }
});

test("a read beyond the end throws with the path and the bytes that were wanted", async () => {
  const path = join(folder, "short");
  fs.writeFileSync(path, new Uint8Array(100));
  const file = openFile(path);
  const message = `${path} ends at byte 100, bytes 95 to 105 were expected. The file was cut short: restore it from where it was copied, or make it again.`;
  try {
    await refuses(() => file.readSync(new Uint8Array(10), 95), "io", message);
    await refuses(() => file.read(new Uint8Array(10), 95), "io", message);
    // Cut while it is open.
    fs.truncateSync(path, 50);
    await refuses(() => file.readSync(new Uint8Array(10), 45), "io", /ends at byte 50, bytes 45 to 55/);
    await refuses(() => file.read(new Uint8Array(10), 60), "io", /ends at or before byte 60, bytes 60 to 70/);
  } finally {
    file.close();
  }
});

test("reads that the system gives in pieces are put together", (t) => {
  const path = join(folder, "pieces");
  fs.writeFileSync(
    path,
    Uint8Array.from({ length: 100 }, (_, k) => k),
  );
  const { readSync } = fs;
  t.mock.method(fs, "readSync", (fd: number, target: Uint8Array, at: number, length: number, place: number) =>
    readSync(fd, target, at, Math.min(7, length), place),
  );
  const fd = fs.openSync(path, "r");
  const target = new Uint8Array(60);
  readFully(fd, target, 10, 50, 20, { pathOf: () => path });
  fs.closeSync(fd);
  assert.deepEqual(
    [...target.subarray(10)],
    Array.from({ length: 50 }, (_, k) => 20 + k),
  );
});

test("an error of a read names the file and the byte", () => {
  assert.throws(
    () => readFully(9999, new Uint8Array(4), 0, 4, 16, { pathOf: (file) => `file ${file}` }, 3),
    (error) =>
      error instanceof SpillwayError && /^file 3 cannot be read at byte 16: EBADF/.test(error.message),
  );
});

test("a small file is read whole, a larger one refused with its size", async () => {
  const path = join(folder, "small");
  fs.writeFileSync(path, "twelve bytes");
  assert.equal(Buffer.from(readSmallFile(path, 12)).toString(), "twelve bytes");
  await refuses(() => readSmallFile(path, 11), "corrupt", /has 12 bytes, at most 11 are accepted/);
  await refuses(() => readSmallFile(join(folder, "nowhere"), 11), "missing", /nowhere does not exist/);
});

test("replacing a file leaves the old one or the new one, whichever step fails, and no other", (t) => {
  const path = join(folder, "replaced/value.json");
  createFolder(join(folder, "replaced"));
  replaceFile(path, "old");
  const open = openFileCount();
  for (const step of ["openSync", "writeFileSync", "fsyncSync", "renameSync"] as const) {
    const mock = t.mock.method(fs, step, () => {
      throw Object.assign(new Error("full"), { code: "ENOSPC" });
    });
    assert.throws(
      () => replaceFile(path, "new"),
      (error) => error instanceof SpillwayError && error.code === "space",
    );
    mock.mock.restore();
    assert.equal(fs.readFileSync(path, "utf8"), "old");
    assert.deepEqual(fs.readdirSync(join(folder, "replaced")), ["value.json"]);
    assert.equal(openFileCount(), open);
  }
  replaceFile(path, new TextEncoder().encode("new"));
  assert.equal(fs.readFileSync(path, "utf8"), "new");
});

test("a replaced file is on the disk before it has its name, and its name before the call ends", (t) => {
  const steps: string[] = [];
  for (const step of ["fsyncSync", "renameSync"] as const) {
    const original = fs[step] as (...args: unknown[]) => unknown;
    t.mock.method(fs, step, (...args: unknown[]) => {
      steps.push(step);
      return original(...args);
    });
  }
  replaceFile(join(folder, "ordered"), "x");
  assert.deepEqual(steps, ["fsyncSync", "renameSync", "fsyncSync"]);
});

test("system errors are worded by what can be done about them", () => {
  const cause = (code: string) => Object.assign(new Error(`${code}: sorry`), { code });
  const cases: [string, string, RegExp][] = [
    ["ENOENT", "missing", /^p does not exist\. Check the path\.$/],
    ["ENOTDIR", "missing", /^p does not exist/],
    [
      "ENOSPC",
      "space",
      /^the disk is full \(ENOSPC\) at p\. Free some space, then run the same command again: it goes on where it stopped\.$/,
    ],
    ["EDQUOT", "space", /\(EDQUOT\)/],
    ["EFBIG", "space", /\(EFBIG\)/],
    ["EACCES", "io", /^p cannot be opened: permission denied \(EACCES\)\. Check who owns it/],
    ["EPERM", "io", /permission denied \(EPERM\)/],
    ["EROFS", "io", /permission denied \(EROFS\).*read-only/],
    ["EMFILE", "io", /too many open files \(EMFILE\)\. Raise the limit/],
    ["EIO", "io", /^p cannot be opened: EIO: sorry\. Check the disk/],
  ];
  for (const [code, ours, message] of cases) {
    const original = cause(code);
    const error = ioError(original, "p", "cannot be opened");
    assert.equal(error.code, ours);
    assert.match(error.message, message);
    assert.equal(error.cause, original);
    assert.equal(error.where.path, "p");
  }
  assert.match(ioError("odd", "p", "cannot be read").message, /^p cannot be read: odd/);
});

test("the space of a disk is told for paths that are not there yet", () => {
  assert.ok(freeBytes(folder) > 0);
  assert.ok(freeBytes(join(folder, "not/there/yet")) > 0);
});
