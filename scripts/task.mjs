// One entry for every npm script: installs what is missing, builds what changed, and runs the task. A fresh clone
// needs nothing but Node and npm; what is already done is not done again.

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
const [task = "build", ...args] = process.argv.slice(2);

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Spillway needs Node 20.19 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

/** Runs a program and stops here, with its exit code, if it fails. */
function run(program, programArgs, env = {}) {
  const done = spawnSync(program, programArgs, { stdio: "inherit", env: { ...process.env, ...env } });
  if (done.error) console.error(`${program}: ${done.error.message}`);
  if (done.status !== 0) process.exit(done.status ?? 1);
}

/** Runs a program that cleans up after itself: signals are handed on, and its end is waited for. */
function runToTheEnd(script, scriptArgs) {
  const child = spawn(process.execPath, [script, ...scriptArgs], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      // Ctrl-C in a terminal reaches the child by itself; once is enough.
      if (!(signal === "SIGINT" && process.stdin.isTTY)) child.kill(signal);
    });
  }
  child.on("exit", (code, signal) => process.exit(signal ? 1 : code));
}

/** Files below a folder with one of the endings, sorted. */
function files(folder, endings) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function digest(paths) {
  const hash = createHash("sha256").update(process.versions.node);
  for (const path of paths) hash.update(path).update(readFileSync(path));
  return hash.digest("hex");
}

/** Runs `work` unless the stamp says that it was done for the same inputs. */
function once(stamp, inputs, work) {
  const now = digest(inputs);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === now) return;
  work();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, now);
}

function install() {
  once("node_modules/.spillway-installed", ["package.json", "package-lock.json"], () => {
    console.error("Installing packages (once) ...");
    const npm = process.env.npm_execpath;
    const quiet = ["ci", "--no-fund", "--no-audit", "--loglevel=error"];
    if (npm) run(process.execPath, [npm, ...quiet]);
    else run("npm", quiet);
  });
}

// Shared memory is imported, and there is no run-time library, so that many threads can use one memory.
const kernelFlags =
  "-O3 --noAssert --runtime stub --importMemory --sharedMemory --initialMemory 1 --maximumMemory 65536 --enable simd --enable threads --use abort=".split(
    " ",
  );

function bin(name, ...rest) {
  return [process.execPath, [`node_modules/${name}`, ...rest]];
}

function build() {
  install();
  const kernels = files("src/kernels/wasm", [".ts"]);
  once("dist/.kernels-built", [...kernels, "scripts/task.mjs"], () => {
    run(
      ...bin(
        "assemblyscript/bin/asc.js",
        "src/kernels/wasm/index.ts",
        "-o",
        "dist/kernels/kernels.wasm",
        ...kernelFlags,
      ),
    );
  });
  const sources = files("src", [".ts"]).filter((path) => !kernels.includes(path));
  once("dist/.built", [...sources, "tsconfig.json", "tsconfig.page.json", "package-lock.json"], () => {
    clean("dist", [".js", ".d.ts", ".map"]);
    run(...bin("typescript/bin/tsc", "-p", "tsconfig.json"));
    run(...bin("typescript/bin/tsc", "-p", "tsconfig.page.json"));
    chmodSync("dist/cli/main.js", 0o755);
  });
}

function buildTools() {
  build();
  const tools = [...files("test", [".ts"]), ...files("bench", [".ts"]), ...files("examples", [".ts"])];
  once("build/.built", [...tools, "dist/.built", "tsconfig.tools.json"], () => {
    rmSync("build", { recursive: true, force: true });
    run(...bin("typescript/bin/tsc", "-p", "tsconfig.tools.json"));
  });
}

/** The pre-commit hook, where this is a clone that has none yet. */
function installHook() {
  const hook = ".git/hooks/pre-commit";
  if (!existsSync(".git") || !statSync(".git").isDirectory() || existsSync(hook)) return;
  mkdirSync(dirname(hook), { recursive: true });
  writeFileSync(hook, "#!/bin/sh\nexec scripts/pre-commit.sh\n");
  chmodSync(hook, 0o755);
}

function clean(folder, endings) {
  for (const path of files(folder, endings)) rmSync(path);
}

function test(filters) {
  const all = files("build/test", [".test.js"]);
  const chosen =
    filters.length === 0 ? all : all.filter((path) => filters.some((part) => path.includes(part)));
  if (chosen.length === 0) {
    console.error(`No test file matches ${filters.join(", ")}.`);
    process.exit(1);
  }
  run(process.execPath, ["--test", "--test-concurrency=2", ...chosen]);
}

/** The built program that the first argument names: one of those whose source says how it is called. */
function program(folder) {
  const isCalled = (name) =>
    readFileSync(`${folder}/${name}.ts`, "utf8").includes(`scripts/task.mjs ${task} ${name}`);
  const names = files(folder, [".ts"]).map((path) => basename(path, ".ts"));
  const [name = ""] = args;
  if (names.includes(name)) return `build/${folder}/${name}.js`;
  const asked = name === "" ? `Say which ${task} to run` : `There is no ${task} "${name}"`;
  console.error(`${asked}: ${names.filter(isCalled).join(", ")}.`);
  process.exit(2);
}

const tasks = {
  build: () => build(),
  tools: () => buildTools(),
  start: () => {
    buildTools();
    runToTheEnd("build/examples/gestures.js", args);
  },
  test: () => {
    buildTools();
    test(args);
  },
  check: () => {
    buildTools();
    installHook();
    run(...bin("@biomejs/biome/bin/biome", "check", "--error-on-warnings", "."));
    run(process.execPath, ["scripts/check-text.mjs"]);
  },
  docs: () => {
    buildTools();
    run(process.execPath, ["scripts/cli-reference.mjs"]);
    run(process.execPath, ["scripts/walk.mjs"]);
    run(process.execPath, ["build/examples/augmentation-plot.js"]);
  },
  example: () => {
    buildTools();
    runToTheEnd(program("examples"), args.slice(1));
  },
  bench: () => {
    buildTools();
    runToTheEnd(program("bench"), args.slice(1));
  },
};

if (!Object.hasOwn(tasks, task)) {
  console.error(`There is no task "${task}": use one of ${Object.keys(tasks).join(", ")}.`);
  process.exit(2);
}
tasks[task]();
