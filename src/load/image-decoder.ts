// Encoded bytes to pixels, in a reader thread: by sharp (libvips), whose own threads do the work. Imported on first use.
// Rule: an image gives exactly as many bytes as its field has elements, or an error; what it says of its size is believed
// up to `maxPixels`.

import { loadSharp, rawPixels } from "../source/image-decode.js";
import { drawPart, drawsOf, type ImagePlan, isMirrored, planCrop } from "./image-crop.js";

/** Pixels that an image may have: a file of some kilobytes can claim to be of 100,000 x 100,000. */
const maxPixels = 2 ** 28;

/** Threads of Node's pool where nobody says how many. */
const usualPool = 4;

/** What a user should know of decoding on this machine, a sentence each. */
export function decodingNotes(cores: number, poolSize: string | undefined): string[] {
  const threads = Number(poolSize) || usualPool;
  const notes = [
    "Images are decoded outside of the memory given: libvips takes some 50 MiB, and each image at work what it has when it is decoded.",
  ];
  if (threads < cores) {
    notes.push(
      `Images are decoded by the ${threads} threads of Node's pool; UV_THREADPOOL_SIZE=${cores} in the environment lets all ${cores} cores work.`,
    );
  }
  return notes;
}

/** Which image: what is drawn for it depends on this alone. */
export interface ImageOfEpoch {
  epoch: number;
  sample: number;
}

/** Gives the pixels of an image, row after row, the channels of a pixel together. */
export type DecodePixels = (file: Uint8Array, of: ImageOfEpoch) => Promise<Uint8Array>;

/**
 * A decoder for one loop.
 *
 * @param shape height, width and channels of what is delivered
 * @throws SpillwayError `missing` if sharp is not installed
 */
export async function createDecoder(shape: readonly number[], plan: ImagePlan): Promise<DecodePixels> {
  const sharp = await loadSharp();
  // Images are decoded side by side, each by one thread, and none comes twice while a cache would hold it.
  sharp.concurrency(1);
  sharp.cache(false);
  const [height, width, channels] = shape as [number, number, 1 | 3];
  const wanted = { width, height };
  const decode = async (file: Uint8Array, { epoch, sample }: ImageOfEpoch): Promise<Uint8Array> => {
    const image = sharp(file, { limitInputPixels: maxPixels }).autoOrient();
    const draws = drawsOf(plan.seed, epoch, sample);
    if (plan.random) {
      const { autoOrient: size } = await image.metadata();
      const steps = planCrop(size, drawPart(size, plan.random, draws), wanted);
      if (steps.kind === "cut, then scale") image.extract(steps.part).resize(width, height, { fit: "fill" });
      else image.resize(steps.whole.width, steps.whole.height, { fit: "fill" }).extract(steps.part);
    } else image.resize(width, height, { fit: plan.fit, position: "centre", background: "black" });
    if (isMirrored(plan, draws)) image.flop();
    const pixels = await rawPixels(image, { channels, dtype: "uint8" });
    if (pixels.length === width * height * channels) return pixels;
    throw new Error(`it decodes to ${pixels.length} bytes, ${width * height * channels} were expected`);
  };
  return (file, of) => decode(file, of).catch(sayLimit);
}

/** Errors about images with too many pixels say how many are not. */
function sayLimit(cause: unknown): never {
  if (!(cause instanceof Error && /pixel limit/.test(cause.message))) throw cause;
  throw new Error(`${cause.message} (${maxPixels.toLocaleString("en-US")} at most)`, { cause });
}
