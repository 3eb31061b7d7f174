// The kernels: copying, hashing, conversion and decoding to float32, the order of a run, members of a class, measuring
// of values, augmentation, and gradients of convolutions, over addresses in one shared memory.
// AssemblyScript, compiled to WebAssembly with SIMD by `npm run build`. Nothing here allocates or has state: callers
// own the memory, so that many threads can run the same code on their own places of it.

export { xxh64Matches, xxh64Runs, xxh64Start, xxh64Update, xxh64Finish } from "./hash";
export {
  uint8ToFloat32,
  int8ToFloat32,
  uint16ToFloat32,
  int16ToFloat32,
  uint32ToFloat32,
  int32ToFloat32,
  uint64ToFloat32,
  int64ToFloat32,
  float16ToFloat32,
  float64ToFloat32,
} from "./convert";
export {
  uint8Decode,
  int8Decode,
  uint16Decode,
  int16Decode,
  uint32Decode,
  int32Decode,
  uint64Decode,
  int64Decode,
  float16Decode,
  float32Decode,
  float64Decode,
} from "./decode";
export { copyRun } from "./copy";
export { float32ToFloat16 } from "./half";
export { permuteRun, placesOf } from "./permute";
export { nextOfClass } from "./labels";
export { spreadFloat64, spreadPair } from "./spread";
export { measureRun, fitRun, tryFormula } from "./measure";
export { naturalLog, exponential, sineOfTurns, cosineOfTurns } from "./augment-maths";
export { addNormals, writeNormals } from "./augment-normals";
export { copyBox, fillBox, repeatElement, mirrorRows } from "./augment-boxes";
export { scaleChannels, writeCurveWeights, multiplyCurves, blend } from "./augment-values";
export { evenPlaces, warpedPlaces, takeSteps, takePixels } from "./augment-resample";
export {
  writeTurns,
  transform,
  conjugateAll,
  writeChirp,
  transformAny,
  clearFrequencies,
  loadPair,
  storePair,
  colourFrequencies,
  variance32,
  addScaled,
} from "./augment-spectrum";
export { meanOf, meanGrey, stretchValues, saturatePixels, turnHues } from "./augment-colour";
export { addFilterGradient, maxPoolGradient } from "./conv";
