// TensorFlow.js: what a user imports from "spillway/tfjs". The end of the data's path: batches become tensors, tensors
// train a model. TensorFlow.js is the user's own package and is loaded on first use; nothing else here needs it.
// Rule: no tensor outlives its batch, and no tensor looks into the ring.
//
//   const tf = await useWasm();
//   const model = tf.sequential({ layers: [...] });
//   model.compile({ optimizer: "adam", loss: "sparseCategoricalCrossentropy", metrics: ["accuracy"] });
//   await fit(model, train, { x: "wave", y: "label", batchSize: 64, epochs: 10, validation: val });

export { type TensorFlow, useWasm } from "./tfjs-backend.js";
export { type TfDataOptions, tfData } from "./tfjs-data.js";
export {
  type BatchReport,
  type EpochReport,
  type EpochSource,
  type EvaluateOptions,
  evaluate,
  type FitOptions,
  fit,
  type Score,
  type TrainerFitOptions,
} from "./tfjs-fit.js";
export { fieldTensor, type TensorOptions, tensors } from "./tfjs-tensors.js";
