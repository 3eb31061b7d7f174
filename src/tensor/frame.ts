// Frames: records of fields whose bytes differ in number, in places of one size, on their way from a source to a shard.
//
//   | length, uint32 little-endian | bytes | room that is not used |
//
// Rule: a frame holds 1 to `capacity - 4` bytes; what lies behind them is never looked at. Only memory has frames: in a
// shard the bytes lie one after another.

/** Bytes before those of the record. */
export const frameHeadBytes = 4;

/** Bytes of a frame for records of up to `maxBytes`: a multiple of 8. */
export function frameStride(maxBytes: number): number {
  return Math.ceil((frameHeadBytes + maxBytes) / 8) * 8;
}

/** Bytes that a frame holds. @throws RangeError if its length is none */
export function frameLength(frame: Uint8Array): number {
  const length = new DataView(frame.buffer, frame.byteOffset, frameHeadBytes).getUint32(0, true);
  if (length < 1 || length > frame.length - frameHeadBytes)
    throw new RangeError(`a frame of ${frame.length} bytes cannot hold ${length}`);
  return length;
}

/** The bytes that a frame holds, without a copy. */
export function frameContent(frame: Uint8Array): Uint8Array {
  return frame.subarray(frameHeadBytes, frameHeadBytes + frameLength(frame));
}

/** Makes a frame one of `length` bytes and gives the place for them. */
export function beginFrame(frame: Uint8Array, length: number): Uint8Array {
  new DataView(frame.buffer, frame.byteOffset, frameHeadBytes).setUint32(0, length, true);
  return frame.subarray(frameHeadBytes, frameHeadBytes + frameLength(frame));
}
