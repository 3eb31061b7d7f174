// Gets what the rivals of rivals.ts need: PyTorch and Hugging Face datasets by pip in a virtual environment, Lance by npm
// in a folder of its own. What is there from an earlier run is taken as it is.
// Rule: what cannot be had is said aloud and left out; it never stops the others.

import fs from "node:fs";
import { join } from "node:path";
import { runProgram } from "./programs.js";

export interface Tools {
  /** The virtual environment's Python, undefined where there is none. */
  python: string | undefined;
  /** Python packages that work there, name to version. */
  packages: Record<string, string>;
  /** Folder with Lance in its node_modules, and its version. */
  lanceFolder: string;
  lance: string | undefined;
}

/** @param folder where it is put, or lies from an earlier run */
export async function findTools(folder: string): Promise<Tools> {
  fs.mkdirSync(folder, { recursive: true });
  const python = await findPython(join(folder, "venv"));
  const packages: Record<string, string> = {};
  if (python) {
    for (const name of ["torch", "datasets"]) {
      const version = await findPackage(python, name);
      if (version !== undefined) packages[name] = version;
    }
  }
  const lanceFolder = join(folder, "lance");
  return { python, packages, lanceFolder, lance: await findLance(lanceFolder) };
}

async function findPython(venv: string): Promise<string | undefined> {
  const python = join(venv, "bin/python");
  return attempt("Python with a virtual environment", async () => {
    if (!fs.existsSync(python)) await runProgram("python3", ["-m", "venv", venv]);
    return python;
  });
}

function findPackage(python: string, name: string): Promise<string | undefined> {
  const ask = async () => {
    const { stdout } = await runProgram(python, ["-c", `import ${name}; print(${name}.__version__)`]);
    return stdout.trim();
  };
  return attempt(name, async () => {
    try {
      return await ask();
    } catch {
      console.log(`Installing ${name} by pip ...`);
      await runProgram(python, ["-m", "pip", "install", "--quiet", "numpy", name]);
      return ask();
    }
  });
}

function findLance(folder: string): Promise<string | undefined> {
  return attempt("Lance", async () => {
    const manifest = join(folder, "node_modules/@lancedb/lancedb/package.json");
    if (!fs.existsSync(manifest)) {
      fs.mkdirSync(folder, { recursive: true });
      fs.writeFileSync(join(folder, "package.json"), "{}");
      console.log("Installing @lancedb/lancedb by npm ...");
      const args = ["install", "--no-save", "--no-fund", "--no-audit", "--prefix", folder];
      await runProgram("npm", [...args, "@lancedb/lancedb"]);
    }
    return JSON.parse(fs.readFileSync(manifest, "utf8")).version as string;
  });
}

async function attempt<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    console.log(`LEFT OUT: ${what} is not to be had here: ${(error as Error).message.slice(-400)}`);
    return undefined;
  }
}
