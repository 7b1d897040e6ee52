/** What costs the same every month whatever is called (spec BUD-10): shown beside what is metered, and capped by nothing. Pure. */
import { z } from 'zod';

const Usd = z.number().positive().max(100_000_000);
/** Of what is bought once: hardware is written off over three years where nobody says otherwise. */
const MONTHS = 36;

export const FixedCosts = z.record(
  z.string().trim().min(1).max(100),
  z.union([
    z.strictObject({ usdPerMonth: Usd.meta({ description: 'A subscription, hosting.' }) }),
    z.strictObject({
      usd: Usd.meta({ description: 'What was paid once, as for hardware.' }),
      months: z.int().min(1).max(240).default(MONTHS).meta({ description: 'Over how many months it is spread.' }),
      from: z.iso.date().optional().meta({ description: 'Its first day: it counts from then for so many months; always when left out.' }),
    }),
  ]),
);
export type FixedCosts = z.infer<typeof FixedCosts>;

export type FixedShare = { name: string; monthMicroUsd: number; endsAtMs: number | null };

/** What of them counts now, dearest first; money is rounded up. */
export function fixedNow(costs: FixedCosts, nowMs: number): FixedShare[] {
  return Object.entries(costs)
    .flatMap(([name, cost]): FixedShare[] => {
      if ('usdPerMonth' in cost) return [{ name, monthMicroUsd: micro(cost.usdPerMonth), endsAtMs: null }];
      const { usd, months, from } = cost;
      const share = { name, monthMicroUsd: micro(usd / months) };
      if (from === undefined) return [{ ...share, endsAtMs: null }];
      const beginsAtMs = Date.parse(from);
      const endsAtMs = monthsLater(beginsAtMs, months);
      return nowMs < beginsAtMs || nowMs >= endsAtMs ? [] : [{ ...share, endsAtMs }];
    })
    .toSorted((a, b) => b.monthMicroUsd - a.monthMicroUsd || (a.name < b.name ? -1 : 1));
}

function micro(usd: number): number {
  return Math.ceil(Number((usd * 1_000_000).toFixed(3)));
}

function monthsLater(ms: number, months: number): number {
  const date = new Date(ms);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, date.getUTCDate());
}
