// Records of one size out of a stream of chunks of any size.

/**
 * Cuts a stream into records, without what lies before the first.
 *
 * @param skipBytes bytes before the first record
 * @param recordBytes bytes of a record
 * @param checkEnd is told how many bytes the stream had, once it has ended by itself; throws if they are wrong
 * @returns records in memory that is used again: each is valid until the next is asked for
 */
export async function* recordsOf(
  chunks: AsyncIterable<Uint8Array>,
  skipBytes: number,
  recordBytes: number,
  checkEnd: (byteLength: number) => void,
): AsyncGenerator<Uint8Array> {
  const record = new Uint8Array(recordBytes);
  let held = 0;
  let seen = 0;
  for await (const chunk of chunks) {
    let at = Math.min(chunk.length, Math.max(0, skipBytes - seen));
    seen += chunk.length;
    while (at < chunk.length) {
      const take = Math.min(recordBytes - held, chunk.length - at);
      record.set(chunk.subarray(at, at + take), held);
      held += take;
      at += take;
      if (held === recordBytes) {
        held = 0;
        yield record;
      }
    }
  }
  checkEnd(seen);
}
