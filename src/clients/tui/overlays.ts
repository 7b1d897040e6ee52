/** What lies over the runs: one of them, a question, lists, help. Pure: state and size in, lines out. */
import { renderCount } from '../../kernel/page.ts';
import { approvalLines } from '../cli/commands/approvals.ts';
import { compactJson, duration, money, plural, relativeTime, statusStyle } from '../cli/format.ts';
import { waysToAnswer } from '../cli/live-view.ts';
import { fields, table } from '../cli/table.ts';
import type { Line } from '../cli/terminal.ts';
import { cut, plain } from '../cli/terminal.ts';
import { budgetLines } from './budget-lines.ts';
import { bodyRows, firstShown } from './layout.ts';
import { short, SLASHES } from './slash.ts';
import type { Overlay, RunOverlay, State } from './state.ts';
import { agentsOf, approvalsOf } from './state.ts';
import { filled, wrapLine } from './wrap.ts';

const TITLES: Readonly<Record<Overlay['kind'], string>> = {
  help: 'Help',
  config: 'Configuration',
  agents: 'Agents',
  budgets: 'Budgets',
  approvals: 'Questions',
  approval: 'Question',
  run: 'Run',
};
const CELL_CHARS = 500;

export function overlayView(state: State, overlay: Overlay): Line[] {
  const { columns } = state.size;
  const rows = Math.max(0, bodyRows(state.size) - 1);
  if (overlay.kind === 'approvals') return [title(overlay, null, columns), ...filled(approvalList(state, overlay, rows), rows)];
  const lines = overlayLines(state, overlay);
  const last = Math.max(0, lines.length - rows);
  const first = overlay.kind === 'run' && overlay.follow ? last : Math.min(overlay.scroll, last);
  const position = last === 0 ? null : { first, rows, length: lines.length };
  return [
    title(overlay, position, columns),
    ...filled(
      lines.slice(first, first + rows).map((line) => cut(line, columns)),
      rows,
    ),
  ];
}

type Position = { first: number; rows: number; length: number };

function title(overlay: Overlay, position: Position | null, columns: number): Line {
  const what = 'id' in overlay ? `${TITLES[overlay.kind]} ${short(overlay.id)}` : TITLES[overlay.kind];
  const keys = overlay.kind === 'approvals' ? 'Enter shows it, Escape closes' : 'Escape closes';
  const where =
    position === null ? '' : `lines ${position.first + 1} to ${Math.min(position.length, position.first + position.rows)} of ${position.length}; `;
  const line = `── ${what} ── ${where}${keys} `;
  return [['cyan', plain(cut(line, columns)).padEnd(columns, '─')]];
}

/** Rows that it has at this size. */
export function overlayLength(state: State, overlay: Overlay): number {
  return overlay.kind === 'approvals' ? approvalsOf(state).length : overlayLines(state, overlay).length;
}

function overlayLines(state: State, overlay: Exclude<Overlay, { kind: 'approvals' }>): readonly Line[] {
  const { columns } = state.size;
  switch (overlay.kind) {
    case 'help':
      return helpLines(state).flatMap((line) => wrapLine(line, columns, 32));
    case 'config':
      return configLines(state).flatMap((line) => wrapLine(line, columns, 8));
    case 'agents':
      return agentLines(state);
    case 'budgets':
      return budgetLines(state);
    case 'approval':
      return questionLines(state, overlay);
    case 'run':
      return runLines(state, overlay);
  }
}

function helpLines({ snapshot }: State): Line[] {
  const allowed = snapshot?.me.ok === true ? snapshot.me.value.permissions : null;
  const keys: readonly (readonly [string, string])[] = [
    ['Up, Down, PgUp, PgDn', 'select a run, or scroll what is open'],
    ['Enter', 'opens the selected run; in a run that asks, its question'],
    ['Escape', 'clears the line, then closes what is open'],
    ['Tab', 'completes a command; on an empty line shows errors and details, or hides them'],
    ['Up, Down on a begun line', 'earlier lines; Ctrl-P and Ctrl-N at any time'],
    ['Ctrl-L, Ctrl-Z, Ctrl-C', 'draws anew, suspends, quits'],
  ];
  return [
    [['bold', 'Commands']],
    ...SLASHES.map(({ name, form, does, permission }): Line => {
      const may = permission === null || allowed === null || allowed.includes(permission);
      return ['  ', ['cyan', `/${name} ${form}`.padEnd(30)], does, ...(may ? [] : [['yellow', ' (not with this key)'] as const])];
    }),
    '',
    [['bold', 'Keys']],
    ...keys.map(([key, does]): Line => ['  ', ['cyan', key.padEnd(30)], does]),
    '',
    'A run or question is named by the end of its id; without one, what is open or selected is meant.',
    'Commands are carried out beside everything else: the screen goes on, and says below what came of them.',
  ];
}

function configLines({ snapshot, url, version }: State): Line[] {
  const me = snapshot?.me;
  return [
    ...fields([
      ['server', url],
      ['this', `windlass ${version}`],
      ['key', me?.ok === true ? `${me.value.key.fingerprint} of ${me.value.actor.name} (${me.value.role})` : (me?.why ?? 'not known yet')],
      ['may', me?.ok === true ? me.value.permissions.toSorted().join(', ') : null],
    ]),
    '',
    'Server and key come from WINDLASS_URL and WINDLASS_KEY, else from the home folder. NO_COLOR takes colours away.',
  ];
}

