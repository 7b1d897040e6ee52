/** What an event makes of the state, and what has to be done outside. Pure. */
import { describeEvent } from '../cli/describe-event.ts';
import { duration } from '../cli/format.ts';
import type { Line, Style } from '../cli/terminal.ts';
import type { EntryView } from '../../runtime/runs/contract.ts';
import { press } from './press.ts';
import type { Effect, Event, RunOverlay, Snapshot, State, Step } from './state.ts';
import { approvalsOf, runsOf } from './state.ts';

/** Entries of a run that are kept; the oldest go first. */
export const ENTRIES_KEPT = 2_000;
/** Of one entry: more does not fit any line. */
const ENTRY_CHARS = 500;

export function update(state: State, event: Event): Step {
  switch (event.type) {
    case 'key':
      return press(state, event.key);
    case 'size':
      return { state: { ...state, size: event.size }, effects: [{ kind: 'redraw' }] };
    case 'tick':
      return still({ ...state, nowMs: event.nowMs });
    case 'snapshot':
      return refreshed({ ...state, url: event.url, nowMs: event.nowMs, link: { kind: 'live' } }, event.snapshot);
    case 'away': {
      const sinceMs = state.link.kind === 'away' ? state.link.sinceMs : event.nowMs;
      return still({ ...state, nowMs: event.nowMs, link: { kind: 'away', sinceMs, why: event.why } });
    }
    case 'run':
      return still(readRun(state, event));
    case 'approval': {
      const { overlay } = state;
      if (overlay?.kind !== 'approval' || overlay.id !== event.detail.id) return still(state);
      return still({ ...state, overlay: { ...overlay, detail: event.detail } });
    }
    case 'unread':
      return still({ ...state, said: { ok: false, text: event.why } });
    case 'answered':
      return { state: answered(state, event), effects: [{ kind: 'refresh' }] };
  }
}

function still(state: State): Step {
  return { state, effects: [] };
}

/** What is open is read again when the server says that it has grown. */
function refreshed(before: State, snapshot: Snapshot): Step {
  const state = { ...before, snapshot };
  const runs = runsOf(state);
  const selected = runs.some((run) => run.id === state.selected) ? state.selected : (runs[0]?.id ?? null);
  const { overlay } = state;
  const effects: Effect[] = [];
  if (overlay?.kind === 'run') {
    const run = runs.find((each) => each.id === overlay.id);
    const current = overlay.detail !== null && (run === undefined || (run.headSeq <= overlay.lastSeq && run.status === overlay.detail.status));
    if (!current) effects.push({ kind: 'readRun', id: overlay.id, after: overlay.lastSeq });
  }
  if (overlay?.kind === 'approval' && (overlay.detail?.state ?? 'open') === 'open') {
    const open = approvalsOf(state).some((each) => each.id === overlay.id);
    if (overlay.detail === null || !open) effects.push({ kind: 'readApproval', id: overlay.id });
  }
  return { state: { ...state, selected }, effects };
}

function readRun(state: State, { detail, entries, skipped }: Extract<Event, { type: 'run' }>): State {
  const { overlay } = state;
  if (overlay?.kind !== 'run' || overlay.id !== detail.id) return state;
  // Two reads may cross: what is known already is not shown twice.
  const fresh = entries.filter((entry) => entry.seq > overlay.lastSeq);
  const all = [...overlay.entries, ...fresh.map((entry) => entryLine(entry, detail.createdAtMs))];
  const next: RunOverlay = {
    ...overlay,
    detail,
    entries: all.slice(-ENTRIES_KEPT),
    lastSeq: fresh.at(-1)?.seq ?? overlay.lastSeq,
    skipped: (overlay.entries.length === 0 ? skipped : overlay.skipped) + Math.max(0, all.length - ENTRIES_KEPT),
  };
  return { ...state, overlay: next };
}

function answered(state: State, { ok, text, approval }: Extract<Event, { type: 'answered' }>): State {
  // What was answered well is no longer a question: the screen behind it comes back.
  const overlay = ok && state.overlay?.kind === 'approval' && state.overlay.id === approval ? null : state.overlay;
  return { ...state, overlay, pending: Math.max(0, state.pending - 1), said: { ok, text } };
}

const STYLES: readonly (readonly [RegExp, Style])[] = [
  [/failed|denied|rejected|exhausted|tripped|guardrail|unknown/, 'red'],
  [/^approval|waiting|warned/, 'yellow'],
  [/^run\.ended/, 'bold'],
  [/^(?:tool\.done|model\.replied)/, 'green'],
];

/** `12  +3.2 s  tool.done  fs_read, 120 ms: …`. */
function entryLine(entry: EntryView, createdAtMs: number): Line {
  const since = `+${duration(Math.max(0, entry.atMs - createdAtMs))}`;
  const head: Line = [['dim', `${String(entry.seq).padStart(4)}  ${since.padStart(11)}  `]];
  if (entry.event === null) return [...head, ['dim', 'deleted']];
  const { type } = entry.event;
  const style = STYLES.find(([pattern]) => pattern.test(type))?.[1] ?? 'cyan';
  return [...head, [style, type.padEnd(18)], `  ${describeEvent(entry.event).slice(0, ENTRY_CHARS)}`];
}
