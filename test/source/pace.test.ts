import assert from "node:assert/strict";
import { test } from "node:test";
import { createPace } from "#spillway/source/pace";
import { readAhead } from "#spillway/source/read-ahead";
import { type Fields, tensor } from "#spillway/tensor/field";

function spin(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test("slow blocking reads give way to asynchronous ones, and are tried again later", async () => {
  const pace = createPace();
  const ways: string[] = [];
  for (let index = 0; index < 600; index++) {
    await pace(
      () => {
        ways.push("blocking");
        spin(2);
      },
      async () => {
        ways.push("asynchronous");
      },
    );
  }
  assert.equal(ways[0], "blocking");
  const asynchronous = ways.filter((way) => way === "asynchronous").length;
  assert.ok(asynchronous > 550, `${asynchronous} of 600`);
  assert.ok(ways.slice(2).includes("blocking"));
});

test("quick blocking reads leave timers their turn", async () => {
  const pace = createPace();
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const end = performance.now() + 200;
  while (performance.now() < end)
    await pace(
      () => undefined,
      async () => undefined,
    );
  clearInterval(timer);
  assert.ok(ticks >= 5, `${ticks} ticks in 200 ms`);
});

test("an error of either way reaches the caller", async () => {
  const pace = createPace();
  const failing = () => {
    throw new Error("unreadable");
  };
  await assert.rejects(() => pace(failing, async () => failing()), /unreadable/);
});

const fields: Fields = { data: tensor("uint8", [1000]) };

test("reads run ahead, but never into the sample that is in use", async () => {
  let inFlight = 0;
  let most = 0;
  const busy = new Set<Uint8Array>();
  const readInto = async (index: number, into: readonly Uint8Array[]) => {
    const [slot] = into;
    assert.ok(slot && !busy.has(slot));
    inFlight += 1;
    most = Math.max(most, inFlight);
    await new Promise((resolve) => setImmediate(resolve));
    slot.fill(index);
    inFlight -= 1;
    return { path: String(index) };
  };
  let expected = 5;
  for await (const { path, bytes } of readAhead(fields, 100, 5, readInto)) {
    busy.add(bytes[0]!);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(path, String(expected));
    assert.ok(bytes[0]!.every((byte) => byte === expected));
    busy.delete(bytes[0]!);
    expected += 1;
  }
  assert.equal(expected, 100);
  assert.ok(most > 4 && most <= 16, `${most} in flight`);
});

test("an error is thrown in its turn, and no read is left behind", async () => {
  let inFlight = 0;
  const readInto = async (index: number) => {
    inFlight += 1;
    await new Promise((resolve) => setTimeout(resolve, index % 3));
    inFlight -= 1;
    if (index === 7 || index === 9) throw new Error(`sample ${index} is broken`);
    return { path: "" };
  };
  let seen = 0;
  await assert.rejects(async () => {
    for await (const _ of readAhead(fields, 100, 0, readInto)) seen += 1;
  }, /sample 7 is broken/);
  assert.equal(seen, 7);
  assert.equal(inFlight, 0);
  for await (const _ of readAhead(fields, 100, 20, readInto)) break;
  assert.equal(inFlight, 0);
});
