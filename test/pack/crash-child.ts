// A process of its own that packs, to be killed: says with a line where it stands, each time that it is told.

import fs from "node:fs";
import { packAs, type Way } from "./crash-ways.js";

const [way = "", source = "", target = ""] = process.argv.slice(2);
const say = () => fs.writeSync(1, ".\n");
await packAs(way as Way, source, target, { onNote: say, onProgress: say });
fs.writeSync(1, "done\n");
