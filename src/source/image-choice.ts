// Whether the images of a folder are kept as the bytes of their files, and decoded each time they are read, or decoded
// once, while packing. Small images of one size are better decoded once; large ones, and those of many sizes, take many
// times the room then, and cannot be cut at random from all of what was photographed.

import { SpillwayError } from "../errors.js";
import { formatBytes } from "../store/byte-size.js";
import { describeImage, type ImageHead } from "./image-decode.js";
import type { ImageDefault, SourceOptions } from "./source.js";

/** Bytes of a decoded image up to which images of one size are decoded once: 256 x 256 pixels in colour have 192 KiB. */
const smallBytes = 2 ** 18;
/** Width and height in which images of many sizes are delivered where no size is given: what most networks expect. */
const usualSide = 224;

/** The head of an image, and the file that it is of. */
export interface ProbedImage {
  path: string;
  head: ImageHead;
}

/** What is done with images, and why. */
export interface ImageChoice {
  kind: "encoded" | "decoded";
  /** A sentence; undefined where it was asked for. */
  reason?: string;
}

/** Chooses by what was asked for, and else by the images that were looked at. */
export function chooseImages(
  { images, size, channels }: SourceOptions,
  byDefault: ImageDefault,
  probed: readonly ProbedImage[],
): ImageChoice {
  if (images) return { kind: images };
  if (byDefault !== "choose") return { kind: byDefault };
  if (size || channels) return { kind: "decoded" };
  const { head } = probed[0]!;
  if (probed.some(({ head: { dtype } }) => dtype === "uint16")) return { kind: "decoded" };
  const other = probed.find((image) => !isSameSize(image.head, head));
  if (other) {
    const [one, another] = [head, other.head].map(({ width, height }) => `${width}x${height}`);
    return { kind: "encoded", reason: `they differ in size (${one} and ${another} pixels, for example)` };
  }
  const bytes = head.width * head.height * head.channels;
  if (bytes <= smallBytes) return { kind: "decoded" };
  return { kind: "encoded", reason: `they are large (${formatBytes(bytes)} each when decoded)` };
}

/**
 * Width, height and channels in which encoded images are delivered: as asked for, or else their own where they have all
 * the same, or 224x224.
 *
 * @throws SpillwayError `source` for images of more than 8 bits
 */
export function deliveredForm(
  { size, channels }: SourceOptions,
  probed: readonly ProbedImage[],
): { size: { width: number; height: number }; channels: 1 | 3 } {
  const deep = probed.find(({ head }) => head.dtype === "uint16");
  if (deep) {
    throw new SpillwayError(
      "source",
      `${deep.path} is ${describeImage(deep.head)}; encoded images are delivered in 8 bits`,
      { remedy: "Decode them while packing, which keeps all bits: --decode.", where: { path: deep.path } },
    );
  }
  const { head } = probed[0]!;
  const isAlike = probed.every((image) => isSameSize(image.head, head));
  return {
    size:
      size ??
      (isAlike ? { width: head.width, height: head.height } : { width: usualSide, height: usualSide }),
    channels: channels ?? (probed.some((image) => image.head.channels === 3) ? 3 : 1),
  };
}

function isSameSize(a: ImageHead, b: ImageHead): boolean {
  return a.width === b.width && a.height === b.height;
}
