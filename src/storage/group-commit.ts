/**
 * Gathers what is submitted in one tick into one commit, one commit in flight at a time: while it is under way the next
 * batch gathers, so that batches grow with the load by themselves. Knows nothing of what is committed.
 */

export type GroupCommit<T, R> = {
  /** Resolves, or rejects, with the outcome of the commit that carried the item. */
  submit(item: T): Promise<R>;
};

/**
 * `commit` gets up to `batchMax` items, no two with the same key, and answers in the same order; when it rejects, every
 * item of the batch does.
 */
export function createGroupCommit<T, R>(options: {
  commit(batch: readonly T[]): Promise<readonly R[]>;
  keyOf(item: T): string;
  batchMax: number;
}): GroupCommit<T, R> {
  type Waiting = { item: T; resolve: (result: R) => void; reject: (reason: unknown) => void };
  let waiting: Waiting[] = [];
  let running = false;

  const takeBatch = (): Waiting[] => {
    const keys = new Set<string>();
    const batch: Waiting[] = [];
    const rest: Waiting[] = [];
    for (const each of waiting) {
      const key = options.keyOf(each.item);
      const fits = batch.length < options.batchMax && !keys.has(key);
      (fits ? batch : rest).push(each);
      keys.add(key);
    }
    waiting = rest;
    return batch;
  };

  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      // everything that this turn of the event loop still has to submit belongs to the batch
      await new Promise((resolve) => setImmediate(resolve));
      const batch = takeBatch();
      try {
        const results = await options.commit(batch.map((each) => each.item));
        batch.forEach((each, index) => each.resolve(results[index] as R));
      } catch (error) {
        for (const each of batch) each.reject(error); // handed to every caller of the batch
      }
    }
    running = false;
  };

  return {
    submit(item) {
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        if (running) return;
        running = true;
        void run();
      });
    },
  };
}
