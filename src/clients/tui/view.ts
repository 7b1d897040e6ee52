/** The whole screen. Pure: a state is always the same lines, as many as the terminal has rows, none wider than it has columns. */
import { renderCount } from '../../kernel/page.ts';
import { duration, plural } from '../cli/format.ts';
import type { Line, Segment } from '../cli/terminal.ts';
import { cut, paint, printable, width } from '../cli/terminal.ts';
import type { Picture } from './draw.ts';
import { ERASE } from './draw.ts';
import { arrangement, COLUMNS_MIN, ROWS_MIN } from './layout.ts';
import { overlayView } from './overlays.ts';
import { listed, runList, sidePane } from './panes.ts';
import type { State } from './state.ts';
import { filled, fitted } from './wrap.ts';

const PROMPT = '> ';
const HINT = '/help lists commands; Enter opens the selected run, Tab errors and details';

export type View = { readonly lines: readonly Line[]; readonly row: number; readonly column: number };

export function view(state: State): View {
  const { columns, rows } = state.size;
  if (columns < COLUMNS_MIN || rows < ROWS_MIN) {
    const lines = filled([`At least ${COLUMNS_MIN} x ${ROWS_MIN} is needed;`, `this is ${columns} x ${rows}. Ctrl-C quits.`], rows);
    return { lines: lines.map((line) => cut(line, Math.max(1, columns))), row: 0, column: 0 };
  }
  const body = state.overlay === null ? mainBody(state) : overlayView(state, state.overlay);
  const prompt = promptLine(state);
  const lines = [titleLine(state), ...body, saidLine(state), countsLine(state), prompt.line].map((line) => cut(line, columns));
  return { lines, row: rows - 1, column: Math.min(columns - 1, prompt.column) };
}

/** As it is written on the terminal. */
export function pictureOf(state: State, colours: boolean): Picture {
  const { lines, row, column } = view(state);
  const written = lines.map((line) => `${paint(line, colours).replaceAll('\n', ' ')}${width(line) < state.size.columns ? ERASE : ''}`);
  return { lines: written, row, column };
}

function mainBody(state: State): Line[] {
  const arranged = arrangement(state);
  switch (arranged.kind) {
    case 'list':
      return runList(state, arranged.list);
    case 'side':
      return sidePane(state, arranged.side);
    case 'below':
      return [...runList(state, arranged.list), [['dim', '─'.repeat(state.size.columns)]], ...sidePane(state, arranged.side)];
    case 'beside': {
      const right = sidePane(state, arranged.side);
      return runList(state, arranged.list).map((line, row): Line => [
        ...fitted(line, arranged.list.columns),
        ['dim', ' │ '],
        ...asSegments(right[row] ?? ''),
      ]);
    }
  }
}

function asSegments(line: Line): readonly Segment[] {
  return typeof line === 'string' ? [line] : line;
}

function titleLine(state: State): Line {
  const { snapshot, url, size, link, nowMs } = state;
  const me = snapshot?.me.ok === true ? `  ${snapshot.me.value.actor.name} (${snapshot.me.value.role})` : '';
  const right: Segment =
    link.kind === 'live'
      ? ['green', 'live']
      : link.kind === 'connecting'
        ? ['dim', 'connecting']
        : ['red', `away for ${duration(Math.max(1_000, nowMs - link.sinceMs)).replace(/\.\d s/, ' s')}`];
  const list = listed(state);
  const left: Line = [['bold', 'windlass top'], list === '' ? '' : `  ${list}`, ['dim', `${me}  ${url}`]];
  const room = size.columns - width([right]) - 1;
  return [...fitted(left, room), ' ', right];
}

/** What came of the last command, or why the server is away. */
function saidLine({ said, link, pending }: State): Line {
  if (said !== null) return [[said.ok ? 'green' : 'yellow', said.text.replaceAll(/\s+/g, ' ')]];
  if (pending > 0) return [['dim', `${plural(pending, 'command')} under way …`]];
  if (link.kind === 'away') return [['red', `${link.why} Trying again.`]];
  return '';
}

/** Figures of the server; what it did not tell is said to be unknown. */
function countsLine({ snapshot, link, size }: State): Line {
  if (snapshot === null) return [['dim', link.kind === 'away' ? 'counts unknown' : '']];
  const { stats, approvals } = snapshot;
  const asks = approvals.ok ? approvals.value.total : null;
  const asked = asks === null ? 'questions unknown' : `${renderCount(asks)} to answer`;
  const waits = asks === null || asks.kind !== 'exact' || asks.value > 0;
  const parts: readonly Segment[] = stats.ok
    ? [
        ['cyan', `${stats.value.running} running`],
        `${stats.value.queued} queued`,
        `${stats.value.waiting} waiting`,
        [waits ? 'yellow' : 'dim', asked],
        [stats.value.failedLastHour > 0 ? 'red' : 'dim', `last hour ${stats.value.failedLastHour} of ${stats.value.endedLastHour} failed`],
      ]
    : [
        ['yellow', 'counts unknown'],
        [waits ? 'yellow' : 'dim', asked],
      ];
  const stale: readonly Segment[] = link.kind === 'away' ? [['red', 'as last known: ']] : [];
  return cut([...stale, ...parts.flatMap((part, i): Segment[] => (i === 0 ? [part] : ['  ', part]))], size.columns);
}

/** The line with its cursor in sight: what does not fit is left out at the left. */
function promptLine({ prompt, size }: State): { line: Line; column: number } {
  const before = printable(prompt.before).replaceAll('\n', ' ');
  if (before === '' && prompt.after === '')
    return {
      line: [
        ['cyan', PROMPT],
        ['dim', HINT],
      ],
      column: PROMPT.length,
    };
  const room = size.columns - PROMPT.length - 2;
  let shown = before;
  if (width(shown) > room) {
    const chars = Array.from(before).slice(-room);
    while (width(chars.join('')) > room - 1) chars.shift();
    shown = `…${chars.join('')}`;
  }
  return { line: [['cyan', PROMPT], shown, prompt.after], column: PROMPT.length + width(shown) };
}
