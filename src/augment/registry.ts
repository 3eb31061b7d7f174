// Every transform there is, by name: which of the three kinds it is, and what kind of field it takes.

import { customTransform } from "./custom.js";
import { eitherGeometry, type Geometry, imageGeometry, waveGeometry } from "./geometry.js";
import { colourJitterTransform } from "./image-colours.js";
import {
  eraseTransform,
  flipTransform,
  randomResizedCropTransform,
  rotationTransform,
} from "./image-places.js";
import { cutmixTransform, type Mixing, mixupTransform } from "./mixing.js";
import type { OptionTable } from "./options.js";
import type { Transform } from "./transform.js";
import { frequencyMaskTransform, noiseTransform } from "./wave-spectrum.js";
import {
  cropTransform,
  permutationTransform,
  shiftTransform,
  timeMaskTransform,
  timeWarpTransform,
} from "./wave-time.js";
import {
  channelDropoutTransform,
  jitterTransform,
  magnitudeWarpTransform,
  scalingTransform,
} from "./wave-values.js";

/** A transform of single samples, with the kind of field that it takes. */
export interface SampleEntry {
  kind: "sample";
  transform: Transform;
  takes: "waveform" | "image";
}

export type Entry =
  | SampleEntry
  | { kind: "custom"; transform: { name: string; table: OptionTable } }
  | { kind: "mixing"; transform: Mixing };

/** A transform among the others: its own options and geometry are checked before it gets them. */
function of<O, G extends Geometry>(takes: SampleEntry["takes"], transform: Transform<O, G>): SampleEntry {
  return { kind: "sample", transform: transform as unknown as Transform, takes };
}

const entries: readonly Entry[] = [
  of("waveform", jitterTransform),
  of("waveform", scalingTransform),
  of("waveform", shiftTransform),
  of("waveform", cropTransform),
  of("waveform", timeWarpTransform),
  of("waveform", magnitudeWarpTransform),
  of("waveform", permutationTransform),
  of("waveform", channelDropoutTransform),
  of("waveform", timeMaskTransform),
  of("waveform", frequencyMaskTransform),
  of("waveform", noiseTransform),
  of("image", flipTransform),
  of("image", randomResizedCropTransform),
  of("image", rotationTransform),
  of("image", colourJitterTransform),
  of("image", eraseTransform),
  { kind: "mixing", transform: mixupTransform },
  { kind: "mixing", transform: cutmixTransform },
  { kind: "custom", transform: customTransform },
];

/** Transforms by name, in the order in which documents list them. */
export const registry: ReadonlyMap<string, Entry> = new Map(
  entries.map((entry) => [entry.transform.name, entry]),
);

/** How a kind of transform sees a field. */
export const geometryOf = { waveform: waveGeometry, image: imageGeometry, either: eitherGeometry } as const;

/** Shapes that a kind of transform takes, in words. */
export const shapesOf = {
  waveform: "a waveform: [time], or [time, channels] or [channels, time] with a channel axis that is known",
  image: "an image: [height, width], or with an axis of 1 or 3 colours first or last",
  either: "a waveform or an image",
} as const;
