// The control block of a loop: a few words of shared memory by which one consumer and its readers agree, and the ring
// that they agree on. Batches are numbered by the loop's own count; batch b lies in place b % places of the ring, so that
// it is always in one piece, and a short one leaves the end of its place empty. A place is cut into runs of `runLength`
// slots, a reader's units of work: run r is part r % runsPerBatch of batch floor(r / runsPerBatch).
//
//   batches   ...released ..... delivered ..... ready ..... claimed ..... released + places
//             free again    with the user   waiting    being read     not to be touched yet
//
// Rule: released <= ready <= claimed <= released + places. Counters are BigInt64: 32 bits wrap at 2^31 batches or runs.
//
// Who writes what
//   claimed   readers: the next run that nobody has taken (added to atomically)
//   released  consumer: batches below it may be overwritten
//   wanted    consumer: it sleeps until all batches below are ready, or -1; the reader that completes them wakes it
//   done[]    readers: for each run of the ring, how often it has been filled (the generation)

/** Indices of 64-bit words. */
export const word64 = { claimed: 0, released: 1, wanted: 2 } as const;

/** Indices of 32-bit words: bells are counters that are rung (added to, and notified). */
export const word32 = { consumerBell: 8, readerBell: 9, stop: 10, failed: 11 } as const;

/** Bytes of the control words; `done` follows, one int32 per run of the ring. */
export const controlBytes = 64;

/** The shared words of a loop, as one thread sees them. */
export interface Control {
  words64: BigInt64Array;
  words32: Int32Array;
  done: Int32Array;
}

/** @param ringRuns runs that the ring has room for */
export function viewControl(memory: WebAssembly.Memory, address: number, ringRuns: number): Control {
  return {
    words64: new BigInt64Array(memory.buffer, address, 4),
    words32: new Int32Array(memory.buffer, address, controlBytes / 4),
    done: new Int32Array(memory.buffer, address + controlBytes, ringRuns),
  };
}

/** Rings a bell: whoever sleeps on it wakes up. */
export function ring(control: Control, bell: number): void {
  Atomics.add(control.words32, bell, 1);
  Atomics.notify(control.words32, bell);
}

/** Tells the readers to stop, wherever they are. */
export function stopReaders(control: Control): void {
  Atomics.store(control.words32, word32.stop, 1);
  Atomics.notify(control.words32, word32.stop);
  ring(control, word32.readerBell);
}

/** Marks a run as filled; its generation wraps after 2^31 rounds of the ring. */
export function markFilled({ done }: Control, run: number): void {
  markFilledIn(done, run);
}

/** Wakes the consumer if it sleeps for batches that are now all there. */
export function wakeConsumer(control: Control, runsPerBatch: number): void {
  const wanted = Number(Atomics.load(control.words64, word64.wanted));
  if (wanted < 0) return;
  const released = Number(Atomics.load(control.words64, word64.released));
  if (isFilled(control, released * runsPerBatch, wanted * runsPerBatch)) ring(control, word32.consumerBell);
}

/** The same of any ring of runs. */
export function markFilledIn(done: Int32Array, run: number): void {
  Atomics.store(done, run % done.length, generationOf(run, done.length));
}

/** How often the place of a run has been filled once that run is there. */
export function generationOf(run: number, ringRuns: number): number {
  return (Math.floor(run / ringRuns) + 1) | 0;
}

/** Whether the runs [from, to) are filled. */
export function isFilled({ done }: Control, from: number, to: number): boolean {
  return isFilledIn(done, from, to);
}

/**
 * Whether less than half of a loop's ring is filled, and there is room for a run that nobody reads yet. What is being
 * read does not count as filled: of a ring of few runs, that may be all, and the consumer waits.
 *
 * @param end number after that of the last batch
 */
export function isShort(
  control: Control,
  { places, runsPerBatch }: { places: number; runsPerBatch: number },
  end: number,
): boolean {
  const claimed = Number(Atomics.load(control.words64, word64.claimed));
  const released = Number(Atomics.load(control.words64, word64.released));
  if (claimed >= Math.min(end, released + places) * runsPerBatch) return false;
  return filledAfter(control, released * runsPerBatch) < (places * runsPerBatch) / 2;
}

/** Runs that are filled from one on, without a gap. */
export function filledAfter({ done }: Control, from: number): number {
  const ringRuns = done.length;
  let run = from;
  while (run < from + ringRuns && Atomics.load(done, run % ringRuns) === generationOf(run, ringRuns))
    run += 1;
  return run - from;
}

/**
 * The same of any ring of runs. The last is looked at first: runs are claimed in order, so if any is missing it is most
 * likely that one, and the answer costs one look.
 */
export function isFilledIn(done: Int32Array, from: number, to: number): boolean {
  const ringRuns = done.length;
  for (let run = to - 1; run >= from; run -= 1) {
    if (Atomics.load(done, run % ringRuns) !== generationOf(run, ringRuns)) return false;
  }
  return true;
}
