// A folder tree of JPEG and PNG images with a class per first-level sub-folder. Images must be alike, or the caller
// asks for one size and one number of channels.
// Rule: what is changed (cut, scaled, made transparent pixels opaque) is said in the notes; the rest is refused.

import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import type { Fields } from "../tensor/field.js";
import { detectClassFolder, openClassFolder } from "./class-folder.js";
import { writeLabel } from "./class-labels.js";
import { checkImage, decodeImage, type ImageRequest, loadSharp, readImageHead } from "./image-decode.js";
import { refuseOtherOptions } from "./options.js";
import { readAhead } from "./read-ahead.js";
import type { Source, SourceKind, SourceOptions } from "./source.js";
import { requirePath, tensorOf } from "./source-checks.js";

/** Images spread over the folder whose heads are read before anything is packed. */
const probedImages = 64;
const maxSide = 32_768;

/** Fields "image", uint8 or uint16 [height, width, channels], and, where there are sub-folders, "label". */
export const imageFolderKind: SourceKind = {
  name: "image-folder",
  summary: "a folder of JPEG or PNG images, in a sub-folder per class",
  detect: (path) => detectClassFolder("image-folder", path),
  open: openImageFolder,
};

async function openImageFolder(path: string, options: SourceOptions): Promise<Source> {
  refuseOtherOptions("image-folder", options, ["classes", "size", "channels"]);
  requirePath(path, "image-folder", "folder");
  checkSizes(options);
  const folder = await openClassFolder("image-folder", path, options);
  const { label, sampleCount } = folder;
  const sharp = await loadSharp();
  const first = await readImageHead(sharp, folder.firstFile);
  const { width, height } = options.size ?? first;
  const channels = options.channels ?? first.channels;
  const request: ImageRequest = {
    form: { width, height, channels, dtype: first.dtype },
    isResized: options.size !== undefined,
    isRecoloured: options.channels !== undefined,
  };
  let hasAlpha = first.hasAlpha;
  const step = Math.max(1, Math.floor(sampleCount / probedImages));
  for (let index = 0; index < sampleCount; index += step) {
    const file = join(path, folder.pathOf(index));
    const head = await readImageHead(sharp, file);
    checkImage(head, file, request);
    hasAlpha ||= head.hasAlpha;
  }
  const image = tensorOf(first.dtype, [height, width, channels], folder.firstFile, { channelAxis: 2 });
  const fields: Fields = label ? { image, label } : { image };
  const readInto: NonNullable<Source["readInto"]> = async (index, into) => {
    const file = folder.pathOf(index);
    await decodeImage(sharp, join(path, file), request, into[0]!);
    if (label) writeLabel(label, folder.classOf(index), into[1]!);
    return { path: file };
  };
  const notes = [...folder.notes];
  if (options.size) notes.push(`Images are scaled to cover ${width}x${height} pixels and cut to the middle.`);
  if (options.channels && options.channels !== first.channels) {
    notes.push(
      options.channels === 1 ? "Colour images are made grey." : "Grey images get three equal channels.",
    );
  }
  if (hasAlpha) notes.push("Transparency (the alpha channel) is left out.");
  if (first.dtype === "uint16") notes.push("Images have 16 bits per channel, which are kept.");
  return {
    kind: "image-folder",
    fields,
    sampleCount,
    fingerprint: folder.fingerprint,
    notes,
    originOf: (index) => ({ path: folder.pathOf(index) }),
    readInto,
    ...(label && { labelOf: folder.classOf }),
    samples: (start) => readAhead(fields, sampleCount, start, readInto),
    close: async () => {},
  };
}

function checkSizes({ size, channels }: SourceOptions): void {
  for (const side of size ? [size.width, size.height] : []) {
    if (Number.isInteger(side) && side >= 1 && side <= maxSide) continue;
    throw new SpillwayError("usage", `an image cannot be resized to ${side} pixels`, {
      remedy: `Use --size WIDTHxHEIGHT with whole numbers from 1 to ${maxSide}, such as --size 224x224.`,
    });
  }
  if (channels !== undefined && channels !== 1 && channels !== 3) {
    throw new SpillwayError("usage", `images cannot have ${channels} channels`, {
      remedy: "Use --channels 1 for grey or --channels 3 for colour.",
    });
  }
}
