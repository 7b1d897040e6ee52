/** What a watcher sees: events to lines, one line per event in a pipe, a stream that drops, what waits, how it ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeEvent, plainEntry } from '../../../src/clients/cli/describe-event.ts';
import { NOTHING_SEEN, nowLines, showEntry } from '../../../src/clients/cli/live-view.ts';
import { plain, width } from '../../../src/clients/cli/terminal.ts';
import type { RunEvent } from '../../../src/kernel/events.ts';
import { runOperations } from '../../../src/runtime/runs/contract.ts';
import type { EntryView, RunDetail } from '../../../src/runtime/runs/contract.ts';
import { agentOperations } from '../../../src/work/agents/contract.ts';
import type { FakeServer } from '../../support/cli.ts';
import { answers, NOW_MS, windlass } from '../../support/cli.ts';
import { entries, EVENTS, RUN_ID, runDetail } from '../../support/cli-fixtures.ts';

const ESC = '\u001b[';
const TURN: RunEvent[] = [
  EVENTS['run.queued'],
  { type: 'run.started', worker: 'wrk_a', attempt: 1, tools: [], models: {} },
  EVENTS['model.replied'],
  EVENTS['tool.intended'],
  { type: 'tool.done', callId: 'call_1', tool: 'git_log', text: 'two\ncommits', labels: [], evidence: null, known: 'effect', ms: 120 },
  { ...EVENTS['model.replied'], turn: 2, content: [{ type: 'text', text: 'Two commits since yesterday.' }], finish: 'stop', rehearsed: true },
  { ...EVENTS['run.ended'], rehearsed: true },
];

function shown(list: readonly EntryView[]): string[] {
  let view = NOTHING_SEEN;
  return list.flatMap((entry) => {
    const step = showEntry(view, entry);
    view = step.view;
    return step.lines.map(plain);
  });
}

test('a run on a terminal: turns, calls with arguments and durations, cost, rehearsed [RUN-5, GTW-7]', () => {
  assert.deepEqual(shown(entries(TURN)), [
    'test v1  manual by Tess',
    'turn 1  anthropic/claude-sonnet-4-5  3.1 s  1,240 → 320 tokens  $0.01',
    '  I look at the log first.',
    '  ✓ git_log {"since":"yesterday"}  120 ms',
    'turn 2  anthropic/claude-sonnet-4-5  3.1 s  1,240 → 320 tokens  $0.01  rehearsed',
    '2 turns, 1 tool call, $0.03, 5.0 s',
    '',
  ]);
});

test('what went wrong and what waits is said with the way to answer', () => {
  const lines = shown(
    entries([
      EVENTS['tool.intended'],
      { type: 'tool.failed', callId: 'call_1', tool: 'git_log', class: 'tool_error', message: 'no such\nbranch', labels: [], ms: 40 },
      { type: 'tool.denied', callId: 'call_2', tool: 'http_send', reason: 'not on the allowlist', rules: [] },
      EVENTS['approval.asked'],
      { type: 'run.waiting', for: 'approval', untilMs: null, reason: 'a person' },
      { type: 'run.waiting', for: 'budget', untilMs: NOW_MS, reason: 'the day is used up' },
    ]),
  );
  assert.deepEqual(lines, [
    '  ✗ git_log {"since":"yesterday"}  40 ms',
    '    tool_error: no such branch',
    '  ✗ tool denied http_send: not on the allowlist',
    '  ? May it send this?',
    '    http_send {"url":"https://example.com"}',
    '    answer with WINDLASS_KEY set to your own key: windlass approve apr_01kaghv4000000000000abcdef',
    '    answer with WINDLASS_KEY set to your own key: windlass deny apr_01kaghv4000000000000abcdef --reason "…"',
    '  waits for budget until 2026-11-21T12:00:00Z: the day is used up',
  ]);
});

test('what goes on is redrawn: preview, calls in flight, progress and time to go, never wider than the terminal', () => {
  let view = NOTHING_SEEN;
  for (const entry of entries([{ type: 'progress', phase: 'working', percent: 40, message: 'reads', etaMs: 72_000 }, EVENTS['tool.intended']])) {
    view = showEntry(view, entry).view;
  }
  view = { ...view, preview: `${'word '.repeat(40)}\nand the end` };
  const lines = nowLines(view, { columns: 40, nowMs: NOW_MS });
  assert.ok(lines.every((line) => width(line) <= 44));
  assert.deepEqual(lines.slice(-3).map(plain), ['  and the end', '  · git_log {"since":"yesterday"}  59.0 s', 'working 40%  about 12.0 s to go']);
});

test('every type of event has one line of words', () => {
  for (const event of Object.values(EVENTS)) assert.equal(describeEvent(event).includes('\n'), false);
  const [entry] = entries([{ type: 'note', text: 'line one\nline two', by: { actor: 'a', name: 'Tess' } }]);
  assert.ok(entry !== undefined);
  assert.equal(plainEntry(entry), '1 2026-11-21T11:59:00Z note by Tess: line one line two');
  assert.equal(plainEntry({ ...entry, event: null }), '1 2026-11-21T11:59:00Z deleted');
});

/** A server whose stream hands out these entries, at most `each` for one connection. */
function streaming(list: readonly EntryView[], detail: RunDetail, each = list.length): FakeServer & { asked: number[] } {
  const asked: number[] = [];
  return {
    asked,
    operations: [
      answers(runOperations.get, () => detail),
      answers(agentOperations.run, ({ name }) => ({ id: RUN_ID, status: 'queued' as const, agent: name, version: 3, message: `${name} is queued.` })),
    ],
    first: (app) =>
      app.get('/api/v1/runs/:id/events', (c, next) => {
        if (!(c.req.header('accept') ?? '').includes('text/event-stream')) return next();
        const after = Number(c.req.query('after'));
        asked.push(after);
        const frames = list
          .filter((entry) => entry.seq > after)
          .slice(0, each)
          .map((entry) => `id: ${entry.seq}\nevent: entry\ndata: ${JSON.stringify(entry)}\n\n`);
        return Promise.resolve(c.body(`event: preview\ndata: {"turn":1,"text":"Two com"}\n\n: still here\n\n${frames.join('')}`));
      }),
  };
}

