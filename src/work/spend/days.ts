/** Rows of spend as days and parts in step with each other: a day without a call is there with zeros. Pure. */
import type { DayPart, Figures, SpendDays } from './contract.ts';
import { SPEND_PARTS_SHOWN } from './contract.ts';
import type { DayRow } from './store.ts';

export const DAY_MS = 86_400_000;

export const NO_FIGURES: Figures = {
  microUsd: 0,
  calls: 0,
  rehearsedCalls: 0,
  failedCalls: 0,
  estimatedCalls: 0,
  unpricedCalls: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
};

export function byDay(rows: readonly DayRow[], { sinceMs, days }: { sinceMs: number; days: number }): Pick<SpendDays, 'days' | 'sum' | 'parts'> {
  const all = Array.from({ length: days }, (_, n) => ({ day: dateOf(sinceMs + n * DAY_MS), sinceMs: sinceMs + n * DAY_MS }));
  const figuresOn = (of: readonly DayRow[], day: string): Figures => sumOf(of.filter((row) => row.day === day));
  const partsOf = (of: readonly DayRow[]): DayPart[] => all.map(({ day }) => partOf(figuresOn(of, day)));
  const groups = Map.groupBy(rows, ({ place }) => place);
  const items = [...groups].flatMap(([place, of]) => {
    const [first] = of;
    if (first === undefined || place > SPEND_PARTS_SHOWN) return [];
    const { id, name } = first;
    return [{ id: id === '' ? null : id, name: id === '' ? 'none' : name, sum: sumOf(of), days: partsOf(of) }];
  });
  return {
    days: all.map(({ day, sinceMs: at }) => ({ day, sinceMs: at, ...figuresOn(rows, day) })),
    sum: sumOf(rows),
    parts: {
      ...{ items, shown: items.length, total: { kind: 'exact', value: rows[0]?.total ?? 0 } },
      rest: partsOf(groups.get(SPEND_PARTS_SHOWN + 1) ?? []),
    },
  };
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function sumOf(rows: readonly DayRow[]): Figures {
  const sum = { ...NO_FIGURES };
  for (const { figures } of rows) for (const name of Object.keys(sum) as (keyof Figures)[]) sum[name] += figures[name];
  return sum;
}

function partOf({ microUsd, calls, unpricedCalls, inputTokens, outputTokens }: Figures): DayPart {
  return { microUsd, calls, unpricedCalls, tokens: inputTokens + outputTokens };
}
