// A reader's work for a stream: makes batches for trainers that have augmentation, and reads runs that some trainer
// wants and no other still needs the place of. See stream-control.ts for the words.
// Rule: a reader that has claimed a run goes on making batches while it waits for room: room may depend on that. What goes
// wrong in making a trainer's batches ends that trainer, and not the reading for the others.

import { recordError } from "../errors.js";
import { markFilled, word32 } from "./control.js";
import { inLanes } from "./lanes.js";
import type { MakingFailed, MakingJob, ReaderStart, StreamJob } from "./messages.js";
import { RunReader } from "./run-reader.js";
import type { SampleFiles } from "./sample-reader.js";
import { entry64, entryState, maxTrainers, StreamControl } from "./stream-control.js";
import { Maker } from "./stream-maker.js";

/** How a reader that is at work talks with the main thread. */
export interface Talk {
  /** What was said of new trainers meanwhile, one at a time. */
  listen(): MakingJob | undefined;
  tell(word: MakingFailed): void;
}

/** Works until the stream is stopped. @throws SpillwayError of reading */
export async function runStreamJob(
  start: ReaderStart,
  job: StreamJob,
  files: SampleFiles,
  { listen, tell }: Talk,
): Promise<void> {
  const { plan, schedule, reservation } = job;
  const { runLength } = plan;
  const ringRuns = plan.places * plan.runsPerBatch;
  const memory = start.segments[reservation.segment]!;
  const stream = new StreamControl(memory, reservation.address, reservation.address + job.entries, {
    runLength,
    ringRuns,
  });
  const filler = await createFiller(start, job, files, stream);
  const makers: Maker[] = [];
  /** Does something for a trainer; undefined if that went wrong, which then ends the trainer. */
  const serve = async <Result>(
    { trainer, serial }: Pick<MakingJob, "trainer" | "serial">,
    work: () => Result,
  ): Promise<Awaited<Result> | undefined> => {
    stream.addMakers(trainer, 1);
    try {
      // Looked at after saying that one is at work: who takes the memory back looks the other way round.
      if (stream.isEntered(trainer, serial)) return await work();
    } catch (thrown) {
      tell({ type: "making-failed", loop: job.loop, trainer, serial, error: recordError(thrown) });
      stream.failTrainer(trainer, serial);
    } finally {
      if (stream.addMakers(trainer, -1) === 0 && !stream.isEntered(trainer, serial))
        stream.wakeTrainer(trainer);
    }
    return undefined;
  };
  const { words32 } = stream.control;
  let next = 0;
  let heard = 0;
  await inLanes(
    filler.lanes,
    () => stream.wakeReaders(),
    async (lane, hasFailed) => {
      let claimed = -1;
      for (;;) {
        const bell = Atomics.load(words32, word32.readerBell);
        if (stream.isStopped || hasFailed()) return;
        if (stream.told !== heard) {
          heard = stream.told;
          for (let making = listen(); making; making = listen()) {
            // Words of a stream that has ended meanwhile may come late.
            if (making.loop !== job.loop) continue;
            const told = making;
            const maker = await serve(told, () => Maker.create(start, job, told, stream));
            if (maker) makers.push(maker);
          }
        }
        // Taken in turn, so that no trainer is served first always.
        let hasMade = false;
        for (let k = 0; k < makers.length && !hasMade; k += 1) {
          next = (next + 1) % makers.length;
          const maker = makers[next]!;
          hasMade = (await serve(maker, () => maker.work())) ?? false;
        }
        if (hasMade) continue;
        for (let k = makers.length - 1; k >= 0; k -= 1) {
          const { trainer, serial } = makers[k]!;
          if (!stream.isEntered(trainer, serial)) makers.splice(k, 1);
        }
        if (claimed < 0 && filler.rested()) continue;
        if (claimed < 0) claimed = claimRun(stream);
        if (claimed >= 0 && stream.hasRoom(claimed)) {
          const from = claimed * runLength;
          const to = Math.min(from + runLength, schedule.total);
          const filling = filler.fill(from, to, (claimed % ringRuns) * runLength, lane);
          // A promise costs more than a small run: only where there is something to wait for.
          if (filling) await filling;
          markFilled(stream.control, claimed);
          claimed = -1;
          wakeTrainers(stream);
          // Others may sleep for these samples to make batches of them, also while this one has not heard of the trainer.
          if (stream.told > 0) stream.wakeReaders();
          continue;
        }
        const sleeping = filler.sleep(bell);
        if (sleeping) await sleeping;
      }
    },
  );
}

/** How a reader fills runs and sleeps: blocking, or in several lanes that wait where images are decoded. */
interface Filler {
  lanes: number;
  fill(from: number, to: number, slot: number, lane: number): Promise<void> | undefined;
  /** Has rested a little, because others are enough. */
  rested(): boolean;
  /** Until the readers' bell has rung since it was `bell`. */
  sleep(bell: number): Promise<void> | undefined;
}

async function createFiller(
  start: ReaderStart,
  job: StreamJob,
  files: SampleFiles,
  { control: { words32 } }: StreamControl,
): Promise<Filler> {
  if (!start.table.columns.some(({ encoded }) => encoded)) {
    const reader = new RunReader(start, job, files);
    return {
      lanes: 1,
      fill: (from, to, slot) => void reader.read(from, to, slot),
      rested: () => reader.rested(words32),
      sleep(bell) {
        const since = performance.now();
        Atomics.wait(words32, word32.readerBell, bell);
        reader.slept(since);
        return undefined;
      },
    };
  }
  const { ImageRuns } = await import("./image-runs.js");
  const runs = await ImageRuns.create(start, job, files);
  return {
    lanes: job.plan.lanes,
    fill: (from, to, slot, lane) => runs.read(from, to, slot, lane),
    rested: () => false,
    async sleep(bell) {
      const since = performance.now();
      const waiting = Atomics.waitAsync(words32, word32.readerBell, bell);
      if (waiting.async) await waiting.value;
      runs.reader.slept(since);
    },
  };
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
  if (!stream.hasSleepers) return;
  for (let trainer = 0; trainer < maxTrainers; trainer += 1) {
    if (!stream.isDrawing(trainer)) continue;
    const wanted = stream.get(trainer, entry64.wanted);
    if (wanted < 0) continue;
    const from = stream.get(trainer, entry64.released);
    const isLost = stream.state(trainer) === entryState.skips && stream.oldestSafe > from;
    if (isLost || stream.isReady(from, wanted)) stream.wakeTrainer(trainer);
  }
}
