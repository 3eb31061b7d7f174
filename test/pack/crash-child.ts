// A process of its own that packs, to be killed: says with a line where it stands, each time that it is told. It does not
// wait for the disk, which makes no difference to what is seen after a process is killed, and a large one to the time.

import fs from "node:fs";
import { packAs, type Way } from "./crash-ways.js";
import { unsynced } from "./stopped-disk.js";

const [way = "", source = "", target = ""] = process.argv.slice(2);
const say = () => fs.writeSync(1, ".\n");
await unsynced(() => packAs(way as Way, source, target, { onNote: say, onProgress: say }));
fs.writeSync(1, "done\n");
