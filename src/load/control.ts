// The control block of a loop: a few words of shared memory by which one consumer and its readers agree, and the ring
// that they agree on. Samples are numbered by the loop's own count; count c lies in slot c % slots. A run is
// `runLength` counts, and a reader's unit of work.
//
//   counts   ...released ...... delivered ...... ready ...... claimed ...... released + slots
//            free again   with the user   waiting      being read       not to be touched yet
//
// Rule: released <= ready <= claimed <= released + slots. Counters are BigInt64: 32 bits wrap at 2^31 samples.
//
// Who writes what
//   claimed   readers: the next run that nobody has taken (added to atomically)
//   released  consumer: counts below it may be overwritten
//   wanted    consumer: the count that it sleeps for, or -1; a reader that completes it wakes the consumer
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

/** The generation that marks run `run` as filled; it wraps after 2^31 rounds of the ring. */
export function generationOf(run: number, ringRuns: number): number {
  return (Math.floor(run / ringRuns) + 1) | 0;
}

/** Whether every run that holds counts of [from, to) is filled. */
export function isReady(control: Control, from: number, to: number, runLength: number): boolean {
  const ringRuns = control.done.length;
  const end = Math.ceil(to / runLength);
  for (let run = Math.floor(from / runLength); run < end; run += 1) {
    if (Atomics.load(control.done, run % ringRuns) !== generationOf(run, ringRuns)) return false;
  }
  return true;
}
