// A folder tree of JPEG and PNG images with a class per first-level sub-folder. They are kept as the bytes of their
// files, or decoded; then they must be alike, or the caller asks for one size and one number of channels.
// Rule: what is changed (cut, scaled, made transparent pixels opaque) is said in the notes; the rest is refused.

import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import { formatBytes } from "../store/byte-size.js";
import { encodedImage, type Fields, maxImageBytes, maxImageSide } from "../tensor/field.js";
import { type ClassFolder, detectClassFolder, openClassFolder } from "./class-folder.js";
import { writeLabel } from "./class-labels.js";
import { readEncodedImage } from "./image-bytes.js";
import { chooseImages, deliveredForm, type ImageChoice, type ProbedImage } from "./image-choice.js";
import { checkImage, decodeImage, type ImageRequest, loadSharp, readImageHead } from "./image-decode.js";
import { refuseOtherOptions } from "./options.js";
import { readAhead } from "./read-ahead.js";
import type { ImageDefault, Source, SourceKind, SourceOptions } from "./source.js";
import { requirePath, tensorOf } from "./source-checks.js";

type Sharp = Awaited<ReturnType<typeof loadSharp>>;

/** Images spread over the folder whose heads are read before anything is packed. */
const probedImages = 64;

/**
 * Fields "image", uint8 or uint16 [height, width, channels] or encoded, and, where there are sub-folders, "label".
 */
export const imageFolderKind: SourceKind = {
  name: "image-folder",
  summary: "a folder of JPEG or PNG images, in a sub-folder per class",
  detect: (path) => detectClassFolder("image-folder", path),
  open: openImageFolder,
};

/** What the two ways of reading a folder differ in. */
interface ImageReading {
  image: Fields[string];
  notes: string[];
  meanBytes?: number;
  read(file: string, into: Uint8Array): Promise<void>;
}

async function openImageFolder(
  path: string,
  options: SourceOptions,
  byDefault: ImageDefault = "decoded",
): Promise<Source> {
  refuseOtherOptions("image-folder", options, ["classes", "size", "channels", "images"]);
  requirePath(path, "image-folder", "folder");
  checkSizes(options);
  const folder = await openClassFolder("image-folder", path, options);
  const { label, sampleCount } = folder;
  const sharp = await loadSharp();
  const probed = await probeImages(sharp, folder, path);
  const choice = chooseImages(options, byDefault, probed);
  const reading =
    choice.kind === "encoded"
      ? keepEncoded(folder, options, probed, choice)
      : decodeOnce(sharp, folder, options, probed);
  const fields: Fields = label ? { image: reading.image, label } : { image: reading.image };
  const readInto: NonNullable<Source["readInto"]> = async (index, into) => {
    const file = folder.pathOf(index);
    await reading.read(join(path, file), into[0]!);
    if (label) writeLabel(label, folder.classOf(index), into[1]!);
    return { path: file };
  };
  const notes = [...folder.notes, ...reading.notes];
  if (probed.some(({ head }) => head.hasAlpha)) notes.push("Transparency (the alpha channel) is left out.");
  if (probed[0]!.head.dtype === "uint16") notes.push("Images have 16 bits per channel, which are kept.");
  return {
    kind: "image-folder",
    fields,
    sampleCount,
    ...(reading.meanBytes !== undefined && { meanBytes: reading.meanBytes }),
    fingerprint: folder.fingerprint,
    notes,
    originOf: (index) => ({ path: folder.pathOf(index) }),
    readInto,
    ...(label && { labelOf: folder.classOf }),
    samples: (start) => readAhead(fields, sampleCount, start, readInto),
    close: async () => {},
  };
}

/** Heads of the first image, and of some spread over the folder. */
async function probeImages(sharp: Sharp, folder: ClassFolder, path: string): Promise<ProbedImage[]> {
  const { sampleCount, firstFile } = folder;
  const probed = [{ path: firstFile, head: await readImageHead(sharp, firstFile) }];
  const step = Math.max(1, Math.floor(sampleCount / probedImages));
  for (let index = step; index < sampleCount; index += step) {
    const file = join(path, folder.pathOf(index));
    probed.push({ path: file, head: await readImageHead(sharp, file) });
  }
  return probed;
}

/** Images as the bytes of their files. */
function keepEncoded(
  { bytes, firstFile, sampleCount }: ClassFolder,
  options: SourceOptions,
  probed: readonly ProbedImage[],
  { reason }: ImageChoice,
): ImageReading {
  if (bytes.largest > maxImageBytes) {
    throw new SpillwayError(
      "source",
      `the largest image beside ${firstFile} has ${formatBytes(bytes.largest)}, at most ${formatBytes(maxImageBytes)} can be kept encoded`,
      { remedy: "Decode the images while packing (--decode --size WxH), or save that one smaller." },
    );
  }
  const { size, channels } = deliveredForm(options, probed);
  const mean = Math.ceil(bytes.all / sampleCount);
  const notes = [
    `Images are kept as they are (encoded, ${formatBytes(mean)} on average) and decoded when they are read: ` +
      `scaled to cover ${size.width}x${size.height} pixels and cut to the middle.`,
  ];
  if (reason !== undefined) {
    notes.push(
      `That is because ${reason}; --encoded --size WxH delivers another size, --decode --size WxH decodes them now, once.`,
    );
  }
  const image = encodedImage(size, { channels, maxBytes: Math.max(1, bytes.largest) });
  const read = (file: string, into: Uint8Array) => readEncodedImage(file, into, image.maxBytes);
  // A label beside it takes a byte or two.
  return { image, notes, meanBytes: mean + 1, read };
}

/** Images decoded while they are packed. */
function decodeOnce(
  sharp: Sharp,
  folder: ClassFolder,
  options: SourceOptions,
  probed: readonly ProbedImage[],
): ImageReading {
  const first = probed[0]!.head;
  const { width, height } = options.size ?? first;
  const channels = options.channels ?? first.channels;
  const request: ImageRequest = {
    form: { width, height, channels, dtype: first.dtype },
    isResized: options.size !== undefined,
    isRecoloured: options.channels !== undefined,
  };
  for (const { head, path } of probed) checkImage(head, path, request);
  const notes: string[] = [];
  if (options.size) notes.push(`Images are scaled to cover ${width}x${height} pixels and cut to the middle.`);
  if (options.channels && options.channels !== first.channels) {
    notes.push(
      options.channels === 1 ? "Colour images are made grey." : "Grey images get three equal channels.",
    );
  }
  return {
    image: tensorOf(first.dtype, [height, width, channels], folder.firstFile, { channelAxis: 2 }),
    notes,
    read: (file, into) => decodeImage(sharp, file, request, into),
  };
}

function checkSizes({ size, channels }: SourceOptions): void {
  for (const side of size ? [size.width, size.height] : []) {
    if (Number.isInteger(side) && side >= 1 && side <= maxImageSide) continue;
    throw new SpillwayError("usage", `an image cannot be resized to ${side} pixels`, {
      remedy: `Use --size WIDTHxHEIGHT with whole numbers from 1 to ${maxImageSide}, such as --size 224x224.`,
    });
  }
  if (channels !== undefined && channels !== 1 && channels !== 3) {
    throw new SpillwayError("usage", `images cannot have ${channels} channels`, {
      remedy: "Use --channels 1 for grey or --channels 3 for colour.",
    });
  }
}
