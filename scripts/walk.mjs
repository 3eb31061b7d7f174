// Writes the pages of docs/ that are what their commands print: runs the commands of a page's template, scripts/PAGE.md, in
// a temporary folder, and puts what they print behind them. `npm run docs` calls it. A line "$ command" in a block is run;
// a block that begins with "// name.mjs" is written to that file.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Pages that are made so. */
export const pages = ["one-folder", "fewer-bits", "augmentation"];

/** What an option may be. */
function valuesOf(option) {
  if (option.kind === "choice") return option.of.map((word) => `\`${word}\``).join(", ");
  if (option.kind === "range") return `[low, high] from ${option.min} to ${option.max}`;
  if (option.min === -option.max) return "any number";
  return `${option.isWhole ? "whole, " : ""}${option.min} to ${option.max}`;
}

/** A Markdown table of the transforms of a kind, with their options. */
async function tableOf(kind) {
  const { registry } = await import(pathToFileURL(join(root, "dist/augment/registry.js")).href);
  const rows = [...registry.values()]
    .filter((entry) => (entry.takes ?? entry.kind) === kind)
    .map(({ transform, summary }) => {
      const options = Object.entries(transform.table)
        .filter(([name]) => name !== "probability")
        .map(([name, option]) => {
          const otherwise = option.default === undefined ? "" : `; default ${JSON.stringify(option.default)}`;
          return `\`${name}\`: ${option.meaning} (${valuesOf(option)}${otherwise})`;
        });
      return `| \`${transform.name}\` | ${summary} | ${options.join("<br>")} |`;
    });
  return ["| transform | what it does | options |", "|---|---|---|", ...rows].join("\n");
}

/** What a command of the page runs. */
function programOf(command) {
  return command
    .replace(/^npx spillway /, `"${process.execPath}" "${join(root, "dist/cli/main.js")}" `)
    .replace(
      /^node scripts\/task\.mjs example one-folder /,
      `"${process.execPath}" "${join(root, "build/examples/one-folder.js")}" `,
    )
    .replace(/^node /, `"${process.execPath}" `);
}

/** Runs a page; gives its text with the output of every command. */
export async function walk(page) {
  const template = join(root, `scripts/${page}.md`);
  const folder = mkdtempSync(join(tmpdir(), "spillway-walk-"));
  try {
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(root, join(folder, "node_modules/spillway"));
    symlinkSync(join(root, "node_modules/@tensorflow"), join(folder, "node_modules/@tensorflow"));
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
    let text = readFileSync(template, "utf8");
    for (const [line, kind] of text.matchAll(/^TABLE (\w+)$/gm))
      text = text.replace(line, await tableOf(kind));
    return text.replace(/```(\w*)\n([\s\S]*?)```/g, (_, language, block) => {
      const [, name] = /^\/\/ (\S+\.mjs)\n/.exec(block) ?? [];
      if (name) writeFileSync(join(folder, name), block);
      return `\`\`\`${language}\n${name ? block : runBlock(block, folder)}\`\`\``;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runBlock(block, folder) {
  return block
    .trimEnd()
    .split("\n")
    .map((line) => (line.startsWith("$ ") ? `${line}\n${run(line.slice(2), folder)}` : `${line}\n`))
    .join("");
}

function run(command, folder) {
  const done = spawnSync("sh", ["-c", programOf(command)], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", COLUMNS: "110", NODE_NO_WARNINGS: "1" },
  });
  if (done.status !== 0) throw new Error(`${command}\n${done.stdout}${done.stderr}`);
  return done.stdout.replaceAll(folder, "~").replace(/\n*$/, "\n").replace(/^\n$/, "");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const page of pages) writeFileSync(join(root, `docs/${page}.md`), await walk(page));
}
