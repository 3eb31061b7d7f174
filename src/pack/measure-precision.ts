// measurePrecision(), as users call it; the work is imported when it is first asked for.

import type { PrecisionOptions, PrecisionReport } from "./precision-of-source.js";

export type { FieldPrecision, PrecisionOptions, PrecisionReport } from "./precision-of-source.js";

/**
 * Measures the tensors of a source or a dataset: what each type would cost, and which is the smallest that is safe.
 * Nothing is written.
 *
 * @param path a file or folder, as for `pack`
 * @throws SpillwayError as `pack` for the source; `usage` for a field or an axis that is not there
 */
export async function measurePrecision(
  path: string,
  options: PrecisionOptions = {},
): Promise<PrecisionReport> {
  const { precisionOfSource } = await import("./precision-of-source.js");
  return precisionOfSource(path, options);
}
