/** The runs, and beside them what is wrong and what is known of the selected one. Pure: state and size in, lines out. */
import { RUN_STATUSES } from '../../kernel/run-status.ts';
import { renderCount } from '../../kernel/page.ts';
import type { RunSummary } from '../../runtime/runs/contract.ts';
import { count, duration, ellipsis, money, plural, relativeTime, statusStyle, timestamp } from '../cli/format.ts';
import { fields } from '../cli/table.ts';
import type { Line, Segment, Style } from '../cli/terminal.ts';
import { plain } from '../cli/terminal.ts';
import { firstShown } from './layout.ts';
import { short } from './slash.ts';
import type { Size, State } from './state.ts';
import { agentsOf, runMeant, runsOf } from './state.ts';
import { filled, fitted, wrapLine } from './wrap.ts';

type Column = { title: string; width: number; right?: true; cell: (run: RunSummary, nowMs: number) => Segment };

/** Longer reasons are read in the run itself. */
const REASON_CHARS = 400;
const ERRORS_MAX = 50;
const REASON_ROWS = 4;
const ID_COLUMNS = 8;
const AGENT_COLUMNS_MIN = 8;

const COLUMNS: readonly Column[] = [
  { title: 'status', width: 10, cell: (run) => [statusStyle(run.status), run.status === 'budget_exhausted' ? 'budget' : run.status] },
  { title: 'phase', width: 14, cell: phaseCell },
  { title: '%', width: 4, right: true, cell: (run) => (run.percent === null || run.endedAtMs !== null ? '' : `${Math.round(run.percent)}%`) },
  { title: 'cost', width: 9, right: true, cell: costCell },
  { title: 'age', width: 6, right: true, cell: (run, nowMs) => ['dim', age(run.createdAtMs, nowMs)] },
];
/** Where there is much room. */
const WHY: Column = { title: 'why', width: 0, cell: (run) => ['dim', ellipsis(run.reason.slice(0, REASON_CHARS), REASON_CHARS)] };
const WHY_COLUMNS_MIN = 12;
const AGENT_COLUMNS = 24;

function age(atMs: number, nowMs: number): string {
  return relativeTime(Math.min(atMs, nowMs), nowMs).replace(' ago', '');
}

function phaseCell(run: RunSummary): Segment {
  if (run.waitingFor !== null) return ['yellow', `for ${run.waitingFor}`];
  return run.endedAtMs === null ? (run.phase ?? '') : '';
}

function costCell(run: RunSummary): Segment {
  if (run.rehearsed && run.cost.microUsd === 0) return ['dim', 'rehearsed'];
  return money(run.cost).replace('at least ', '≥ ');
}

function columnsFor(columns: number): readonly Column[] {
  const fixed = 2 + ID_COLUMNS + COLUMNS.reduce((sum, each) => sum + each.width + 2, 0);
  const left = Math.max(AGENT_COLUMNS_MIN, columns - fixed - 2);
  const agent: Column = { title: 'agent', width: left, cell: (run) => run.agent };
  const id: Column = { title: 'run', width: ID_COLUMNS, cell: (run) => short(run.id) };
  const why = left - AGENT_COLUMNS - 2;
  if (why < WHY_COLUMNS_MIN) return [id, agent, ...COLUMNS];
  return [id, { ...agent, width: AGENT_COLUMNS }, ...COLUMNS, { ...WHY, width: why }];
}

export function runList(state: State, size: Size): Line[] {
  const shown = columnsFor(size.columns);
  const head: Line = [
    [
      'bold',
      `  ${shown
        .map((each) => aligned(each, each.title))
        .map(plain)
        .join('  ')}`,
    ],
  ];
  const runs = runsOf(state);
  if (runs.length === 0) return filled([head, '', ...nothing(state).flatMap((line) => wrapLine(line, size.columns, 2))], size.rows);
  const rows = Math.max(1, size.rows - 1);
  const selected = Math.max(
    0,
    runs.findIndex((run) => run.id === state.selected),
  );
  const first = firstShown(selected, rows, runs.length);
  const lines = runs.slice(first, first + rows).map((run, i): Line => {
    const cells = shown.flatMap((each, column): Segment[] => [...(column === 0 ? [] : ['  ']), ...aligned(each, each.cell(run, state.nowMs))]);
    return first + i === selected
      ? [
          [
            'inverse',
            fitted(`› ${plain(cells)}`, size.columns)
              .map((part) => plain([part]))
              .join(''),
          ],
        ]
      : ['  ', ...cells];
  });
  return filled([head, ...lines], size.rows);
}

function aligned({ width: columns, right }: Column, cell: Segment): readonly Segment[] {
  if (right !== true) return fitted([cell], columns);
  const parts = fitted([cell], columns);
  return [parts.at(-1) ?? '', ...parts.slice(0, -1)];
}

