// The words by which the readers of a stream and its trainers agree. A stream is a loop without batches of its own:
// samples are counted from where it started, sample c lies in slot c % slots of the ring, and readers fill it run by run
// (see control.ts for the words `claimed`, `stop`, `failed`, the readers' bell and `done`). Each trainer has an entry:
//
//   released   samples below it may be overwritten, as far as this trainer is concerned
//   end        the count after its last sample: nothing is read that no trainer wants
//   wanted     it sleeps until samples below are there, or -1
//   madeWanted the same in batches, of those with a ring of their own
//
//   samples   ...lowest released ..... filled ..... claimed ..... lowest released + slots
//             free again          with trainers     being read      not to be touched yet
//
// Rule: a reader writes a run only after it has claimed it, and then found it below lowest released + slots; a trainer
// that joins enters itself first and looks at `claimed` then. Whichever comes first, the other one sees it.

import {
  type Control,
  filledAfter,
  isFilled,
  ring,
  stopReaders,
  viewControl,
  word32,
  word64,
} from "./control.js";

/** Trainers of a stream at once. */
export const maxTrainers = 64;

/** Bytes of an entry: two lines of a cache, so that trainers do not disturb each other. */
const entryBytes = 128;

/** Bytes of all entries. */
export const entriesBytes = maxTrainers * entryBytes;

/**
 * What an entry stands for. For one whose batches cannot be made (failed) and for one that is about to leave nobody waits;
 * the entry stays theirs until they have left.
 */
export const entryState = { free: 0, waits: 1, skips: 2, failed: 3, leaving: 4 } as const;

/** Indices of 64-bit words within an entry. */
export const entry64 = {
  released: 0,
  end: 1,
  wanted: 2,
  /** Trainers with a ring of their own: runs claimed, batches whole, batches given back. */
  madeClaimed: 3,
  madeWhole: 4,
  madeReleased: 5,
  /** What the trainer saw so far: batches, samples, microseconds waited and at work, samples skipped. */
  batches: 6,
  samples: 7,
  waitedUs: 8,
  busyUs: 9,
  skipped: 10,
  /** Milliseconds since 1970 at which the trainer began to wait, or below 0 the time at which it got its batch. */
  sinceMs: 11,
  /** 12 and 13 are those of `entry32`. */
  madeWanted: 14,
} as const;

/** Indices of 32-bit words within an entry. */
export const entry32 = { state: 24, bell: 25, makers: 26, serial: 27 } as const;

/** A count that no stream reaches: what trainers without an end want. */
export const endless = 2 ** 60;

/** Among the 32-bit words of the control block: trainers that sleep, and how often readers were told of a new one. */
const sleepers = 12;
const told = 13;

/** The shared words of a stream, as one thread sees them. */
export class StreamControl {
  readonly control: Control;
  readonly runLength: number;
  /** Samples that the ring has room for: a whole number of runs. */
  readonly slots: number;
  readonly #words64: BigInt64Array;
  readonly #words32: Int32Array;

  /** @param entries address of the entries */
  constructor(
    memory: WebAssembly.Memory,
    address: number,
    entries: number,
    { runLength, ringRuns }: { runLength: number; ringRuns: number },
  ) {
    this.control = viewControl(memory, address, ringRuns);
    this.runLength = runLength;
    this.slots = ringRuns * runLength;
    this.#words64 = new BigInt64Array(memory.buffer, entries, entriesBytes / 8);
    this.#words32 = new Int32Array(memory.buffer, entries, entriesBytes / 4);
  }

  /** Sets everything to how a stream begins; before any reader runs. */
  reset(): void {
    this.control.words32.fill(0);
    this.control.done.fill(0);
    this.#words32.fill(0);
    for (let trainer = 0; trainer < maxTrainers; trainer += 1) {
      this.set(trainer, entry64.wanted, -1);
      this.set(trainer, entry64.madeWanted, -1);
    }
  }

