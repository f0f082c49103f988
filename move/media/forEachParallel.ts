/**
 * Runs a function for each item, at most `parallel` at a time. Takes the next item only when a run has ended, so a long
 * listing is not read ahead. After an error no further run begins, and it waits for those that have.
 */
export async function forEachParallel<T>(
  items: AsyncIterator<T> | Iterator<T>,
  parallel: number,
  run: (item: T) => Promise<void>,
): Promise<void> {
  let hasFailed = false;
  const work = async (): Promise<void> => {
    while (!hasFailed) {
      const result = await items.next();
      if (result.done === true) return;
      await run(result.value);
    }
  };
  const workers = Array.from({ length: parallel }, () =>
    work().catch((error: unknown) => {
      hasFailed = true;
      throw error;
    }),
  );
  await Promise.allSettled(workers);
  await Promise.all(workers);
}