test('in a pipe each event is one plain line, then status and answer', async () => {
  const list = entries(TURN);
  const { exit, out, err } = await windlass(['watch', RUN_ID], { server: streaming(list, runDetail({ rehearsed: true })) });
  assert.equal(exit, 0);
  assert.equal(err, '');
  const lines = out.trimEnd().split('\n');
  assert.deepEqual(lines.slice(0, list.length), list.map(plainEntry));
  assert.deepEqual(lines.slice(list.length), [`succeeded (rehearsed): It answered.  ${RUN_ID}`, '', 'Two commits since yesterday.']);
  assert.equal(out.includes('\u001b'), false);
});

test('a dropped stream is taken up after the last entry seen, nothing twice and nothing lost [RUN-5]', async () => {
  const list = entries(TURN);
  const server = streaming(list, runDetail(), 2);
  const { exit, out } = await windlass(['watch', RUN_ID], { server });
  assert.equal(exit, 0);
  assert.deepEqual(server.asked, [0, 2, 4, 6]);
  assert.deepEqual(out.split('\n').slice(0, list.length), list.map(plainEntry));
});

test('a server that stays away ends the watching with exit 5', async () => {
  assert.equal((await windlass(['watch', RUN_ID])).exit, 5);
});

test('run --wait exits 0 only for a run that succeeded, and 4 without budget [CLI-1]', async () => {
  const exits = { succeeded: 0, failed: 1, halted: 1, limited: 1, cancelled: 1, budget_exhausted: 4 } as const;
  for (const [status, expected] of Object.entries(exits) as [keyof typeof exits, number][]) {
    const server = streaming(entries([{ ...EVENTS['run.ended'], status }]), runDetail({ status }));
    const { exit, out } = await windlass(['run', 'repo-digest', '--wait', '--json'], { server });
    assert.equal(exit, expected, status);
    assert.equal((JSON.parse(out) as RunDetail).status, status);
  }
});

test('a question that a script waits for is said on standard error, and the waiting goes on', async () => {
  const server = streaming(entries([EVENTS['approval.asked'], EVENTS['run.ended']]), runDetail());
  const plainly = await windlass(['run', 'repo-digest', '--wait'], { server });
  assert.equal(plainly.exit, 0);
  assert.match(plainly.err, /^waits: answer with .*: windlass approve apr_/);
  const json = await windlass(['run', 'repo-digest', '--wait', '--json'], { server });
  const notice = JSON.parse(json.err) as { waiting: { approvalId: string; question: string } };
  assert.equal(notice.waiting.question, 'May it send this?');
  assert.equal((JSON.parse(json.out) as RunDetail).id, RUN_ID);
});

test('Ctrl-C leaves the run going and says so', async () => {
  const server = streaming(entries([EVENTS['run.queued']]), runDetail({ status: 'running', endedAtMs: null, answer: null }));
  const { exit, out } = await windlass(['watch', RUN_ID], { server, interrupt: AbortSignal.abort() });
  assert.equal(exit, 130);
  assert.match(out, /The run goes on\. Watch it again: windlass watch run_/);
});

test('without --wait a run is started and the command to watch it is named', async () => {
  const inputs: unknown[] = [];
  const server = {
    operations: [
      answers(agentOperations.run, (input) => {
        inputs.push(input.input);
        return { id: RUN_ID, status: 'queued' as const, agent: input.name, version: 3, message: 'repo-digest is queued.' };
      }),
    ],
  };
  const { out } = await windlass(['run', 'repo-digest', '--input', 'what changed?'], { server });
  assert.equal(out, `repo-digest is queued.\nwindlass watch ${RUN_ID}\n`);
  await windlass(['run', 'repo-digest', '--input', '{"since": "monday"}'], { server });
  await windlass(['run', 'repo-digest', '--input', '-'], { server, stdin: '[draft] look\n' });
  await windlass(['run', 'repo-digest', '--input', `@${import.meta.dirname}/../../../.gitattributes`], { server });
  await windlass(['run', 'repo-digest'], { server });
  assert.deepEqual(inputs.slice(0, 3), ['what changed?', { since: 'monday' }, '[draft] look']);
  assert.match(String(inputs[3]), /eol/);
  assert.deepEqual(inputs[4], {});
  const missing = await windlass(['run', 'repo-digest', '--input', '@nowhere.md'], { server });
  assert.equal(missing.exit, 2);
  assert.match(missing.err, /nowhere\.md cannot be read/);
});

test('on a terminal what goes on is taken away before the next line, and colours only where they are wanted', async () => {
  const server = streaming(entries(TURN), runDetail());
  const coloured = await windlass(['watch', RUN_ID], { server, columns: 80 });
  assert.match(coloured.out, /Two com/);
  assert.ok(coloured.out.includes(`${ESC}1A${ESC}0J`));
  assert.ok(coloured.out.includes(`${ESC}32m`));
  const bare = await windlass(['watch', RUN_ID], { server, columns: 80, env: { NO_COLOR: '1' } });
  assert.equal(bare.out.includes(`${ESC}32m`), false);
  assert.ok(bare.out.includes(`${ESC}1A`));
  const dumb = await windlass(['watch', RUN_ID], { server, columns: 80, env: { TERM: 'dumb' } });
  assert.equal(dumb.out.includes(ESC), false);
});
