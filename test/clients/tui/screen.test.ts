/** The screen without a terminal: events in, lines out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { plain, width } from '../../../src/clients/cli/terminal.ts';
import type { Key, KeyName } from '../../../src/clients/tui/keys.ts';
import type { Effect, Event, Overlay, Snapshot, State } from '../../../src/clients/tui/state.ts';
import { initialState } from '../../../src/clients/tui/state.ts';
import { ENTRIES_KEPT, update } from '../../../src/clients/tui/update.ts';
import { pictureOf, view } from '../../../src/clients/tui/view.ts';
import { wrapLine } from '../../../src/clients/tui/wrap.ts';
import type { ApprovalDetail } from '../../../src/platform/approvals/contract.ts';
import type { BudgetView } from '../../../src/platform/budgets/contract.ts';
import type { RunSummary } from '../../../src/runtime/runs/contract.ts';
import type { AgentView } from '../../../src/work/agents/contract.ts';
import { NOW_MS } from '../../support/cli.ts';
import { entries, EVENTS, page, runDetail, runId } from '../../support/cli-fixtures.ts';

const SIZES = [
  { columns: 80, rows: 24 },
  { columns: 200, rows: 60 },
] as const;
const HOSTILE = '\u001b[2J\u009b31m\u202egnp.exe\u0007\r\n\n你好👩‍💻'.repeat(40) + 'z\u0301'.repeat(300) + '\ud800';
const APPROVAL_ID = 'apr_01kaghv4000000000000abcdef';

function question(over: Partial<ApprovalDetail> = {}): ApprovalDetail {
  return {
    id: APPROVAL_ID,
    run: runId('1'),
    agent: 'mailer',
    kind: 'approval',
    tool: 'http_send',
    args: { to: 'team@example.com', body: 'x'.repeat(600) },
    question: 'May http_send be called?',
    choices: [],
    reason: 'It reaches outside.',
    rules: ['external'],
    hash: 'hash_shown',
    state: 'open',
    askedAtMs: NOW_MS - 60_000,
    deadlineMs: NOW_MS + 3_600_000,
    onExpiry: 'deny',
    answer: null,
    tier: 1,
    startedBy: { actor: 'act_test', name: 'Tess' },
    trigger: 'manual',
    story: [{ seq: 3, what: 'asked for the list' }],
    whyNotYou: null,
    ...over,
  };
}

function agent(over: Partial<AgentView> = {}): AgentView {
  const times = { stateAtMs: NOW_MS, createdAtMs: NOW_MS, updatedAtMs: NOW_MS };
  return {
    ...{ id: 'agt_1', name: 'mailer', description: 'Mails.', kind: 'model', state: 'active', stateReason: '', failures: 0 },
    ...{ version: 1, tier: 1, schedules: 0, drifted: null, ...times, ...over },
  };
}

function budget(over: Partial<BudgetView> = {}): BudgetView {
  return {
    ...{ id: 'bud_1', scope: 'org', subject: 'org', name: '', unit: 'micro_usd', period: 'day', limit: 5_000_000, granted: 0, spent: 1_250_000 },
    ...{ reserved: 250_000, left: 3_500_000, state: 'open', sinceMs: null, resetsAtMs: NOW_MS + 3_600_000, plan: null, createdAtMs: NOW_MS },
    ...over,
  };
}

function snapshot(runs: readonly RunSummary[], over: Partial<Snapshot> = {}): Snapshot {
  const stats = { queued: 1, running: 2, waiting: 1, oldestQueuedMs: null, workers: 4, endedLastHour: 9, failedLastHour: 2, takeoversLastHour: 0 };
  const me = {
    actor: { id: 'act', kind: 'user' as const, name: 'Tess' },
    key: { id: 'key', fingerprint: 'abcd' },
    role: 'owner' as const,
    scopes: [],
  };
  return {
    me: { ok: true, value: { ...me, permissions: ['runs.read', 'runs.create', 'approvals.read', 'approvals.answer', 'agents.read'] } },
    runs: { ok: true, value: page(runs, { total: Math.max(runs.length, 3) }) },
    approvals: { ok: true, value: page([question()]) },
    stats: { ok: true, value: stats },
    agents: { ok: true, value: page([agent(), agent({ id: 'agt_2', name: 'broken', state: 'error', stateReason: 'three in a row' })]) },
    budgets: null,
    ...over,
  };
}

function manyRuns(count: number, over: Partial<RunSummary> = {}): RunSummary[] {
  const statuses = ['running', 'failed', 'waiting', 'succeeded'] as const;
  return Array.from({ length: count }, (_, i) => {
    const status = statuses[i % statuses.length] ?? 'queued';
    const waitingFor = status === 'waiting' ? ('approval' as const) : null;
    return runDetail({ id: runId(String(i)), status, waitingFor, endedAtMs: status === 'failed' || status === 'succeeded' ? NOW_MS : null, ...over });
  });
}

const START = initialState({ url: 'http://127.0.0.1:7420', version: '0.1.0', nowMs: NOW_MS, size: SIZES[0] });

function after(state: State, ...events: readonly Event[]): State {
  return events.reduce((each, event) => update(each, event).state, state);
}
const shown = (runs: readonly RunSummary[], over: Partial<Snapshot> = {}): Event => ({
  type: 'snapshot',
  snapshot: snapshot(runs, over),
  nowMs: NOW_MS,
  url: 'http://127.0.0.1:7420',
});
const press = (name: KeyName): Event => ({ type: 'key', key: { kind: 'key', name } });
const type = (text: string): Event => ({ type: 'key', key: { kind: 'text', text } });
const seen = (state: State): string => view(state).lines.map(plain).join('\n');

/** Types a line and enters it; answers what it asks for as well. */
function enter(state: State, line: string): { state: State; effects: readonly Effect[] } {
  return update(after(state, type(line)), press('enter'));
}

