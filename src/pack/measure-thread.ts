// A measuring thread: takes slabs of samples, gives back what a pass has found. Started by URL with
// `workerData: MeasurerStart`.

import { parentPort, workerData } from "node:worker_threads";
import type { FromMeasurer, MeasurerStart, ToMeasurer } from "./measure-messages.js";
import { SlabMeasure } from "./measure-slab.js";

const { fields } = workerData as MeasurerStart;
let measure: SlabMeasure | undefined;

function reply(message: FromMeasurer): void {
  parentPort!.postMessage(message);
}

parentPort!.on("message", (message: ToMeasurer) => {
  if (message.type === "begin") measure = new SlabMeasure(fields, message.plans);
  else if (message.type === "slab") {
    measure!.add(message.bytes, message.samples, message.firstSample);
    reply({ type: "free", number: message.number });
  } else reply({ type: "parts", parts: measure!.parts() });
});
