// Simulated samples of twenty classes that overlap, class after class, as folders are listed: what order-matters.ts trains
// on. A class is three clouds of points, bent by a fixed random mapping so that no straight line separates it.
// Rule: deterministic; training and test samples come of the same clouds and have no sample in common.

export const classCount = 20;
export const featureCount = 32;

const cloudsPerClass = 2;
const hiddenCount = 24;
/** Spread of a cloud, against a distance of about 7 between two: about a third of the samples stay undecided. */
const spread = 1;

/** One sample, as `pack` takes it from an iterable. */
export type SimulatedSample = { features: Float32Array; label: number };

/** All samples of class 0, then all of class 1, and so on. */
export function* samplesByClass(perClass: number, seed: number): Generator<SimulatedSample> {
  const world = createNormal(1);
  const centres = Array.from({ length: classCount * cloudsPerClass * hiddenCount }, world);
  const mapping = Array.from({ length: hiddenCount * featureCount }, () => world() / Math.sqrt(hiddenCount));
  const normal = createNormal(seed);
  const point = new Float64Array(hiddenCount);
  for (let label = 0; label < classCount; label += 1) {
    for (let sample = 0; sample < perClass; sample += 1) {
      const cloud = label * cloudsPerClass + (sample % cloudsPerClass);
      for (let axis = 0; axis < hiddenCount; axis += 1)
        point[axis] = centres[cloud * hiddenCount + axis]! + spread * normal();
      const features = new Float32Array(featureCount);
      for (let feature = 0; feature < featureCount; feature += 1) {
        let sum = 0;
        for (let axis = 0; axis < hiddenCount; axis += 1)
          sum += point[axis]! * mapping[axis * featureCount + feature]!;
        features[feature] = Math.sin(sum) + 0.3 * sum;
      }
      yield { features, label };
    }
  }
}

/** Normal numbers, the same for a seed (mulberry32, Box-Muller). */
function createNormal(seed: number): () => number {
  const random = createRandom(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Numbers in [0, 1), the same for a seed. */
export function createRandom(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
