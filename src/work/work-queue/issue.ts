/** Rules of the work queue, pure: what labels say of priority and status, what comes first, and what the counts are worth. */
import type { Count } from '../../kernel/page.ts';

export const PRIORITIES = ['urgent', 'high', 'normal', 'low'] as const;
export const STATUSES = ['in_progress', 'ready', 'open', 'blocked'] as const;
export type Priority = (typeof PRIORITIES)[number];
export type Status = (typeof STATUSES)[number];

export type Issue = { number: number; title: string; url: string; labels: string[]; assignees: string[]; updatedAtMs: number };
export type QueueItem = Issue & { project: string; priority: Priority; status: Status };

const PRIORITY_WORDS: readonly [Priority, RegExp][] = [
  ['urgent', /^(p0|urgent|critical|blocker|sev-?[01]|highest)$/],
  ['high', /^(p1|high|important|sev-?2)$/],
  ['normal', /^(p2|normal|medium|sev-?3)$/],
  ['low', /^(p[345]|low|lowest|minor|trivial|nice-to-have)$/],
];
const STATUS_WORDS: readonly [Status, RegExp][] = [
  ['blocked', /^(blocked|on-hold|waiting|needs-info|stalled)$/],
  ['in_progress', /^(in-progress|doing|wip|started|in-review|review)$/],
  ['ready', /^(ready|to-?do|accepted|triaged|next)$/],
];

/** `Priority: High`, `priority/high`, `P1` and `high` are one; a label that says nothing of it says normal. */
export function priorityOf(labels: readonly string[]): Priority {
  return firstOf(labels, /^(priority|prio|severity)-/, PRIORITY_WORDS) ?? 'normal';
}

/** `status: in progress`, `In Progress` and `wip` are one. */
export function statusOf(labels: readonly string[]): Status {
  return firstOf(labels, /^(status|state|stage)-/, STATUS_WORDS) ?? 'open';
}

function firstOf<T>(labels: readonly string[], prefix: RegExp, words: readonly [T, RegExp][]): T | null {
  const plain = labels.map((label) =>
    label
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, '')
      .replace(prefix, ''),
  );
  return words.find(([, word]) => plain.some((label) => word.test(label)))?.[0] ?? null;
}

/** Urgent first; of one priority what is in progress first and what is blocked last, then the one that waits longest. */
export function inOrder(items: readonly QueueItem[]): QueueItem[] {
  return items.toSorted(
    (a, b) =>
      PRIORITIES.indexOf(a.priority) - PRIORITIES.indexOf(b.priority) ||
      STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status) ||
      a.updatedAtMs - b.updatedAtMs,
  );
}

/** One number out of those of many sources: exact when all are, else the least it can be, unknown when none is known (spec BRF-3). */
export function sumCounts(counts: readonly Count[]): Count {
  const known = counts.flatMap((count) => (count.kind === 'unknown' ? [] : [count.value]));
  if (known.length === 0) return { kind: 'unknown', why: counts.length === 0 ? 'there is no source to ask' : 'no source answered' };
  return { kind: counts.every(({ kind }) => kind === 'exact') ? 'exact' : 'at_least', value: known.reduce((sum, value) => sum + value, 0) };
}
