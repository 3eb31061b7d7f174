// Encoded images on their way into a dataset: the bytes of a JPEG or PNG file, as they are, in a frame. They are not
// decoded here: what a file claims to be is told by its first bytes, whether it is whole by whoever decodes it.

import { SpillwayError } from "../errors.js";
import { openFile } from "../store/file.js";
import { beginFrame } from "../tensor/frame.js";

const beginnings = {
  JPEG: [0xff, 0xd8, 0xff],
  PNG: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
} as const;

/** Which kind of image bytes begin as, undefined where it is none that Spillway decodes. */
export function imageFormatOf(bytes: Uint8Array): keyof typeof beginnings | undefined {
  return (Object.keys(beginnings) as (keyof typeof beginnings)[]).find((format) =>
    beginnings[format].every((byte, at) => bytes[at] === byte),
  );
}

/**
 * Reads an image's file into a frame.
 *
 * @throws SpillwayError `source` for a file that has grown beyond the frame, is empty or no JPEG or PNG; `missing`, `io`
 */
export async function readEncodedImage(path: string, frame: Uint8Array, maxBytes: number): Promise<void> {
  const file = openFile(path);
  try {
    const { byteLength } = file;
    if (byteLength > maxBytes) {
      throw new SpillwayError(
        "source",
        `${path} has ${byteLength} bytes; the longest image had ${maxBytes} when the folder was listed`,
        { remedy: "Pack it again; it must not change meanwhile.", where: { path } },
      );
    }
    if (byteLength === 0) throw noImage(path, "is empty");
    const content = beginFrame(frame, byteLength);
    await file.read(content, 0);
    if (!imageFormatOf(content)) throw noImage(path, "begins neither as a JPEG nor as a PNG file");
  } finally {
    file.close();
  }
}

function noImage(path: string, what: string): SpillwayError {
  return new SpillwayError("source", `${path} ${what}`, {
    remedy: "Remove the image, or get it again from where it came.",
    where: { path },
  });
}
