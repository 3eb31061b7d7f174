// A process of its own that packs samples of 16 KiB and tells the most memory that it held, in bytes.

import { pack, tensor } from "spillway";
import { unsynced } from "./stopped-disk.js";

const [target = "", mebibytes = "", layout = ""] = process.argv.slice(2);

async function* samples() {
  const data = new Float32Array(4096);
  for (let i = 0; i < Number(mebibytes) * 64; i += 1) {
    data[0] = i;
    yield { data };
  }
}

const fields = { data: tensor("float32", [4096]) };
await unsynced(() => pack(samples(), target, { fields, layout: layout as "source", memory: "32 MiB" }));
process.stdout.write(String(process.resourceUsage().maxRSS * 1024));
