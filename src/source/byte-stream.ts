// Bytes of a file from front to back, unpacked on the way where it is gzip (told by its first bytes, not its name).
// Memory is bounded by the chunks in flight; a stream that is left early closes its file.

import { once } from "node:events";
import fs from "node:fs";
import { pipeline } from "node:stream";
import { constants, createGunzip, gunzipSync } from "node:zlib";
import { SpillwayError, systemCode } from "../errors.js";
import { ioError, openFile } from "../store/file.js";

const chunkBytes = 2 ** 18;
/** Bytes on disk that are unpacked as the head of a gzip file. */
const maxPackedHeadBytes = 2 ** 16;

/** Whether bytes begin as a gzip file does. */
export function isGzip(head: Uint8Array): boolean {
  return head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b;
}

/** The first bytes of a file as they are on disk, fewer where it is shorter. */
export function readRawHead(path: string, byteLength: number): Uint8Array {
  const file = openFile(path);
  try {
    const head = new Uint8Array(Math.min(byteLength, file.byteLength));
    file.readSync(head, 0);
    return head;
  } finally {
    file.close();
  }
}

/**
 * The first bytes of a file's content, unpacked where it is gzip (then at most what 64 KiB on disk hold).
 *
 * @throws SpillwayError `source` for a .gz file that is no gzip or is damaged at its beginning
 */
export function readHead(path: string, byteLength: number): Uint8Array {
  const raw = readRawHead(path, byteLength);
  if (!isGzip(raw)) {
    if (path.endsWith(".gz")) throw notGzip(path, raw);
    return raw;
  }
  try {
    // Deflate packs at most 1032 bytes into one, so this holds at most 64 MiB, for a moment.
    return gunzipSync(readRawHead(path, maxPackedHeadBytes), {
      finishFlush: constants.Z_SYNC_FLUSH,
    }).subarray(0, byteLength);
  } catch (cause) {
    throw gzipError(cause, path, 0);
  }
}

/**
 * The content of a file in chunks of up to 256 KiB, unpacked where it is gzip. A chunk is valid until the next.
 *
 * @throws SpillwayError `source` for gzip that ends early or is damaged, `io`, `missing`
 */
export async function* streamBytes(path: string): AsyncGenerator<Uint8Array> {
  const isPacked = isGzip(readRawHead(path, 2));
  const file = fs.createReadStream(path, { highWaterMark: chunkBytes });
  const content = isPacked ? createGunzip({ chunkSize: chunkBytes }) : file;
  // The callback form hands an error of the file on to `content`, where the loop below meets it.
  if (content !== file) pipeline(file, content as ReturnType<typeof createGunzip>, () => {});
  let seen = 0;
  try {
    for await (const chunk of content as AsyncIterable<Uint8Array>) {
      seen += chunk.length;
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof SpillwayError) throw cause;
    if (systemCode(cause).startsWith("Z_")) throw gzipError(cause, path, seen);
    throw ioError(cause, path, "cannot be read");
  } finally {
    content.destroy();
    file.destroy();
    // The descriptor is given back a little later: whoever goes on should find it closed.
    if (!file.closed) await once(file, "close");
  }
}

function notGzip(path: string, raw: Uint8Array): SpillwayError {
  const found =
    raw.length === 0 ? "is empty" : `begins with bytes ${Buffer.from(raw.subarray(0, 2)).toString("hex")}`;
  return new SpillwayError("source", `${path} is no gzip file: it ${found}, 1f8b was expected`, {
    remedy: "If it is not packed, rename it without .gz; else download it again.",
    where: { path },
  });
}

function gzipError(cause: unknown, path: string, seen: number): SpillwayError {
  if (systemCode(cause) === "Z_BUF_ERROR") {
    const length = fs.statSync(path).size;
    return new SpillwayError(
      "source",
      `${path} ends early: its ${length} bytes unpack to ${seen}, and the end of the gzip stream is missing`,
      {
        remedy: "Download or copy it again.",
        where: { path },
        cause,
      },
    );
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SpillwayError("source", `${path} is damaged after ${seen} unpacked bytes: ${reason}`, {
    remedy: "Download or copy it again.",
    where: { path },
    cause,
  });
}
