/** Times, durations, money, ids and JSON as people read them. Pure. */
import { RUN_STATUSES } from '../../kernel/run-status.ts';
import type { RunStatus } from '../../kernel/run-status.ts';
import type { Segment, Style, Terminal } from './terminal.ts';

export function statusStyle(status: RunStatus): Style {
  if (status === 'succeeded') return 'green';
  if (RUN_STATUSES[status].countsAsFailure) return 'red';
  return RUN_STATUSES[status].final ? 'dim' : status === 'running' ? 'cyan' : 'yellow';
}

/** `waiting (approval)`. */
export function statusText(run: { status: RunStatus; waitingFor: string | null }): Segment {
  return [statusStyle(run.status), run.waitingFor === null ? run.status : `${run.status} (${run.waitingFor})`];
}

/** `3 s ago`, `2 h ago`; for times ahead `in 5 min`. */
export function relativeTime(atMs: number, nowMs: number): string {
  const seconds = Math.round(Math.abs(nowMs - atMs) / 1000);
  const text =
    seconds < 60
      ? `${seconds} s`
      : seconds < 3600
        ? `${Math.round(seconds / 60)} min`
        : seconds < 172_800
          ? `${Math.round(seconds / 3600)} h`
          : `${Math.round(seconds / 86_400)} d`;
  return atMs > nowMs ? `in ${text}` : `${text} ago`;
}

/** RFC 3339 to the second, in UTC. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  return minutes < 60 ? `${minutes} min ${Math.floor((ms % 60_000) / 1000)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Money in dollars; what is not known is said. */
export function money(cost: { microUsd: number; known: boolean }): string {
  const dollars = `$${(cost.microUsd / 1_000_000).toFixed(cost.microUsd > 0 && cost.microUsd < 10_000 ? 4 : 2)}`;
  return cost.known ? dollars : cost.microUsd > 0 ? `at least ${dollars}` : 'unknown';
}

export function count(number: number): string {
  return number.toLocaleString('en-US');
}

/** `3 turns`, `1 turn`. */
export function plural(number: number, word: string): string {
  return `${count(number)} ${word}${number === 1 ? '' : 's'}`;
}

export function bytes(size: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, size)) / 10));
  return `${(size / 1024 ** step).toFixed(step === 0 ? 0 : 1)} ${units[step] ?? ''}`;
}

const SHORT_CHARS = 8;

/** The end of an id, which every command takes in place of the whole; whole in a pipe. */
export function shortId(terminal: Pick<Terminal, 'live'>, id: string): string {
  return terminal.live ? id.slice(-SHORT_CHARS) : id;
}

/** JSON on one line, cut to `chars`. */
export function compactJson(value: unknown, chars: number): string {
  return ellipsis(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''), chars);
}

/** One line, cut to `chars`. */
export function ellipsis(text: string, chars: number): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > chars ? `${line.slice(0, chars - 1)}…` : line;
}
