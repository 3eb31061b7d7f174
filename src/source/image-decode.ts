// One JPEG or PNG file to the bytes of one tensor, by sharp (libvips), which is an optional package: imported on first
// use. Turned upright by its EXIF orientation, without transparency, 16-bit PNG kept as 16 bits.
// Rule: every image gives the shape and dtype asked for, or an error that names it; nothing is scaled unasked.

import { SpillwayError } from "../errors.js";
import { ioError } from "../store/file.js";
import { bytesOf } from "../tensor/dtype.js";

type Sharp = typeof import("sharp")["default"];
type SharpImage = ReturnType<Sharp>;

/** How an image is after decoding. */
export interface ImageForm {
  width: number;
  height: number;
  /** 1 for grey, 3 for colour. */
  channels: 1 | 3;
  dtype: "uint8" | "uint16";
}

/** What a file says of its image, upright. */
export interface ImageHead extends ImageForm {
  hasAlpha: boolean;
}

/** What is asked for and may be changed while decoding. */
export interface ImageRequest {
  form: ImageForm;
  /** Whether images of another size are scaled and cut to the form's. */
  isResized: boolean;
  /** Whether images of other channels are turned into the form's. */
  isRecoloured: boolean;
}

/** @throws SpillwayError `missing` if the package is not installed */
export async function loadSharp(): Promise<Sharp> {
  try {
    return (await import("sharp")).default;
  } catch (cause) {
    throw new SpillwayError("missing", 'images are decoded by the package "sharp", which is not installed', {
      remedy: "Run: npm install sharp",
      cause,
    });
  }
}

/** Size and type of an image, without decoding it. */
export async function readImageHead(sharp: Sharp, path: string): Promise<ImageHead> {
  try {
    return await headOf(sharp(path));
  } catch (cause) {
    throw await imageError(cause, path);
  }
}

/** Decodes an image into `into`, row after row, the channels of a pixel together. */
export async function decodeImage(
  sharp: Sharp,
  path: string,
  request: ImageRequest,
  into: Uint8Array,
): Promise<void> {
  const { form } = request;
  let pixels: Uint8Array;
  try {
    const image = sharp(path);
    checkImage(await headOf(image), path, request);
    image.autoOrient();
    if (request.isResized) image.resize(form.width, form.height, { fit: "cover", position: "centre" });
    pixels = await rawPixels(image, form);
  } catch (cause) {
    throw await imageError(cause, path);
  }
  if (pixels.length !== into.length) {
    throw new SpillwayError(
      "source",
      `${path} decodes to ${pixels.length} bytes, ${into.length} were expected`,
      {
        remedy: "Remove the image, or save it again.",
        where: { path },
      },
    );
  }
  into.set(pixels);
}

/** The pixels of an image as it is after all else that is to be done with it: without transparency, grey or colour. */
export async function rawPixels(
  image: SharpImage,
  { channels, dtype }: Pick<ImageForm, "channels" | "dtype">,
): Promise<Uint8Array> {
  const isWide = dtype === "uint16";
  const space = channels === 1 ? (isWide ? "grey16" : "b-w") : isWide ? "rgb16" : "srgb";
  const raw = image
    .removeAlpha()
    .toColourspace(space)
    .raw({ depth: isWide ? "ushort" : "uchar" });
  return bytesOf(await raw.toBuffer());
}

/** @throws SpillwayError `source` if an image differs in what may not be changed */
export function checkImage(
  head: ImageHead,
  path: string,
  { form, isResized, isRecoloured }: ImageRequest,
): void {
  const remedies: string[] = [];
  if (!isResized && (head.width !== form.width || head.height !== form.height)) {
    remedies.push(`--size ${form.width}x${form.height}`);
  }
  if (!isRecoloured && head.channels !== form.channels) remedies.push("--channels 3");
  if (head.dtype === form.dtype && remedies.length === 0) return;
  const remedy =
    head.dtype === form.dtype
      ? `To bring all images to one form, use ${remedies.join(" ")}.`
      : "Save all images with the same number of bits.";
  throw new SpillwayError(
    "source",
    `${path} is ${describeImage(head)}, but ${describeImage(form)} was expected, as in the first image`,
    {
      remedy,
      where: { path },
    },
  );
}

/** "28x28 pixels, grey, 8 bits". */
export function describeImage({ width, height, channels, dtype }: ImageForm): string {
  return `${width}x${height} pixels, ${channels === 1 ? "grey" : "colour"}, ${dtype === "uint8" ? 8 : 16} bits`;
}

async function headOf(image: SharpImage): Promise<ImageHead> {
  const { autoOrient, space, depth, hasAlpha } = await image.metadata();
  return {
    width: autoOrient.width,
    height: autoOrient.height,
    channels: space === "b-w" || space === "grey16" ? 1 : 3,
    dtype: depth === "ushort" ? "uint16" : "uint8",
    hasAlpha,
  };
}

/** What went wrong with an image: a missing or unreadable file, or one that cannot be decoded. */
async function imageError(cause: unknown, path: string): Promise<unknown> {
  if (cause instanceof SpillwayError) return cause;
  const { access, constants } = await import("node:fs/promises");
  try {
    await access(path, constants.R_OK);
  } catch (accessCause) {
    return ioError(accessCause, path, "cannot be read");
  }
  const reason = (cause instanceof Error ? cause.message : String(cause)).split("\n")[0];
  return new SpillwayError("source", `${path} cannot be decoded: ${reason}`, {
    remedy: "Remove the image, or get it again from where it came.",
    where: { path },
    cause,
  });
}
