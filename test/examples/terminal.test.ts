import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { wrapLine } from "../../examples/terminal.js";

const words = fc.array(fc.stringMatching(/^[a-z.,]{1,12}$/), { minLength: 1, maxLength: 40 });

test("a line is broken between words, indented as it was, and loses nothing", () => {
  fc.assert(
    fc.property(words, fc.nat(6), fc.integer({ min: 20, max: 60 }), (said, spaces, width) => {
      const indent = " ".repeat(spaces);
      const parts = wrapLine(indent + said.join(" "), width);
      for (const part of parts) {
        assert.ok(part.startsWith(indent));
        assert.ok(part.length <= width, part);
      }
      assert.deepEqual(
        parts.flatMap((part) => part.trim().split(" ")),
        said,
      );
    }),
  );
});

test("colours take no room, and a word that is too long stays whole", () => {
  assert.deepEqual(wrapLine("  \x1b[1mone\x1b[0m two three", 9), ["  \x1b[1mone\x1b[0m two", "  three"]);
  assert.deepEqual(wrapLine("  /a/very/long/path and more", 10), ["  /a/very/long/path", "  and more"]);
  assert.deepEqual(wrapLine("    ", 2), ["    "]);
});
