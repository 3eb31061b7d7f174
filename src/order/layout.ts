// The order in which samples lie on disk where they were shuffled in one pass: row r of n is sample at(r) of the
// permutation of n by the layout's seed. Where samples kept their ids, the loader asks for the place of an id.

import { type Permutation, permutation } from "./permutation.js";

/** Stands for the layout where orders of views have the view's fingerprint: "layout" in hexadecimal digits. */
const layoutView = "6c61796f75740000";

/** The permutation of a shuffled layout of n samples. */
export function layoutPermutation(n: number, seed: number): Permutation {
  return permutation(n, seed, 0, layoutView);
}
