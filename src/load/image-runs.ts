// Runs of samples with encoded images: read as others are, and then their images one after another, each waited for.
// Rule: one run at a time in each lane; what is kept of a run while its images are decoded is that lane's own.

import { locate, type Schedule } from "../order/schedule.js";
import { ImageReader } from "./image-reader.js";
import type { ReaderJob, ReaderStart } from "./messages.js";
import { RunReader } from "./run-reader.js";
import type { SampleFiles } from "./sample-reader.js";

export class ImageRuns {
  readonly reader: RunReader;
  readonly #schedule: Schedule;
  readonly #images: ImageReader;

  private constructor(reader: RunReader, schedule: Schedule, images: ImageReader) {
    this.reader = reader;
    this.#schedule = schedule;
    this.#images = images;
  }

  /** @throws SpillwayError `missing` if images cannot be decoded here */
  static async create(start: ReaderStart, job: ReaderJob, files: SampleFiles): Promise<ImageRuns> {
    const images = await ImageReader.create(start, job, files);
    return new ImageRuns(new RunReader(start, job, files), job.schedule, images);
  }

  /** Fills slots from `slot` on with the samples of counts [from, to), in a lane that is free. */
  async read(from: number, to: number, slot: number, lane: number): Promise<void> {
    const { ids, rows } = this.reader.read(from, to, slot);
    // Other lanes use the same place for their runs.
    const samples = Array.from({ length: to - from }, (_, k) => ({ id: ids[k]!, row: rows[k]! }));
    const since = performance.now();
    for (const [k, { id, row }] of samples.entries()) {
      const { epoch } = locate(this.#schedule, from + k);
      await this.#images.read({ epoch, sample: id }, row, slot + k, lane);
    }
    this.reader.decoded(since);
  }
}
