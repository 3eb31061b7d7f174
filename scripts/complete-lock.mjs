// Completes package-lock.json after `npm install` from a registry that has the packages of some platforms only: npm
// leaves out optional packages that it could not look at, and `npm ci` then refuses the file everywhere. Each missing
// one is added with its version and platform; npm checks its signature when it is installed for the first time.
// Run it after changing a dependency: node scripts/complete-lock.mjs

import { readFileSync, writeFileSync } from "node:fs";

const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
const systems = ["android", "darwin", "linux", "win32", "freebsd"];
const processors = ["arm64", "x64", "arm", "ia32"];
const added = [];
for (const [path, entry] of Object.entries(lock.packages)) {
  if (path === "") continue;
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const place = `node_modules/${name}`;
    if (lock.packages[place] || !/^\d/.test(version)) continue;
    const parts = name.split(/[/-]/);
    lock.packages[place] = {
      version,
      cpu: parts.filter((part) => processors.includes(part)),
      ...(entry.dev ? { dev: true } : {}),
      ...(parts.includes("musl") ? { libc: ["musl"] } : {}),
      optional: true,
      os: parts.filter((part) => systems.includes(part)),
    };
    added.push(name);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync("package-lock.json", `${JSON.stringify(lock, null, 2)}\n`);
console.log(added.length === 0 ? "Nothing was missing." : `Added ${added.join(", ")}.`);
