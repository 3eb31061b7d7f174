// Simulated recordings of five arm gestures by a body-worn sensor: 256 steps at 100 Hz of 8 channels, which are 3 of an
// accelerometer (g), 3 of a gyroscope (rad/s) and 2 envelopes of muscle activity (mV). No person was recorded.
// Rule: deterministic; sample i of a seed is the same whatever was made before it.

/** Classes, one sub-folder each. */
export const gestureNames = ["circle", "punch", "raise", "shake", "wave"] as const;

export const stepCount = 256;
export const channelCount = 8;

/** The motion at a phase 0..1 of the gesture: acceleration along, rotation about and effort of (x, y, z, x, y, z, 2 muscles). */
type Motion = (phase: number, turn: number, into: Float64Array) => void;

const tau = 2 * Math.PI;
const bump = (phase: number, centre: number, width: number) => Math.exp(-(((phase - centre) / width) ** 2));

const motions: Record<(typeof gestureNames)[number], Motion> = {
  circle(phase, turn, into) {
    const swell = Math.sin(Math.PI * phase);
    const angle = tau * (2 * phase + turn);
    into.set([
      swell * Math.cos(angle),
      swell * Math.sin(angle),
      0.2 * swell * Math.sin(angle),
      0.3 * swell * Math.sin(angle),
      0.3 * swell * Math.cos(angle),
      1.8 * swell,
    ]);
    into.set([0.5 * swell, 0.45 * swell * (1 + 0.5 * Math.sin(angle))], 6);
  },
  punch(phase, _turn, into) {
    const out = bump(phase, 0.3, 0.09);
    const stop = bump(phase, 0.47, 0.06);
    const back = bump(phase, 0.75, 0.14);
    into.set([
      1.5 * out - 1.9 * stop + 0.4 * back,
      0.3 * out,
      0.25 * stop,
      0.3 * out,
      1.1 * out - 0.8 * back,
      0.5 * out,
    ]);
    into.set([0.9 * out + 0.2 * back, 0.35 * stop + 0.4 * back], 6);
  },
  raise(phase, _turn, into) {
    const up = bump(phase, 0.25, 0.16);
    const stop = bump(phase, 0.7, 0.16);
    const way = bump(phase, 0.48, 0.24);
    into.set([0.2 * way, 0.15 * up, 0.8 * up - 0.8 * stop, 0.3 * way, 1.9 * way, 0.2 * way]);
    into.set([0.8 * way, 0.15 * way], 6);
  },
  shake(phase, turn, into) {
    const swell = Math.sin(Math.PI * phase) ** 0.5;
    const angle = tau * (8 * phase + turn);
    into.set([
      1.1 * swell * Math.sin(angle),
      0.9 * swell * Math.sin(angle + 0.9),
      0.5 * swell * Math.cos(angle),
      0.8 * swell * Math.cos(angle),
      0.5 * swell * Math.sin(angle),
      0.4 * swell,
    ]);
    into.set([0.65 * swell, 0.6 * swell], 6);
  },
  wave(phase, turn, into) {
    const swell = Math.sin(Math.PI * phase) ** 0.7;
    const angle = tau * (4 * phase + turn);
    into.set([
      0.2 * swell * Math.cos(angle),
      0.8 * swell * Math.sin(angle),
      0.15 * swell,
      0.5 * swell * Math.sin(angle),
      0.2 * swell,
      2.1 * swell * Math.cos(angle),
    ]);
    into.set([0.3 * swell * (1 + Math.sin(angle)), 0.3 * swell * (1 - Math.sin(angle))], 6);
  },
};

/** Smallest step that a simulated recorder of 16 bits tells apart, in the channel's unit. */
const finestSteps = [1 / 8192, 1 / 8192, 1 / 8192, 1 / 1024, 1 / 1024, 1 / 1024, 1 / 16384, 1 / 16384];

const noiseSize = 2 ** 16;

/**
 * Makes recordings.
 *
 * @param bits of the simulated recorder, over the same range
 * @returns a function that writes sample `index`, a gesture of class `index` mod 5, into [256, 8] numbers, step by step
 */