function assertFits(state: State): void {
  const { lines, row, column } = view(state);
  const { columns, rows } = state.size;
  assert.equal(lines.length, rows);
  for (const line of lines) {
    assert.ok(width(line) <= columns, `${width(line)} columns: ${plain(line)}`);
    assert.doesNotMatch(plain(line), /\n/);
  }
  assert.ok(row < rows && column < columns);
  for (const line of pictureOf(state, false).lines) assert.doesNotMatch(line.replaceAll('\u001b[0m\u001b[K', ''), /[\p{Cc}\p{Bidi_Control}]/u);
}

const RUN_EVENT: Event = { type: 'run', detail: runDetail({ id: runId('0'), answer: HOSTILE }), entries: entries(Object.values(EVENTS)), skipped: 3 };

/** Every view, by what opens it. */
const VIEWS: Readonly<Record<string, readonly Event[]>> = {
  main: [],
  side: [press('tab')],
  run: [press('enter'), RUN_EVENT],
  approvals: [type('/approvals'), press('enter')],
  approval: [type('/approve'), press('enter'), { type: 'approval', detail: question() }],
  agents: [type('/agents'), press('enter')],
  help: [type('/help'), press('enter')],
  config: [type('/config'), press('enter')],
  budgets: [
    type('/budget'),
    press('enter'),
    shown(manyRuns(3), { budgets: { ok: true, value: page([budget(), budget({ name: HOSTILE, scope: 'agent' })]) } }),
  ],
  away: [{ type: 'away', why: 'No Windlass answers.', nowMs: NOW_MS + 90_000 }],
};

