// Several flows of work in one thread, of which each waits now and then. They end together.

/**
 * Runs lanes to their end.
 *
 * @param wake called when one has failed: others that sleep are to see it
 * @param work of one lane; it ends soon once another has failed
 * @throws the first lane's error, when all have ended
 */
export async function inLanes(
  count: number,
  wake: () => void,
  work: (lane: number, hasFailed: () => boolean) => Promise<void>,
): Promise<void> {
  let failed = false;
  const lanes = Array.from({ length: count }, async (_, lane) => {
    try {
      await work(lane, () => failed);
    } catch (error) {
      failed = true;
      wake();
      throw error;
    }
  });
  for (const end of await Promise.allSettled(lanes)) if (end.status === "rejected") throw end.reason;
}