export function createGestures(seed: number, bits = 16): (index: number, into: Float64Array) => void {
  const recorderSteps = finestSteps.map((step) => step * 2 ** (16 - bits));
  // Drawing 2048 normal numbers per sample would take most of the time: they come out of a table, from a random place.
  const noise = normalNumbers(createRandom(seed, 0xffffffff));
  const state = new Float64Array(channelCount);
  const turned = new Float64Array(6);
  return (index, into) => {
    const random = createRandom(seed, index);
    const between = (low: number, high: number) => low + (high - low) * random();
    const motion = motions[gestureNames[index % gestureNames.length]!];
    const start = between(0.02, 0.4) * stepCount;
    const length = between(0.3, 0.58) * stepCount;
    const strength = 0.16 * Math.exp(between(-0.9, 0.8));
    const effort = Math.exp(between(-0.6, 0.6));
    // Nobody moves evenly: the first half is slower or faster than the second.
    const bend = between(0.75, 1.33);
    const turn = random();
    const orientation = rotation(between(-0.7, 0.7), between(-0.7, 0.7), between(-0.7, 0.7));
    const drift = Array.from({ length: channelCount }, () => between(-0.12, 0.12));
    const noisePlace = Math.floor(random() * noiseSize);
    for (let step = 0; step < stepCount; step += 1) {
      const linear = (step - start) / length;
      state.fill(0);
      if (linear > 0 && linear < 1) {
        motion(linear ** bend, turn, state);
        for (let channel = 0; channel < 6; channel += 1)
          state[channel]! *= strength * (channel < 3 ? 1 : 2.2);
      }
      // Gravity, as an accelerometer at rest shows it.
      state[2]! += 1;
      rotate(orientation, state, turned);
      for (let channel = 0; channel < channelCount; channel += 1) {
        const value = channel < 6 ? turned[channel]! : 0.25 * effort * state[channel]!;
        const grain = noise[(noisePlace + step * channelCount + channel) % noiseSize]!;
        const level = channel < 3 ? 0.12 : channel < 6 ? 0.22 : 0.05 + 0.35 * value;
        const recorded = value + drift[channel]! * (step / stepCount) + level * grain;
        const smallest = recorderSteps[channel]!;
        into[step * channelCount + channel] =
          // Whole numbers come out of a recorder, and no minus zero.
          (Math.round((channel < 6 ? recorded : Math.abs(recorded)) / smallest) + 0) * smallest;
      }
    }
  };
}

/** Random numbers in [0, 1) that depend on seed and index only (splitmix32). */
function createRandom(seed: number, index: number): () => number {
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca77)) | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

function normalNumbers(random: () => number): Float64Array {
  const numbers = new Float64Array(noiseSize);
  for (let at = 0; at < noiseSize; at += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = tau * random();
    numbers[at] = radius * Math.cos(angle);
    numbers[at + 1] = radius * Math.sin(angle);
  }
  return numbers;
}

/** Rotation matrix of three angles (radians), row by row. */
function rotation(a: number, b: number, c: number): number[] {
  const [sa, ca, sb, cb, sc, cc] = [
    Math.sin(a),
    Math.cos(a),
    Math.sin(b),
    Math.cos(b),
    Math.sin(c),
    Math.cos(c),
  ];
  return [
    cb * cc,
    -cb * sc,
    sb,
    ca * sc + sa * sb * cc,
    ca * cc - sa * sb * sc,
    -sa * cb,
    sa * sc - ca * sb * cc,
    sa * cc + ca * sb * sc,
    ca * cb,
  ];
}

/** The sensor sits askew: turns acceleration and rotation alike. */
function rotate(matrix: readonly number[], from: Float64Array, to: Float64Array): void {
  for (let row = 0; row < 3; row += 1) {
    const [p, q, r] = [matrix[row * 3]!, matrix[row * 3 + 1]!, matrix[row * 3 + 2]!];
    to[row] = p * from[0]! + q * from[1]! + r * from[2]!;
    to[row + 3] = p * from[3]! + q * from[4]! + r * from[5]!;
  }
}
