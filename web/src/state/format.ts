/** Numbers and times in words of people. */
import type { Count } from '../../../src/kernel/page.ts';

const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000];
const whole = new Intl.NumberFormat('en');
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const dayAndYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });

export function number(value: number): string {
  return whole.format(value);
}

export function count(value: Count): string {
  if (value.kind === 'unknown') return 'unknown';
  return value.kind === 'exact' ? number(value.value) : `at least ${number(value.value)}`;
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`;
}

/** `3 min ago`, `in 2 h`, `14 Nov`. */
export function relative(ms: number, nowMs: number): string {
  const away = Math.abs(nowMs - ms);
  if (away < 10 * SECOND) return 'now';
  const size =
    away < MINUTE
      ? `${Math.floor(away / SECOND)} s`
      : away < HOUR
        ? `${Math.floor(away / MINUTE)} min`
        : away < DAY
          ? `${Math.floor(away / HOUR)} h`
          : away < 30 * DAY
            ? `${Math.floor(away / DAY)} d`
            : null;
  if (size === null) return (Math.abs(away) < 300 * DAY ? day : dayAndYear).format(ms);
  return ms > nowMs ? `in ${size}` : `${size} ago`;
}

export function exactTime(ms: number): string {
  return exact.format(ms);
}

export function clockTime(ms: number): string {
  return clock.format(ms);
}

/** `740 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(ms: number): string {
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)} s`;
  if (ms < MINUTE) return `${Math.round(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ${Math.floor((ms % MINUTE) / SECOND)} s`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ${Math.floor((ms % HOUR) / MINUTE)} min`;
  return `${Math.floor(ms / DAY)} d ${Math.floor((ms % DAY) / HOUR)} h`;
}

/** Dollars of a cost that may be a lower bound. */
export function money({ microUsd, known }: { microUsd: number; known: boolean }): string {
  const usd = microUsd / 1_000_000;
  const text =
    usd === 0 ? '$0' : usd < 0.01 ? `$${usd.toFixed(4)}` : `$${usd.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
  return known ? text : `≥ ${text}`;
}

/** `12.3k` of tokens; the exact number belongs beside it on hover. */
export function tokens(value: number): string {
  if (value < 1_000) return String(value);
  return value < 1_000_000 ? `${(value / 1_000).toFixed(value < 10_000 ? 1 : 0)}k` : `${(value / 1_000_000).toFixed(1)}M`;
}

/** What keeps an id apart from others of its kind: its last six characters. */
export function shortId(id: string): string {
  return id.length > 12 ? id.slice(-6) : id;
}

/** `820 B`, `3.4 kB`, `12 MB`, `1.2 GB`. */
export function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  const [value, unit] =
    bytes < 1_000_000 ? [bytes / 1_000, 'kB'] : bytes < 1_000_000_000 ? [bytes / 1_000_000, 'MB'] : ([bytes / 1_000_000_000, 'GB'] as const);
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}
