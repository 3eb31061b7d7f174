// What decoding images on the way out costs on this machine, with a dataset's own images: how many a core decodes in a
// second, and how many it could read if they had been decoded once. Measured in processor time, so that other programs
// that work meanwhile make little difference.
// Rule: nothing is written beside the dataset; what is written goes to the system's folder for temporary files, and away.

import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import type { Manifest } from "../format/manifest.js";
import { planImages } from "../load/image-crop.js";
import { createDecoder } from "../load/image-decoder.js";
import { StoredRecords } from "../source/stored-records.js";
import { type Fields, fieldStride, type ImageField } from "../tensor/field.js";
import { frameContent } from "../tensor/frame.js";

/** Images that are looked at, and bytes of decoded ones, at most. */
const maxImages = 256;
const maxBytes = 2 ** 27;
/** Reads are repeated until they took so much processor time. */
const leastReadMs = 100;

/** What was measured of one field. */
export interface ImageSpeed {
  field: string;
  /** Images that it was measured with. */
  images: number;
  /** Bytes of an image, on average: as it is stored, and decoded. */
  encodedBytes: number;
  decodedBytes: number;
  /** Images that a core decodes in a second, and that it reads where they were decoded once. */
  decodedPerSecond: number;
  readPerSecond: number;
}

/**
 * Measures the fields of encoded images of a dataset; none where it has none.
 *
 * @throws SpillwayError `missing` without sharp, `corrupt`, `io`
 */
export async function measureImages(path: string, manifest: Readonly<Manifest>): Promise<ImageSpeed[]> {
  const fields = manifest.fields as Fields;
  const speeds: ImageSpeed[] = [];
  for (const [name, field] of Object.entries(fields)) {
    if (field.kind === "image" && manifest.rows > 0)
      speeds.push(await measureField(path, manifest, name, field));
  }
  return speeds;
}

/** The same in a sentence: "decoding on the way out: 812 images/s per core; decoded once: 41,000/s for 9.3 times the bytes". */
export function describeImageSpeed(speed: ImageSpeed): string {
  const rate = (perSecond: number) => Number(perSecond.toPrecision(3)).toLocaleString("en-US");
  const times = speed.decodedBytes / speed.encodedBytes;
  return `decoding on the way out: ${rate(speed.decodedPerSecond)} images/s per core; decoded once: ${rate(speed.readPerSecond)}/s for ${times.toFixed(1)} times the bytes`;
}

async function measureField(
  path: string,
  manifest: Readonly<Manifest>,
  name: string,
  field: ImageField,
): Promise<ImageSpeed> {
  const decodedBytes = field.shape.reduce((product, size) => product * size, 1);
  const images = Math.max(1, Math.min(maxImages, manifest.rows, Math.floor(maxBytes / decodedBytes)));
  const decode = await createDecoder(field.shape, planImages({}, 0));
  const records = new StoredRecords(path, manifest);
  const frame = new Uint8Array(fieldStride(field));
  const into = Object.keys(manifest.fields).map((each) => (each === name ? frame : undefined));
  const folder = fs.mkdtempSync(join(os.tmpdir(), "spillway-images-"));
  const file = fs.openSync(join(folder, "decoded"), "w+");
  let encodedBytes = 0;
  let decodeMs = 0;
  try {
    for (let k = 0; k < images; k += 1) {
      const sample = Math.floor((k * manifest.rows) / images);
      await records.readInto(sample, into);
      const content = frameContent(frame);
      encodedBytes += content.length;
      // The first loads libvips.
      if (k === 0) await decode(content, { epoch: 0, sample });
      const since = processMs();
      const pixels = await decode(content, { epoch: 0, sample });
      decodeMs += processMs() - since;
      fs.writeSync(file, pixels, 0, pixels.length, k * decodedBytes);
    }
    return {
      field: name,
      images,
      encodedBytes: encodedBytes / images,
      decodedBytes,
      decodedPerSecond: (1000 * images) / decodeMs,
      readPerSecond: readRate(file, images, decodedBytes),
    };
  } finally {
    records.close();
    fs.closeSync(file);
    fs.rmSync(folder, { recursive: true });
  }
}

/** Records of a file in the page cache that a core reads in a second, in no order of theirs. */
function readRate(file: number, count: number, byteLength: number): number {
  const target = new Uint8Array(byteLength);
  const start = processMs();
  let reads = 0;
  let spentMs = 0;
  while (spentMs < leastReadMs) {
    for (let k = 0; k < count; k += 1)
      fs.readSync(file, target, 0, byteLength, ((k * 7919) % count) * byteLength);
    reads += count;
    spentMs = processMs() - start;
  }
  return (1000 * reads) / spentMs;
}

/** Processor time of this process with all its threads, in milliseconds. */
function processMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
