// Checks what no linter knows: documents are there, the lock file has no addresses, nothing names a machine's paths,
// no junk drawers, no focused tests.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

const problems = [];
for (const name of [
  "README.md",
  "ARCHITECTURE.md",
  "FORMAT.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "LICENSE",
]) {
  if (!existsSync(name)) problems.push(`${name} is missing`);
}
if (/"resolved":/.test(readFileSync("package-lock.json", "utf8"))) {
  problems.push(
    "package-lock.json records download addresses: set omit-lockfile-registry-resolved=true and install again",
  );
}
if (readFileSync("ARCHITECTURE.md", "utf8").split("\n").length > 150)
  problems.push("ARCHITECTURE.md has more than 150 lines");

const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  encoding: "utf8",
}).split("\n");
for (const path of tracked.filter((name) => name && existsSync(name))) {
  if (/(^|\/)(utils?|common|helpers?|constants|misc)\.(ts|js|mjs|py)$/.test(path))
    problems.push(`${path} is a junk drawer by name`);
  if (!/\.(ts|mjs|js|py|md|json|toml|yml|sh)$|^\.ci\//.test(path) || path === "package-lock.json") continue;
  readFileSync(path, "utf8")
    .split("\n")
    .forEach((line, k) => {
      const at = `${path}:${k + 1}`;
      if (/\b(it|test|describe)\.(only|todo)\b/.test(line)) problems.push(`${at} is focused or left to do`);
      if (/(^|[^A-Za-z0-9._-])\/(work|farm|home)\/[A-Za-z.]/.test(line) && path !== "scripts/check-text.mjs")
        problems.push(`${at} names a machine's path`);
      if (/\/\/ *(TODO|FIXME)/.test(line) && path !== "scripts/check-text.mjs")
        problems.push(`${at} has a note of something left to do`);
    });
}
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`${tracked.length - 1} files: documents, lock file, names and paths are in order.`);