function agentLines(state: State): Line[] {
  const { snapshot, size } = state;
  if (snapshot?.agents.ok === false) return wrapLine([['red', `Agents could not be read: ${snapshot.agents.why}`]], size.columns);
  const agents = agentsOf(state);
  if (agents.length === 0) return [snapshot === null ? 'Reading …' : 'No agents.'];
  const lines = table(
    ['agent', 'state', 'tier', 'version', 'schedules', 'what'],
    agents.map((agent): Line[] => [
      agent.name,
      [[agent.state === 'error' ? 'red' : agent.state === 'active' ? 'green' : 'dim', agent.state]],
      String(agent.tier),
      String(agent.version),
      String(agent.schedules),
      (agent.stateReason === '' ? agent.description : agent.stateReason).slice(0, CELL_CHARS),
    ]),
    size.columns,
  );
  const total = snapshot?.agents.ok === true ? snapshot.agents.value.total : null;
  const whole = total === null || (total.kind === 'exact' && total.value <= agents.length);
  return whole ? lines : [...lines, '', [['dim', `${agents.length} of ${renderCount(total)} shown.`]]];
}

function approvalList(state: State, { selected }: Extract<Overlay, { kind: 'approvals' }>, rows: number): Line[] {
  const { snapshot, size, nowMs } = state;
  if (snapshot?.approvals.ok === false) return wrapLine([['red', `Questions could not be read: ${snapshot.approvals.why}`]], size.columns);
  const approvals = approvalsOf(state);
  if (approvals.length === 0) return [snapshot === null ? 'Reading …' : 'No question is open.'];
  const at = Math.max(
    0,
    approvals.findIndex((each) => each.id === selected),
  );
  const first = firstShown(at, rows - 1, approvals.length);
  const seen = approvals.slice(first, first + rows - 1);
  const [head = '', ...lines] = table(
    ['question', 'kind', 'agent', 'asked', 'until', 'what'],
    seen.map((each) => [
      short(each.id),
      each.kind,
      each.agent,
      relativeTime(each.askedAtMs, nowMs),
      relativeTime(each.deadlineMs, nowMs),
      each.kind === 'approval' ? `${each.tool} ${compactJson(each.args, CELL_CHARS)}` : each.question.slice(0, CELL_CHARS),
    ]),
    size.columns - 2,
  );
  return [
    ['  ', ...lineParts(head)],
    ...lines.map((line, i): Line => (first + i === at ? [['inverse', `› ${plain(line)}`]] : ['  ', ...lineParts(line)])),
  ];
}

function lineParts(line: Line): Exclude<Line, string> {
  return typeof line === 'string' ? [line] : line;
}

function questionLines({ size, nowMs }: State, { detail }: Extract<Overlay, { kind: 'approval' }>): Line[] {
  if (detail === null) return ['Reading …'];
  const open = detail.state === 'open';
  const ways = waysToAnswer({ approvalId: short(detail.id), kind: detail.kind }).map((way) =>
    way.replace('windlass ', '/').replace('--reason "…"', '<reason>'),
  );
  const how: Line[] = !open
    ? []
    : detail.whyNotYou === null
      ? ['', [['cyan', ways.join('   or   ')]]]
      : ['', [['yellow', `You may not answer it: ${detail.whyNotYou}.`]]];
  return [...approvalLines({ clock: { nowMs: () => nowMs, sleep: () => Promise.resolve() } }, detail), ...how].flatMap((line) =>
    wrapLine(line, size.columns, 11),
  );
}

function runLines({ size, nowMs }: State, { detail, entries, skipped }: RunOverlay): readonly Line[] {
  if (detail === null) return ['Reading …'];
  const took = detail.startedAtMs === null ? 'not started' : duration((detail.endedAtMs ?? Math.max(nowMs, detail.startedAtMs)) - detail.startedAtMs);
  const status = detail.waitingFor === null ? detail.status : `${detail.status} for ${detail.waitingFor}`;
  const head: Line[] = [
    [
      ['bold', detail.agent],
      ` v${detail.version}  `,
      [statusStyle(detail.status), status],
      `  ${took}, ${money(detail.cost)}, ${plural(detail.toolCalls, 'tool call')}`,
    ],
    ...(detail.reason === '' ? [] : [detail.reason]),
    ...detail.waitingOn.map((each): Line => [
      ['yellow', `asks ${short(each.approvalId)}: ${each.question}`],
      ['dim', '  Enter opens it'],
    ]),
    '',
  ];
  const answer: Line[] = detail.answer === null ? [] : ['', [['bold', detail.partial ? 'Answer, in part' : 'Answer']], detail.answer];
  return [
    ...head.flatMap((line) => wrapLine(line, size.columns)),
    ...(skipped === 0
      ? []
      : [
          [
            ['dim', `${plural(skipped, 'earlier entry').replace(/entrys$/, 'entries')} not shown: windlass runs events ${short(detail.id)}`],
          ] satisfies Line,
        ]),
    ...entries,
    ...answer.flatMap((line) => wrapLine(line, size.columns)),
  ];
}
