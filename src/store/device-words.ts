// What is shared between who measures a device and the threads that read for it: words, and which blocks are read. Apart
// from the thread's own file, which nobody may import: it starts to work when it is loaded in a worker.

/** Numbers of the shared words; from `counts` on one for each thread. */
export const deviceWord = {
  /** Raised for each measurement. */
  turn: 0,
  isRunning: 1,
  blockBytes: 2,
  isSequential: 3,
  /** Threads with lower numbers take part. */
  active: 4,
  isOver: 5,
  /** Threads that are through with the turn, whether they took part or not: the next one waits for all. */
  stopped: 6,
  counts: 8,
} as const;

export interface DeviceThreadStart {
  words: Int32Array<SharedArrayBuffer>;
  thread: number;
  files: readonly { path: string; byteLength: number }[];
  isDirect: boolean;
  /** Room for the largest block, on a page of its own. */
  memory: WebAssembly.Memory;
}

/** The blocks that one reader asks for, one after another or anywhere. */
export function* blocksOf(
  files: DeviceThreadStart["files"],
  blockBytes: number,
  isSequential: boolean,
  thread: number,
): Generator<{ file: number; startByte: number }, never, undefined> {
  const counts = files.map(({ byteLength }) => Math.floor(byteLength / blockBytes));
  const total = counts.reduce((sum, count) => sum + count, 0);
  for (let at = Math.floor(((thread % 16) / 16) * total); ; at += 1) {
    let block = isSequential ? at % total : Math.floor(Math.random() * total);
    let file = 0;
    while (block >= counts[file]!) {
      block -= counts[file]!;
      file += 1;
    }
    yield { file, startByte: block * blockBytes };
  }
}
