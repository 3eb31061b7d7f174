import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { createProgram } from "#spillway/cli/program";
import { packed } from "../fixtures/packed.js";
import { main, spillway, spillwayJson } from "./run.js";

const commands = createProgram().commands.map((command) => command.name());

test("the help of every command begins with a sentence and has an example that names the command", async () => {
  assert.deepEqual(commands, [
    "pack",
    "index",
    "compact",
    "convert",
    "precision",
    "split",
    "statistics",
    "info",
    "show",
    "query",
    "annotate",
    "exclude",
    "include",
    "bench",
    "verify",
  ]);
  for (const name of commands) {
    const { code, stdout, stderr } = await spillway([name, "--help"]);
    assert.equal(code, 0, name);
    assert.equal(stderr, "");
    assert.match(stdout, /^[A-Z][a-z]+ [^\n]+\.\n/, name);
    assert.match(stdout, new RegExp(`\nExamples:\n {2}spillway ${name} `), name);
    for (const flag of ["--json", "--debug", "--help"]) assert.ok(stdout.includes(flag), `${name} ${flag}`);
    assert.equal((await spillway(["help", name])).stdout, stdout);
  }
});

test("every flag and argument of every command is explained", () => {
  for (const command of createProgram().commands) {
    for (const option of command.options) assert.ok(option.description, `${command.name()} ${option.flags}`);
    for (const argument of command.registeredArguments)
      assert.ok(argument.description, `${command.name()} ${argument.name()}`);
  }
});

test("the help of the program lists every command, and a bare call prints it as an error", async () => {
  const { code, stdout } = await spillway(["--help"]);
  assert.equal(code, 0);
  for (const name of commands) assert.ok(stdout.includes(`\n  ${name} <`), name);
  const bare = await spillway([]);
  assert.deepEqual([bare.code, bare.stdout, bare.stderr], [2, "", stdout]);
});

test("--version prints the version of the package", async () => {
  const { version } = JSON.parse(readFileSync(resolve(import.meta.dirname, "../../../package.json"), "utf8"));
  assert.deepEqual(await spillway(["--version"]), { code: 0, stdout: `${version}\n`, stderr: "" });
});

test("a misspelt command or flag exits with 2 and proposes the right one", async () => {
  const command = await spillway(["pak"]);
  assert.deepEqual(command, {
    code: 2,
    stdout: "",
    stderr: "error: unknown command 'pak' (Did you mean pack?) See: spillway --help.\n",
  });
  const flag = await spillway(["pack", "--laout", "source", "a", "b"]);
  assert.deepEqual(flag, {
    code: 2,
    stdout: "",
    stderr: "error: unknown option '--laout' (Did you mean --layout?) See: spillway pack --help.\n",
  });
});

const senseless: readonly (readonly [args: readonly string[], message: RegExp])[] = [
  [["pack", "a"], /missing required argument 'dataset'/],
  [["info", "a", "b"], /too many arguments/],
  [["pack", "a", "b", "--seed", "x"], /--seed "x" is not a whole number from 0 to 9007199254740991/],
  [["pack", "a", "b", "--jobs", "0"], /--jobs "0" is not a whole number from 1 to 1024/],
  [["pack", "a", "b", "--layout", "random"], /Allowed choices are shuffled, source/],
  [
    ["pack", "a", "b", "--size", "224"],
    /--size "224" is no size in pixels\. Write width and height like --size 224x224/,
  ],
  [["pack", "a", "b", "--channels", "4"], /Allowed choices are 1, 3/],
  [["split", "a", "train"], /"train" is no share\. Write a name and a part of 1: train=0\.8/],
  [["split", "a", "train=0.5", "train=0.5"], /split "train" is named twice/],
  [["split", "a", "train=100%", "val=200"], /some splits are given in percent and some as counts/],
  [["split", "a", "train=0.5", "--by", "part"], /shares and --by do not go together/],
  [["split", "a", "--by", "part", "--from", "x.csv"], /--by and --from do not go together/],
  [["split", "a", "train=0.5", "--allow-unmatched"], /--allow-unmatched is of a file, and --from names none/],
  [["split", "a", "train=0.5", "--check"], /shares and --check do not go together/],
  [["split", "a", "--check", "--seed", "3"], /--seed and --check do not go together/],
  [["split", "a", "--check", "--dry-run"], /--dry-run and --check do not go together/],
  [["split", "a", "--folds", "1"], /--folds "1" is not a whole number from 2 to 1000/],
];

test("a command line that makes no sense exits with 2 and says what to write", async () => {
  for (const [args, message] of senseless) {
    const { code, stdout, stderr } = await spillway(args);
    assert.equal(code, 2, args.join(" "));
    assert.equal(stdout, "");
    assert.match(stderr, message);
    assert.ok(!stderr.includes("    at "), "no stack");
  }
});

test("with --json an error is one JSON value on stdout, with its typed fields", async () => {
  const usage = await spillwayJson(["pak"]);
  assert.deepEqual(usage, {
    code: 2,
    value: {
      error: {
        code: "usage",
        what: "unknown command 'pak' (Did you mean pack?)",
        remedy: "See: spillway --help.",
        where: {},
      },
    },
  });
  for (const name of ["info", "verify"]) {
    const missing = await spillwayJson([name, "no-such-folder"]);
    assert.equal(missing.code, 1);
    assert.equal(missing.value.error.code, "missing");
    assert.deepEqual(missing.value.error.where, { path: "no-such-folder" });
  }
});

test("a stack is printed with --debug only", async () => {
  assert.equal(
    (await spillway(["info", "nowhere"])).stderr,
    "error: nowhere does not exist. Check the path.\n",
  );
  assert.match((await spillway(["info", "nowhere", "--debug"])).stderr, /SpillwayError: nowhere.*\n {4}at /);
  const { value } = await spillwayJson(["info", "nowhere", "--debug"]);
  assert.match(value.error.stack, /\n {4}at /);
});

test("a reader that goes away early is no error", async () => {
  const path = await packed({ count: 400, length: 4000 });
  const command = `"${process.execPath}" "${main}" show "${path}" 3 --json --values | head -1; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = await promisify(execFile)("bash", ["-c", command]);
  assert.equal(stdout, "{\n0\n");
  assert.equal(stderr, "");
});
