// Rows by their content hash: a hash table in flat arrays, 8 bytes of hash and 4 of row for each content, and 4 for
// each slot. It grows with the number of different contents, not of rows.

const emptySlot = -1;
/** Slots for each entry, at least. */
const spare = 1.5;

export class ContentTable {
  #lows = new Uint32Array(1024);
  #highs = new Uint32Array(1024);
  /** The row that stands for a content. */
  rows = new Uint32Array(1024);
  /** What the caller has noted of a content, as bits. */
  notes = new Uint8Array(1024);
  #slots = new Int32Array(2048).fill(emptySlot);
  #size = 0;

  /** Different contents so far. */
  get size(): number {
    return this.#size;
  }

  /** The number of the entry of a hash, given as its two halves. A new one stands for `row`; its number was `size`. */
  entryOf(low: number, high: number, row: number): number {
    const mask = this.#slots.length - 1;
    let slot = low & mask;
    for (let entry = this.#slots[slot]!; entry !== emptySlot; entry = this.#slots[slot]!) {
      if (this.#lows[entry] === low && this.#highs[entry] === high) return entry;
      slot = (slot + 1) & mask;
    }
    if (this.#size === this.rows.length) this.#growEntries();
    const entry = this.#size;
    this.#size += 1;
    this.#lows[entry] = low;
    this.#highs[entry] = high;
    this.rows[entry] = row;
    this.notes[entry] = 0;
    this.#slots[slot] = entry;
    if (this.#size * spare > this.#slots.length) this.#growSlots();
    return entry;
  }

  #growEntries(): void {
    const length = this.rows.length * 2;
    const grown = <T extends Uint32Array | Uint8Array>(target: T, from: T): T => {
      target.set(from);
      return target;
    };
    this.#lows = grown(new Uint32Array(length), this.#lows);
    this.#highs = grown(new Uint32Array(length), this.#highs);
    this.rows = grown(new Uint32Array(length), this.rows);
    this.notes = grown(new Uint8Array(length), this.notes);
  }

  #growSlots(): void {
    this.#slots = new Int32Array(this.#slots.length * 2).fill(emptySlot);
    const mask = this.#slots.length - 1;
    for (let entry = 0; entry < this.#size; entry += 1) {
      let slot = this.#lows[entry]! & mask;
      while (this.#slots[slot] !== emptySlot) slot = (slot + 1) & mask;
      this.#slots[slot] = entry;
    }
  }
}
