// Rows that are wrong in the same way, for a message: how many, and the first ten by name, however many there are.

/** Rows that a message names. */
const shownRows = 10;

export class NamedRows {
  count = 0;
  /** The first rows by their place, in order. */
  readonly #first: { place: number; name: string }[] = [];

  /** @param place decides which rows are the first */
  add(place: number, name: string): void {
    this.count += 1;
    if (this.#first.length === shownRows && place >= this.#first.at(-1)!.place) return;
    this.#first.push({ place, name });
    this.#first.sort((a, b) => a.place - b.place);
    if (this.#first.length > shownRows) this.#first.pop();
  }

  toString(): string {
    const more = this.count - this.#first.length;
    return this.#first.map(({ name }) => name).join(", ") + (more > 0 ? `, and ${more} more` : "");
  }
}
