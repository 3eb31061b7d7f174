import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseReading, type ReadingFacts } from "#spillway/load/choose-reading";

const gibi = 2 ** 30;
const facts: ReadingFacts = {
  rows: 1000,
  pinnedRows: 100,
  readRows: 1000,
  dataBytes: 10 * gibi,
  freeBytes: 4 * gibi,
  refusal: undefined,
};

test("what fits in the memory given is pinned, and read directly the first time if free memory cannot hold it", () => {
  const reason = "All samples (10 GiB) fit in the memory given: each is read from the disk once.";
  const all = { ...facts, pinnedRows: 1000 };
  assert.deepEqual(chooseReading(all), { way: "pinned", reason, isDirect: true });
  assert.deepEqual(chooseReading({ ...all, freeBytes: 12 * gibi }), {
    way: "pinned",
    reason,
    isDirect: false,
  });
  assert.deepEqual(chooseReading({ ...all, refusal: "it is so" }), {
    way: "pinned",
    reason,
    isDirect: false,
  });
});

test("what is not pinned is left to the page cache where nine tenths of the free memory hold it", () => {
  assert.deepEqual(chooseReading({ ...facts, freeBytes: 10 * gibi }), {
    way: "page cache",
    reason:
      "10.0 % of 10 GiB of samples are pinned in the memory given; 10 GiB of memory are free besides, in which the page cache can hold the others.",
    isDirect: false,
  });
  assert.equal(chooseReading({ ...facts, freeBytes: 9.9 * gibi }).way, "direct");
});

test("what fits nowhere is read directly, or else through the page cache for a reason", () => {
  assert.deepEqual(chooseReading({ ...facts, pinnedRows: 0 }), {
    way: "direct",
    reason:
      "None of the 10 GiB of samples is pinned; 4 GiB of memory are free besides, too little for the page cache to hold them: they are read directly from the disk.",
    isDirect: true,
  });
  assert.deepEqual(chooseReading({ ...facts, refusal: "the disk refuses direct reads" }), {
    way: "buffered",
    reason:
      "10.0 % of 10 GiB of samples are pinned in the memory given; 4 GiB of memory are free besides, too little for the page cache to hold the others, and they are read through it because the disk refuses direct reads.",
    isDirect: false,
  });
});

test("of a view, what is read must fit, however large all is", () => {
  const view = { ...facts, readRows: 300 };
  assert.deepEqual(chooseReading(view), {
    way: "page cache",
    reason:
      "10.0 % of 3 GiB of samples, of 10 GiB in all, are pinned in the memory given; 4 GiB of memory are free besides, in which the page cache can hold the others.",
    isDirect: false,
  });
  assert.deepEqual(chooseReading({ ...view, pinnedRows: 0, freeBytes: 3 * gibi }), {
    way: "direct",
    reason:
      "None of the 3 GiB of samples, of 10 GiB in all, is pinned; 3 GiB of memory are free besides, too little for the page cache to hold them: they are read directly from the disk.",
    isDirect: true,
  });
});
