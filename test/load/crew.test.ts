import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import { setImmediate, setTimeout } from "node:timers/promises";
import { SpillwayError } from "#spillway/errors";
import { Crew } from "#spillway/load/crew";
import type { MakingJob, ReaderJob } from "#spillway/load/messages";
import { ScriptedReader } from "../fixtures/scripted-reader.js";

const cores = availableParallelism();

function crewOf(count: number, isShort = () => true, refusedFrom = count) {
  const readers = Array.from({ length: count }, () => new ScriptedReader());
  for (const reader of readers.slice(refusedFrom)) reader.refusal = noThread;
  const failures: SpillwayError[] = [];
  const crew = new Crew(readers, {
    jobOf: (reader) => ({ type: "loop", reader }) as ReaderJob,
    isShort,
    onFailure: (error) => failures.push(error),
  });
  const working = () => readers.filter(({ log }) => log.some((line) => line.startsWith("job"))).length;
  return { readers, crew, failures, working };
}

const noThread = new SpillwayError("thread", "there are no more threads", { remedy: "Have some" });

const making = (trainer: number) => ({ type: "making", trainer }) as MakingJob;

test("as many readers start at once as there are cores; each that has started lets another one start", async () => {
  const { readers, working } = crewOf(cores + 3);
  assert.equal(working(), cores);
  await setImmediate();
  assert.equal(working(), cores, "none has started, so no other may");
  readers[cores - 1]!.setReady();
  await setImmediate();
  assert.equal(working(), cores + 1);
  for (const reader of readers) reader.setReady();
  await setImmediate();
  assert.deepEqual(
    readers.map(({ log }) => log),
    readers.map((_, number) => [`job ${number}`]),
  );
});

test("while the ring is full enough nobody starts; once it is short, the next one does", async () => {
  let isShort = false;
  const { readers, working } = crewOf(cores + 2, () => isShort);
  readers[0]!.setReady();
  await setTimeout(60);
  assert.equal(working(), cores);
  isShort = true;
  while (working() === cores) await setTimeout(5);
  assert.equal(working(), cores + 1);
});

test("once a reader has failed no other one starts", async () => {
  const { readers, working } = crewOf(cores + 2);
  readers[0]!.setReady();
  readers[0]!.end(noThread.toJSON());
  await setImmediate();
  assert.equal(working(), cores);
});

test("where the first thread cannot be started the crew has failed, and all readers are given back", async () => {
  const { readers, crew, failures } = crewOf(cores + 2, () => true, 0);
  assert.deepEqual(
    failures.map(({ message }) => message),
    [noThread.message],
  );
  assert.equal((await crew.failed()).message, noThread.message);
  await crew.ended();
  for (const { log } of readers) assert.deepEqual(log, ["given back"]);
});

test("where a later thread cannot be started the others go on without it, and that is said", async () => {
  const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
  const { readers, crew, failures, working } = crewOf(cores + 3, () => true, cores);
  readers[0]!.setReady();
  assert.match(
    String(await warned),
    /^SpillwayWarning: Reading goes on with \d+ readers?: there are no more threads\. Have some$/,
  );
  assert.equal(working(), cores);
  for (const { log } of readers.slice(cores)) assert.deepEqual(log, ["given back"]);
  assert.deepEqual(failures, []);
  for (const { end } of readers.slice(0, cores)) end(undefined);
  await crew.ended();
});

test("readers that started before are all set to work at once", async () => {
  const readers = Array.from({ length: cores + 5 }, () => new ScriptedReader());
  for (const reader of readers) reader.setReady();
  new Crew(readers, {
    jobOf: (reader) => ({ type: "loop", reader }) as ReaderJob,
    isShort: () => true,
    onFailure: assert.fail,
  });
  await setImmediate();
  for (const { log } of readers) assert.equal(log.length, 1);
});

test("those at work hear what is said; who starts late finds it in its job", async () => {
  const { readers, crew } = crewOf(cores + 1);
  const late = readers.at(-1)!;
  crew.tell(making(4));
  assert.deepEqual(late.log, []);
  readers[0]!.setReady();
  await setImmediate();
  crew.tell(making(5));
  assert.deepEqual(late.log, [`job ${cores}`, "making 5"]);
  assert.deepEqual(readers[0]!.log, ["job 0", "making 4", "making 5"]);
});

test("a crew that ends early gives back who was not set to work, and starts nobody after that", async () => {
  const { readers, crew, failures } = crewOf(cores + 2);
  const ended = crew.ended();
  readers[0]!.setReady();
  for (const { end } of readers.slice(0, cores)) end(undefined);
  await ended;
  await setImmediate();
  for (const { log } of readers.slice(cores)) assert.deepEqual(log, ["given back"]);
  assert.deepEqual(failures, []);
});

test("a reader that fails is told of at once, and is the crew's failure", async () => {
  const { readers, crew, failures } = crewOf(cores);
  const error = new SpillwayError("thread", "it died", { remedy: "start again" });
  readers[0]!.end(error.toJSON());
  assert.equal(failures[0]?.message, error.message);
  assert.equal((await crew.failed()).message, error.message);
});
