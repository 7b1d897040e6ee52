/** When a server that broke may be started again: with backoff, and told to those who will not wait. Holds no process. */
import type { Clock } from '../../../kernel/clock.ts';
import { AppError } from '../../../kernel/errors.ts';
import { backoffMs } from '../../../kernel/retry.ts';

/** A server that lived this long counts as healthy: its failures before are forgotten. */
const HEALTHY_MS = 60_000;
/** How long a caller waits for a pending restart before it is told the reason instead. */
const PATIENCE_MS = 5_000;

export type Restarts = {
  /** Resolves when a start is due. @throws AppError `unavailable` with the last fault when that is too far off, or on shut-down. */
  turn(stop: AbortSignal): Promise<void>;
  broke(why: string, livedMs: number): void;
  /** It did something right. */
  worked(): void;
};

export function createRestarts({ name, clock, random }: { name: string; clock: Clock; random: () => number }): Restarts {
  let failures = 0;
  let retryAtMs = 0;
  let lastFault = '';
  return {
    async turn(stop) {
      const waitMs = retryAtMs - clock.nowMs();
      if (waitMs > PATIENCE_MS) {
        throw new AppError('unavailable', `${lastFault} It failed ${failures} times in a row and is tried again in ${Math.ceil(waitMs / 1000)} s.`);
      }
      if (waitMs > 0) await clock.sleep(waitMs, stop);
      if (stop.aborted) throw new AppError('unavailable', `Server "${name}" is stopped: Windlass is shutting down.`);
    },
    broke(why, livedMs) {
      failures = livedMs >= HEALTHY_MS ? 1 : failures + 1;
      lastFault = why;
      retryAtMs = clock.nowMs() + backoffMs(failures, random());
    },
    worked() {
      failures = 0;
    },
  };
}
