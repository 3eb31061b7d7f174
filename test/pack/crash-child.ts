// A process of its own that packs, to be killed: says with a line where it stands, each time that it is told. It does not
// wait for the disk, which makes no difference to what is seen after a process is killed, and a large one to the time.

import fs from "node:fs";
import { SpillwayError } from "spillway";
import { ways } from "./crash-ways.js";
import { unsynced } from "./stopped-disk.js";

const [way = "", source = "", target = ""] = process.argv.slice(2);
const say = () => fs.writeSync(1, ".\n");
try {
  await unsynced(() => ways[way]!.run(source, target, { onNote: say, onProgress: say }));
} catch (error) {
  // Killed when all was done: there is nothing left to do.
  if (!(error instanceof SpillwayError && error.code === "exists")) throw error;
}
fs.writeSync(1, "done\n");
