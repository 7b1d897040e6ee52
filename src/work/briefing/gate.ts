/** Lets so many through at once, the others in the order they came: a rush of briefings leaves the connections to what is quick. */
import { AppError } from '../../kernel/errors.ts';

export type Gate = <T>(work: () => Promise<T>) => Promise<T>;

/** @throws (from the gate) AppError `unavailable` when `waitingMax` wait already */
export function createGate({ atOnce, waitingMax }: { atOnce: number; waitingMax: number }): Gate {
  let inside = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (inside < atOnce) inside += 1;
    else if (waiting.length < waitingMax) await new Promise<void>((enter) => waiting.push(enter));
    else throw new AppError('unavailable', `${waitingMax} briefings wait already.`, { next: 'Try again in a moment.' });
    try {
      return await work();
    } finally {
      // whoever waited longest takes the place
      const next = waiting.shift();
      if (next === undefined) inside -= 1;
      else next();
    }
  };
}
