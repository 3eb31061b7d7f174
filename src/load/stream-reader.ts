// A reader's work for a stream: makes batches for trainers that have augmentation, and reads runs that some trainer
// wants and no other still needs the place of. See stream-control.ts for the words.
// Rule: a reader that has claimed a run goes on making batches while it waits for room: room may depend on that.

import { markFilled, word32 } from "./control.js";
import type { MakingJob, ReaderStart, StreamJob } from "./messages.js";
import { RunReader } from "./run-reader.js";
import type { SampleFiles } from "./sample-reader.js";
import { entry64, entryState, maxTrainers, StreamControl } from "./stream-control.js";
import { Maker } from "./stream-maker.js";

/**
 * Works until the stream is stopped.
 *
 * @param listen what was said of new trainers meanwhile, one at a time
 * @throws SpillwayError of reading, or of an augmentation
 */
export async function runStreamJob(
  start: ReaderStart,
  job: StreamJob,
  files: SampleFiles,
  listen: () => MakingJob | undefined,
): Promise<void> {
  const { plan, schedule, reservation } = job;
  const { runLength } = plan;
  const ringRuns = plan.places * plan.runsPerBatch;
  const memory = start.segments[reservation.segment]!;
  const stream = new StreamControl(memory, reservation.address, reservation.address + job.entries, {
    runLength,
    ringRuns,
  });
  const reader = new RunReader(start, job, files);
  const makers: Maker[] = [];
  const { words32 } = stream.control;
  let claimed = -1;
  let next = 0;
  for (;;) {
    const bell = Atomics.load(words32, word32.readerBell);
    if (stream.isStopped) return;
    for (let making = listen(); making; making = listen()) {
      // Words of a stream that has ended meanwhile may come late.
      if (making.loop !== job.loop) continue;
      const known = makers.findIndex(({ trainer }) => trainer === making.trainer);
      if (known >= 0) makers.splice(known, 1);
      makers.push(await Maker.create(start, job, making, stream));
    }
    // Taken in turn, so that no trainer is served first always.
    let hasMade = false;
    for (let k = 0; k < makers.length && !hasMade; k += 1) {
      next = (next + 1) % makers.length;
      hasMade = makers[next]!.work();
    }
    if (hasMade) continue;
    if (claimed < 0) claimed = claimRun(stream);
    if (claimed >= 0 && stream.hasRoom(claimed)) {
      const from = claimed * runLength;
      const to = Math.min(from + runLength, schedule.total);
      reader.read(from, to, (claimed % ringRuns) * runLength);
      markFilled(stream.control, claimed);
      claimed = -1;
      wakeTrainers(stream);
      if (makers.length > 0) stream.wakeReaders();
      continue;
    }
    const since = performance.now();
    Atomics.wait(words32, word32.readerBell, bell);
    reader.slept(since);
  }
}

/** The number of a run that some trainer wants and that has room, now this reader's; -1 where there is none. */
function claimRun(stream: StreamControl): number {
  for (;;) {
    const run = stream.claimedRuns;
    if (run * stream.runLength >= stream.wantedEnd() || !stream.hasRoom(run)) return -1;
    if (stream.claimRun(run)) return run;
  }
}

/** Wakes the trainers that sleep for samples that are now there; those with a ring of their own are woken by makers. */
function wakeTrainers(stream: StreamControl): void {
  for (let trainer = 0; trainer < maxTrainers; trainer += 1) {
    if (stream.state(trainer) === entryState.free) continue;
    const wanted = stream.get(trainer, entry64.wanted);
    if (wanted < 0) continue;
    const from = stream.get(trainer, entry64.released);
    // One that may be made to skip is woken by what is new, whatever it waited for.
    const mayBeLost = stream.state(trainer) === entryState.skips;
    if (mayBeLost || stream.isReady(from, wanted)) stream.wakeTrainer(trainer);
  }
}
