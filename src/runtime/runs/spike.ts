/**
 * Spike protection (spec BUD-7): a run that costs far more than its agent's runs do pauses and asks, once, and again each time its cost has
 * doubled since.
 */
import type { EventOf } from '../../kernel/events.ts';
import { amountText } from '../../kernel/amount.ts';
import type { Action } from './action.ts';
import type { Context } from './rules.ts';

const TIMES_MEDIAN = 5;
const LEAST_RUNS = 10;

/** Compared is what runs cost by themselves: children have agents of their own. Null when there is nothing to compare with. */
export function checkSpike({ state, rules }: Context): Action | null {
  const cost = state.own.costMicroUsd;
  if (cost === 0) return null;
  const costs = rules.history.flatMap(({ costMicroUsd }) => (costMicroUsd === null ? [] : [costMicroUsd])).toSorted((a, b) => a - b);
  if (costs.length < LEAST_RUNS) return null;
  const median = ((costs[Math.floor((costs.length - 1) / 2)] ?? 0) + (costs[Math.ceil((costs.length - 1) / 2)] ?? 0)) / 2;
  if (median === 0 || cost <= median * TIMES_MEDIAN) return null;
  if (state.spike !== null && cost < state.spike.event.costMicroUsd * 2) return null;
  return { do: 'record', events: [{ type: 'budget.spiked', costMicroUsd: cost, medianMicroUsd: Math.round(median), runs: costs.length }] };
}

export function spikeText({ costMicroUsd, medianMicroUsd, runs }: EventOf<'budget.spiked'>): string {
  const [cost, median] = [amountText('micro_usd', costMicroUsd), amountText('micro_usd', medianMicroUsd)];
  return `It has cost ${cost}, more than ${TIMES_MEDIAN} times the ${median} that the last ${runs} runs of its agent cost in the median. Resume it to let it go on, or cancel it.`;
}