test('every view fits 80x24 and 200x60 with 0, 3 and 10,000 runs, and every smaller or odd size [TUI-1]', () => {
  for (const runs of [[], manyRuns(3), manyRuns(10_000)]) {
    for (const [name, events] of Object.entries(VIEWS)) {
      for (const size of [...SIZES, { columns: 119, rows: 40 }, { columns: 40, rows: 8 }, { columns: 20, rows: 3 }, { columns: 1, rows: 1 }]) {
        const state = after(START, { type: 'size', size }, shown(runs), ...events);
        assert.doesNotThrow(() => assertFits(state), `${name} at ${size.columns}x${size.rows} with ${runs.length} runs`);
      }
    }
  }
});

test('text from outside drives nothing, in no view and at no size [TUI-1]', () => {
  const runs = manyRuns(30, { agent: HOSTILE, reason: HOSTILE, phase: HOSTILE });
  const evil = question({ question: HOSTILE, reason: HOSTILE, args: { [HOSTILE]: HOSTILE }, tool: HOSTILE });
  const parts: Partial<Snapshot> = {
    approvals: { ok: true, value: page([evil]) },
    agents: { ok: true, value: page([agent({ name: HOSTILE, description: HOSTILE, stateReason: HOSTILE, state: 'error' })]) },
  };
  for (const events of Object.values(VIEWS)) {
    for (const size of SIZES) {
      assertFits(after(START, { type: 'size', size }, shown(runs, parts), ...events, { type: 'approval', detail: evil }, type(HOSTILE)));
    }
  }
});

test('the main view says what there is, what is not shown, and what could not be read [TUI-1]', () => {
  const three = seen(after(START, shown(manyRuns(3))));
  assert.match(
    three,
    /^windlass top {2}3 runs {2}Tess \(owner\) {2}http:\/\/127.0.0.1:7420 +live\n {2}run +agent +status +phase +% +cost +age\n› \S{8} {2}repo-digest/,
  );
  assert.match(three, /\n2 running {2}1 queued {2}1 waiting {2}1 to answer {2}last hour 2 of 9 failed\n/);
  assert.match(seen(after(START, shown([]))), /No runs yet\. Start one: \/run/);
  const part = { ok: true as const, value: { items: manyRuns(200), total: { kind: 'at_least' as const, value: 10_000 } } };
  assert.match(seen(after(START, shown([], { runs: part }))), /200 of at least 10000 runs/);
  const denied = { ok: false as const, why: 'This key may not.' };
  assert.match(
    seen(after(START, shown([], { runs: denied, stats: denied, approvals: denied }))),
    /Runs could not be read: This key may not\.[\s\S]*counts unknown {2}questions unknown/,
  );
  const wide = seen(after(START, { type: 'size', size: SIZES[1] }, shown(manyRuns(3))));
  assert.match(wide, /│ Details/);
  assert.match(wide, /│ Errors \(2 among the runs shown\)/);
  assert.match(wide, /agent broken in error/);
});

test('arrows select by id: the run stays selected when others come before it; Enter opens it, Escape closes [TUI-1]', () => {
  const runs = manyRuns(100);
  let state = after(START, shown(runs), press('down'), press('down'));
  assert.equal(state.selected, runId('2'));
  state = after(state, shown([runDetail({ id: runId('new') }), ...runs]));
  assert.equal(state.selected, runId('2'));
  assert.equal(after(state, press('end')).selected, runId('99'));
  assert.match(seen(after(state, press('end'))), /› 000+99/);
  assert.equal(after(state, press('up'), press('up'), press('up'), press('up')).selected, runId('new'));
  const opened = update(state, press('enter'));
  assert.deepEqual(opened.effects, [{ kind: 'readRun', id: runId('2'), after: 0 }]);
  assert.equal(after(opened.state, press('escape')).overlay, null);
});

