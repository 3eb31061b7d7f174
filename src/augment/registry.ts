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

/** What a transform does, in a few words for lists and documents. */
interface Summarised {
  summary: string;
}

/** A transform of single samples, with the kind of field that it takes. */
export interface SampleEntry extends Summarised {
  kind: "sample";
  transform: Transform;
  takes: "waveform" | "image";
}

export type Entry =
  | SampleEntry
  | (Summarised & { kind: "custom"; transform: { name: string; table: OptionTable } })
  | (Summarised & { kind: "mixing"; transform: Mixing });

/** A transform among the others: its own options and geometry are checked before it gets them. */
function of<O, G extends Geometry>(
  takes: SampleEntry["takes"],
  transform: Transform<O, G>,
  summary: string,
): SampleEntry {
  return { kind: "sample", transform: transform as unknown as Transform, takes, summary };
}

const entries: readonly Entry[] = [
  of("waveform", jitterTransform, "adds normal noise to every value"),
  of("waveform", scalingTransform, "multiplies each channel by a factor around 1"),
  of("waveform", shiftTransform, "moves all channels by whole steps"),
  of("waveform", cropTransform, "keeps a random stretch and brings it back to the old length"),
  of("waveform", timeWarpTransform, "plays faster here and slower there; first and last step stay"),
  of("waveform", magnitudeWarpTransform, "multiplies each channel by a smooth curve around 1"),
  of("waveform", permutationTransform, "cuts into segments and puts them together in another order"),
  of("waveform", channelDropoutTransform, "fills some channels with one value; one always stays"),
  of("waveform", timeMaskTransform, "fills stretches of time with one value"),
  of("waveform", frequencyMaskTransform, "takes bands of frequencies out; means stay"),
  of("waveform", noiseTransform, "mixes in coloured noise at a signal-to-noise ratio"),
  of("image", flipTransform, "mirrors the image; half of them by default"),
  of("image", randomResizedCropTransform, "keeps a random rectangle and stretches it to the old size"),
  of("image", rotationTransform, "turns the image about its middle"),
  of("image", colourJitterTransform, "changes brightness, contrast, saturation and hue"),
  of("image", eraseTransform, "fills a random rectangle with one value"),
  { kind: "mixing", transform: mixupTransform, summary: "share * own + (1 - share) * other" },
  {
    kind: "mixing",
    transform: cutmixTransform,
    summary: "puts a rectangle of the other image, or a stretch of the other waveform, in",
  },
  { kind: "custom", transform: customTransform, summary: "calls a function of your own" },
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
