/**
 * Outcomes that wait a moment for the next call's reservation, so that both are one commit: a client that asks one thing after the other then
 * waits for one commit a call instead of two. What was never sent is given back at once. The ledger itself is `platform/budgets`.
 */
import type { Clock } from '../../kernel/clock.ts';
import type { CallOutcome, Ledger } from '../../platform/budgets/ledger.ts';
import type { Log } from '../../platform/telemetry/log.ts';
import { COMPANY_MS, COMPANY_MAX } from './limits.ts';

export type Settlements = {
  begin: Ledger['begin'];
  /** Never throws: what cannot be written stays reserved until the sweep settles it, so nothing is spent unseen. */
  settle(call: string, outcome: CallOutcome): void;
  /** Once all that was handed in is written. */
  written(): Promise<void>;
};

export function createSettlements({ ledger, clock, log }: { ledger: Ledger; clock: Clock; log: Log }): Settlements {
  const waiting: { call: string; outcome: CallOutcome }[] = [];
  const pending = new Set<Promise<void>>();
  let timer = false;

  const write = (call: string, outcome: CallOutcome): void => {
    const writing = ledger
      .end(call, outcome)
      .then(
        () => undefined,
        (error: unknown) => log('warn', 'the outcome of a model call was not written', { call, error }),
      )
      .finally(() => pending.delete(writing));
    pending.add(writing);
  };
  const flush = (): void => {
    for (const { call, outcome } of waiting.splice(0)) write(call, outcome);
  };
  const soon = async (): Promise<void> => {
    await clock.sleep(COMPANY_MS);
    timer = false;
    flush();
  };
  return {
    begin(planned) {
      flush();
      return ledger.begin(planned);
    },
    settle(call, outcome) {
      if (outcome.kind === 'not_sent') {
        write(call, outcome);
        return;
      }
      waiting.push({ call, outcome });
      if (waiting.length >= COMPANY_MAX) flush();
      if (timer) return;
      timer = true;
      void soon();
    },
    async written() {
      flush();
      await Promise.allSettled(pending);
    },
  };
}