test('what is approved is what was shown: the first time opens it, the second sends the hash that was on the screen [TUI-1]', () => {
  const first = enter(after(START, shown(manyRuns(3))), '/approve');
  assert.deepEqual(first.effects, [{ kind: 'readApproval', id: APPROVAL_ID }]);
  const early = update(first.state, press('enter'));
  assert.deepEqual(early.effects, [{ kind: 'readApproval', id: APPROVAL_ID }], 'nothing is approved before it was shown');
  const detail = after(first.state, { type: 'approval', detail: question() });
  assert.match(seen(detail), /http_send[\s\S]*"to": "team@example\.com"/);
  const { effects, state } = update(detail, press('enter'));
  const call = { kind: 'answer', approval: APPROVAL_ID, hash: 'hash_shown', answer: 'approve', text: '' };
  assert.deepEqual(effects, [{ kind: 'call', call }]);
  assert.match(seen(state), /1 command under way/);
  const done = after(state, { type: 'answered', ok: true, text: 'Approved.', approval: APPROVAL_ID });
  assert.deepEqual([done.overlay, done.pending], [null, 0]);
  const other = after(state, { type: 'answered', ok: true, text: 'Paused.', approval: null });
  assert.equal(other.overlay?.kind, 'approval');
});

test('the exact call is shown whole, however long: wrapping loses nothing [TUI-1]', () => {
  const body = Array.from({ length: 200 }, (_, i) => `word${i}`).join(' ') + 'x'.repeat(900);
  const open = after(
    START,
    shown(manyRuns(3)),
    type('/approve'),
    press('enter'),
    { type: 'approval', detail: question({ args: { body } }) },
    press('escape'),
  );
  let read = '';
  let state = open;
  for (let rows = 0; rows < 60; rows += 1) {
    read += `${seen(state)}\n`;
    state = after(state, press('down'));
  }
  assert.match(read, /\narguments {2}\{\n {13}"body": "word0/, 'blanks of the text are its own');
  for (const word of body.match(/word\d+/g) ?? []) assert.ok(read.includes(word), word);
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 4, max: 40 }), fc.integer({ min: 0, max: 8 }), (text, columns, indent) => {
      const rows = wrapLine(text, columns, indent);
      for (const row of rows) assert.ok(width(row) <= columns);
      const words = (value: string): string => value.replaceAll(/\s/gu, '');
      assert.equal(
        words(rows.map(plain).join('')),
        words(plain(wrapLine(text, 10_000)[0] ?? '') + wrapLine(text, 10_000).slice(1).map(plain).join('')),
      );
    }),
  );
});

test('commands: what is meant without an id, what is asked twice, what is told when it does not fit [TUI-1]', () => {
  const state = after(START, shown(manyRuns(3)));
  const call = (line: string, from = state): unknown => {
    const [effect] = enter(from, line).effects;
    return effect?.kind === 'call' ? effect.call : null;
  };
  const said = (line: string, from = state): string => enter(from, line).state.said?.text ?? '';
  assert.deepEqual(call('/pause too early'), { kind: 'pause', run: runId('0'), reason: 'too early' });
  assert.deepEqual(call(`/resume ${runId('2').slice(-8)} go`), { kind: 'resume', run: runId('2'), reason: 'go' });
  const cancel = enter(state, '/cancel');
  assert.deepEqual(cancel.effects, []);
  assert.deepEqual(update(cancel.state, press('enter')).effects, [{ kind: 'call', call: { kind: 'cancel', run: runId('0'), reason: '' } }]);
  assert.deepEqual(call('/run mailer {"a": 1}'), { kind: 'run', agent: 'mailer', input: '{"a": 1}' });
  assert.deepEqual(call('/deny not today'), { kind: 'answer', approval: APPROVAL_ID, hash: 'hash_shown', answer: 'deny', text: 'not today' });
  assert.match(said('/deny'), /reason is missing/);
  assert.match(said('/answer blue'), /of kind approval/);
  assert.match(said('/nonsense'), /There is no \/nonsense/);
  assert.match(said('hello'), /begin with a slash/);
  assert.match(said('/approve', after(START, shown([], { approvals: { ok: true, value: page([]) } }))), /No question is open/);
  const input = question({ kind: 'input', tool: 'ask_human', args: {} });
  const asked = after(START, shown(manyRuns(3), { approvals: { ok: true, value: page([input]) } }));
  assert.deepEqual(call(`/answer ${APPROVAL_ID} use blue`, asked), {
    kind: 'answer',
    approval: APPROVAL_ID,
    hash: 'hash_shown',
    answer: 'answer',
    text: 'use blue',
  });
  const two = after(START, shown([], { approvals: { ok: true, value: page([input, question({ id: 'apr_01kaghv4000000000000bbbbbb' })]) } }));
  assert.match(said('/answer blue', two), /Which question\?/);
  const budgets = enter(state, '/budget');
  assert.deepEqual(budgets.effects, [{ kind: 'refresh' }]);
  const read = after(budgets.state, shown([], { budgets: { ok: true, value: page([budget()]) } }));
  assert.match(seen(read), /org +day +5\.00 USD +1\.25 USD +0\.25 USD +3\.50 USD +in 1 h/);
  assert.match(seen(after(budgets.state, shown([], { budgets: { ok: true, value: page([]) } }))), /no budget: nothing is capped/);
  assert.equal(enter(state, '/runs digest').state.search, 'digest');
  assert.deepEqual(enter(state, '/quit').effects, [{ kind: 'quit' }]);
  assert.equal(after(state, type('/appr'), press('tab')).prompt.before, '/approv');
  assert.equal(after(state, type('/run ma'), press('tab')).prompt.before, '/run mailer ');
});