function nothing({ snapshot, search, link }: State): Line[] {
  if (snapshot === null) return [[['dim', link.kind === 'away' ? '  The server has not answered yet.' : '  Reading …']]];
  if (!snapshot.runs.ok) return [[['red', `  Runs could not be read: ${snapshot.runs.why}`]]];
  if (search !== '') return [`  No run has "${search}". /runs shows all.`];
  return ['  No runs yet. Start one: /run <agent>; /agents lists them.'];
}

/** How many of how many. */
export function listed({ snapshot, search }: State): string {
  if (snapshot?.runs.ok !== true) return '';
  const { items, total } = snapshot.runs.value;
  const whole = total.kind === 'exact' && total.value <= items.length;
  const of = whole ? plural(items.length, 'run') : `${count(items.length)} of ${renderCount(total)} runs`;
  return search === '' ? of : `${of} with "${search}"`;
}

export function sidePane(state: State, size: Size): Line[] {
  const details = detailLines(state, size.columns);
  const errors = errorLines(state, size.columns);
  const half = Math.max(Math.floor(size.rows / 2), size.rows - errors.length - 1);
  return filled([...details.slice(0, half), ...(errors.length === 0 ? [] : ['', ...errors])], size.rows);
}

function detailLines(state: State, columns: number): Line[] {
  const run = runMeant(state);
  if (run === null) return [[['bold', 'Details']], [['dim', 'No run is selected.']]];
  const took = run.startedAtMs === null ? 'not started' : duration((run.endedAtMs ?? Math.max(state.nowMs, run.startedAtMs)) - run.startedAtMs);
  const status = run.waitingFor === null ? run.status : `${run.status} for ${run.waitingFor}`;
  const lines = fields([
    ['run', run.id],
    ['agent', `${run.agent} v${run.version}`],
    ['status', [[statusStyle(run.status), status]]],
    ['why', run.reason.slice(0, REASON_CHARS)],
    ['phase', run.endedAtMs === null && run.phase !== null ? `${run.phase}${run.percent === null ? '' : ` ${Math.round(run.percent)}%`}` : null],
    ['did', `${plural(run.turns, 'turn')}, ${plural(run.toolCalls, 'tool call')}, ${took}`],
    ['tokens', `${count(run.usage.inputTokens)} in, ${count(run.usage.outputTokens)} out${run.usage.estimated ? ' (about)' : ''}`],
    ['cost', `${money(run.cost)}${run.rehearsed ? ', rehearsed' : ''}`],
    ['started', `${timestamp(run.createdAtMs)} (${run.trigger})`],
    ['needs', run.endedAtMs === null && run.status !== 'running' ? RUN_STATUSES[run.status].resumedBy : null],
  ]);
  return [[['bold', 'Details']], ...lines.flatMap((line) => wrapLine(line, columns, 9))];
}

type Fault = { atMs: number; title: string; why: string };

/** Runs and agents that went wrong, newest first. */
function faults(state: State): Fault[] {
  const runs = runsOf(state)
    .filter((run) => RUN_STATUSES[run.status].countsAsFailure || run.status === 'limited' || run.status === 'budget_exhausted')
    .map((run) => ({ atMs: run.endedAtMs ?? run.createdAtMs, title: `${run.agent} ${short(run.id)} ${run.status}`, why: run.reason }));
  const agents = agentsOf(state)
    .filter((agent) => agent.state === 'error')
    .map((agent) => ({ atMs: agent.stateAtMs, title: `agent ${agent.name} in error`, why: agent.stateReason }));
  return [...runs, ...agents].toSorted((a, b) => b.atMs - a.atMs);
}

function errorLines(state: State, columns: number): Line[] {
  const found = faults(state);
  const missing = missingParts(state);
  if (found.length === 0 && missing.length === 0) return [[['bold', 'Errors']], [['dim', 'None among the runs shown.']]];
  const style: Style = 'red';
  return [
    [['bold', `Errors (${found.length} among the runs shown)`]],
    ...missing.flatMap((line) => wrapLine([[style, line]], columns, 2)),
    ...found.slice(0, ERRORS_MAX).flatMap((fault) => [
      ...wrapLine(
        [
          [style, fault.title],
          ['dim', `  ${relativeTime(Math.min(fault.atMs, state.nowMs), state.nowMs)}`],
        ],
        columns,
        2,
      ).slice(0, 2),
      ...wrapLine(`  ${fault.why.slice(0, REASON_CHARS)}`, columns, 2).slice(0, REASON_ROWS),
    ]),
  ];
}

function missingParts({ snapshot }: State): string[] {
  if (snapshot === null) return [];
  return (['runs', 'approvals', 'stats', 'agents'] as const).flatMap((name) => {
    const part = snapshot[name];
    return part.ok ? [] : [`${name} could not be read: ${part.why}`];
  });
}
