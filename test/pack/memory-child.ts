// A process of its own that packs samples of 4 KiB and tells the most memory that it held, in bytes.

import { pack, tensor } from "spillway";
import { unsynced } from "./stopped-disk.js";

const [target = "", mebibytes = "", layout = ""] = process.argv.slice(2);

async function* samples() {
  const data = new Float32Array(1024);
  for (let i = 0; i < Number(mebibytes) * 256; i += 1) {
    data[0] = i;
    yield { data };
  }
}

const fields = { data: tensor("float32", [1024]) };
await unsynced(() => pack(samples(), target, { fields, layout: layout as "source", memory: "32 MiB" }));
process.stdout.write(String(process.resourceUsage().maxRSS * 1024));