test('a run is read on as it grows, nothing twice, and not without end; what is gone is counted [TUI-1]', () => {
  const detail = runDetail({ id: runId('0'), status: 'running', endedAtMs: null, answer: null, headSeq: 5_000 });
  const started = EVENTS['run.queued'];
  const batch = (from: number, count: number): Event => ({
    type: 'run',
    detail,
    entries: entries(Array.from({ length: count }, () => started)).map((entry, i) => ({ ...entry, seq: from + i })),
    skipped: 0,
  });
  let state = after(START, shown(manyRuns(3)), press('enter'), batch(1, 1_000), batch(1, 1_000));
  assert.equal(state.overlay?.kind === 'run' && state.overlay.entries.length, 1_000);
  state = after(state, batch(1_001, 1_000), batch(2_001, 1_000));
  const overlay = state.overlay as Extract<Overlay, { kind: 'run' }>;
  assert.deepEqual([overlay.entries.length, overlay.skipped, overlay.lastSeq], [ENTRIES_KEPT, 1_000, 3_000]);
  assert.match(seen(state), /3000 /, 'it stays at the newest');
  assert.match(seen(after(state, press('home'))), /1,000 earlier entries not shown/);
  assert.deepEqual(update(state, shown([{ ...detail }])).effects, [{ kind: 'readRun', id: runId('0'), after: 3_000 }]);
});

test('no keys, in whatever order, break the screen [TUI-1]', () => {
  const names: KeyName[] = [
    'up',
    'down',
    'left',
    'right',
    'home',
    'end',
    'pageup',
    'pagedown',
    'delete',
    'backspace',
    'enter',
    'tab',
    'escape',
    'ctrl-p',
    'ctrl-n',
    'ctrl-w',
  ];
  const key: fc.Arbitrary<Key> = fc.oneof(
    fc.constantFrom(...names).map((name): Key => ({ kind: 'key', name })),
    fc
      .constantFrom('/approve', '/cancel', '/run ', '/runs x', '/approvals', '/help', '/agents', 'x', '👩‍💻')
      .map((text): Key => ({ kind: 'text', text })),
  );
  const start = after(START, shown(manyRuns(40)));
  fc.assert(
    fc.property(fc.array(key, { maxLength: 25 }), fc.constantFrom(...SIZES), (keys, size) => {
      assertFits(after({ ...start, size }, ...keys.map((each): Event => ({ type: 'key', key: each }))));
    }),
    { numRuns: 60 },
  );
});