  get(trainer: number, word: number): number {
    return Number(Atomics.load(this.#words64, trainer * (entryBytes / 8) + word));
  }

  set(trainer: number, word: number, value: number): void {
    Atomics.store(this.#words64, trainer * (entryBytes / 8) + word, BigInt(Math.min(value, endless)));
  }

  add(trainer: number, word: number, value: number): void {
    Atomics.add(this.#words64, trainer * (entryBytes / 8) + word, BigInt(value));
  }

  /** Raises a word to a value, unless it is there or beyond already; any thread may. */
  raise(trainer: number, word: number, value: number): void {
    const at = trainer * (entryBytes / 8) + word;
    const wanted = BigInt(value);
    let seen = Atomics.load(this.#words64, at);
    while (seen < wanted) {
      const before = Atomics.compareExchange(this.#words64, at, seen, wanted);
      if (before === seen) return;
      seen = before;
    }
  }

  /** Takes a number for oneself: false if another thread was faster. */
  claim(trainer: number, word: number, value: number): boolean {
    const at = trainer * (entryBytes / 8) + word;
    return Atomics.compareExchange(this.#words64, at, BigInt(value), BigInt(value + 1)) === BigInt(value);
  }

  state(trainer: number): number {
    return Atomics.load(this.#words32, trainer * (entryBytes / 4) + entry32.state);
  }

  setState(trainer: number, state: number): void {
    Atomics.store(this.#words32, trainer * (entryBytes / 4) + entry32.state, state);
  }

  /** Says that a trainer sleeps until `wanted`, or with -1 that it is awake. @param word `wanted` or `madeWanted` */
  setWanted(trainer: number, word: number, wanted: number): void {
    const at = trainer * (entryBytes / 8) + word;
    const before = Atomics.exchange(this.#words64, at, BigInt(wanted));
    const change = Number(wanted >= 0) - Number(before >= 0n);
    if (change !== 0) Atomics.add(this.control.words32, sleepers, change);
  }

  /** Whether any trainer sleeps: then readers must hear of every place that becomes free. */
  get hasSleepers(): boolean {
    return Atomics.load(this.control.words32, sleepers) > 0;
  }

  /** Which of those that had the entry one after another a trainer is; to be set before the state is. */
  setSerial(trainer: number, serial: number): void {
    Atomics.store(this.#words32, trainer * (entryBytes / 4) + entry32.serial, serial);
  }

  /** Whether a trainer draws: it is there, and nothing has failed for it. */
  isDrawing(trainer: number): boolean {
    const state = this.state(trainer);
    return state === entryState.waits || state === entryState.skips;
  }

  /** Whether a trainer draws, and is that one. */
  isEntered(trainer: number, serial: number): boolean {
    return this.isDrawing(trainer) && this.#isSerial(trainer, serial);
  }

  /** Marks a trainer as one whose batches cannot be made: nobody waits for it any more. */
  failTrainer(trainer: number, serial: number): void {
    if (!this.isEntered(trainer, serial)) return;
    const at = trainer * (entryBytes / 4) + entry32.state;
    for (const state of [entryState.waits, entryState.skips])
      Atomics.compareExchange(this.#words32, at, state, entryState.failed);
    this.wakeTrainer(trainer);
    this.wakeReaders();
  }

  #isSerial(trainer: number, serial: number): boolean {
    return Atomics.load(this.#words32, trainer * (entryBytes / 4) + entry32.serial) === serial;
  }

  /** Readers that are making a batch of a trainer: its memory is theirs meanwhile. */
  addMakers(trainer: number, count: 1 | -1): number {
    return Atomics.add(this.#words32, trainer * (entryBytes / 4) + entry32.makers, count) + count;
  }

  makers(trainer: number): number {
    return Atomics.load(this.#words32, trainer * (entryBytes / 4) + entry32.makers);
  }

  /** The 32-bit word that a trainer sleeps on, and its place. */
  bell(trainer: number): { words: Int32Array; at: number } {
    return { words: this.#words32, at: trainer * (entryBytes / 4) + entry32.bell };
  }

  wakeTrainer(trainer: number): void {
    const { words, at } = this.bell(trainer);
    Atomics.add(words, at, 1);
    Atomics.notify(words, at);
  }

  /** To be called when a message was posted to the readers: looking for one costs them more than a look at this. */
  noteTold(): void {
    Atomics.add(this.control.words32, told, 1);
    this.wakeReaders();
  }

  /** How many messages there were: above 0 where readers make batches, or did. */
  get told(): number {
    return Atomics.load(this.control.words32, told);
  }

  wakeReaders(): void {
    ring(this.control, word32.readerBell);
  }

  wakeAll(): void {
    this.wakeReaders();
    for (let trainer = 0; trainer < maxTrainers; trainer += 1) this.wakeTrainer(trainer);
  }

  get isStopped(): boolean {
    return Atomics.load(this.control.words32, word32.stop) !== 0;
  }

  get hasFailed(): boolean {
    return Atomics.load(this.control.words32, word32.failed) !== 0;
  }

  stop(): void {
    stopReaders(this.control);
    this.wakeAll();
  }

  /** Numbers the first run that is read; before any reader runs. */
  startAt(run: number): void {
    Atomics.store(this.control.words64, word64.claimed, BigInt(run));
  }

  get claimedRuns(): number {
    return Number(Atomics.load(this.control.words64, word64.claimed));
  }

  /** Takes a run: false if another reader was faster. */
  claimRun(run: number): boolean {
    const wanted = BigInt(run);
    return Atomics.compareExchange(this.control.words64, word64.claimed, wanted, wanted + 1n) === wanted;
  }

  /** Samples from here on are still in the ring and stay there, if the entry of who asks was entered before. */
  get oldestSafe(): number {
    return this.claimedRuns * this.runLength - this.slots;
  }

  /**
   * Samples below may be overwritten: the slowest of those that are waited for; where all may be made to skip, the
   * fastest. Below 0 where nobody is there.
   */
  lowestReleased(): number {
    let lowest = Number.POSITIVE_INFINITY;
    let fastest = -1;
    for (let trainer = 0; trainer < maxTrainers; trainer += 1) {
      const state = this.state(trainer);
      if (state !== entryState.waits && state !== entryState.skips) continue;
      const released = this.get(trainer, entry64.released);
      if (state === entryState.waits) lowest = Math.min(lowest, released);
      else fastest = Math.max(fastest, released);
    }
    return lowest === Number.POSITIVE_INFINITY ? fastest : lowest;
  }

  /** The count after the last sample that any trainer wants. */
  wantedEnd(): number {
    let end = 0;
    for (let trainer = 0; trainer < maxTrainers; trainer += 1) {
      if (this.isDrawing(trainer)) end = Math.max(end, this.get(trainer, entry64.end));
    }
    return end;
  }

  /** Whether the slots of a run may be written. */
  hasRoom(run: number): boolean {
    return (run + 1) * this.runLength - this.slots <= this.lowestReleased();
  }

  /** Whether less than half of the ring is filled, and there is room for a run that some trainer wants and nobody reads yet. */
  get isShort(): boolean {
    const { claimedRuns } = this;
    if (claimedRuns * this.runLength >= this.wantedEnd() || !this.hasRoom(claimedRuns)) return false;
    return this.readyAfter(Math.max(0, this.lowestReleased())) < this.slots / 2;
  }

  /** Whether samples [from, to) are in the ring. */
  isReady(from: number, to: number): boolean {
    const { runLength } = this;
    return isFilled(this.control, Math.floor(from / runLength), Math.ceil(to / runLength));
  }

  /** Samples that are in the ring from `from` on, without a gap. */
  readyAfter(from: number): number {
    const { runLength, control } = this;
    const first = Math.floor(from / runLength);
    const run = first + filledAfter(control, first);
    return Math.max(0, run * runLength - from);
  }
}
