/** What commands print: tables at 80 and 120 columns and in a pipe, status, questions, help; text from outside cannot drive the terminal. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { differenceLines, planLines } from '../../../src/clients/cli/differences.ts';
import { bytes, duration, money, relativeTime } from '../../../src/clients/cli/format.ts';
import { table } from '../../../src/clients/cli/table.ts';
import { createTerminal, cut, plain, printable, width } from '../../../src/clients/cli/terminal.ts';
import { approvalOperations } from '../../../src/platform/approvals/contract.ts';
import type { ApprovalDetail } from '../../../src/platform/approvals/contract.ts';
import { identityOperations } from '../../../src/platform/identity/contract.ts';
import { runOperations } from '../../../src/runtime/runs/contract.ts';
import { agentOperations } from '../../../src/work/agents/contract.ts';
import { answers, NOW_MS, windlass } from '../../support/cli.ts';
import { page, RUN_ID, runDetail, runId } from '../../support/cli-fixtures.ts';

const RUNS = [
  runDetail({
    id: runId('aaaaaa'),
    agent: 'log-triage',
    status: 'running',
    reason: '',
    startedAtMs: NOW_MS - 5_000,
    endedAtMs: null,
    cost: { microUsd: 0, known: true },
  }),
  runDetail({
    id: runId('bbbbbb'),
    status: 'waiting',
    waitingFor: 'approval',
    reason: 'Asks whether http_send may send the digest to the team.',
    endedAtMs: null,
    cost: { microUsd: 900, known: false },
  }),
  runDetail({ id: runId('cccccc'), rehearsed: true, cost: { microUsd: 0, known: true } }),
];
const LIST = { operations: [answers(runOperations.list, () => page(RUNS, { total: 12, next: 'abc' }))] };

test('the table of runs at 80 columns, 120 columns and in a pipe', async () => {
  const bare = { NO_COLOR: '1' };
  assert.equal(
    (await windlass(['runs'], { server: LIST, columns: 80, env: bare })).out,
    [
      'run       agent        status              created    cost       why',
      '00aaaaaa  log-triage   running             2 min ago  $0.00',
      '00bbbbbb  repo-digest  waiting (approval)  2 min ago  ≥ $0.0009  Asks whether h…',
      '00cccccc  repo-digest  succeeded           2 min ago  rehearsed  It answered.',
      '',
      '3 of 12 shown. Next page: windlass runs --cursor abc',
      '',
    ].join('\n'),
  );
  const wide = await windlass(['runs'], { server: LIST, columns: 120, env: bare });
  assert.ok(wide.out.split('\n').every((line) => width(line) <= 120));
  assert.match(
    wide.out,
    /00bbbbbb {2}repo-digest {2}waiting \(approval\) {2}2 min ago {2}1 min 59 s {2}≥ \$0\.0009 {2}Asks whether http_send may send/,
  );
  const pipe = await windlass(['runs'], { server: LIST });
  assert.match(pipe.out, new RegExp(`^run .*\n${runId('aaaaaa')} .*\n${runId('bbbbbb')} .*to the team\\.\n`));
});

test('a table is never wider than the terminal, as long as its columns can be eight wide', () => {
  const cell = fc.string({ maxLength: 60, unit: 'grapheme' });
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell, cell, cell), { maxLength: 5 }), fc.integer({ min: 40, max: 130 }), (rows, columns) => {
      for (const line of table(['a', 'b', 'c', 'd'], rows, columns)) {
        assert.ok(width(line) <= columns, plain(line));
        assert.equal(plain(line).includes('\n'), false);
      }
    }),
  );
});

test('text from outside cannot drive the terminal: controls and turned text are shown, not obeyed', async () => {
  const evil = '\u001b[2J\u009b1;31mred\u202e gnp.exe\u0007\r';
  const server = { operations: [answers(runOperations.get, () => runDetail({ answer: evil, reason: evil }))] };
  for (const columns of [80, undefined]) {
    const { out } = await windlass(['runs', 'show', RUN_ID], { server, env: { NO_COLOR: '1' }, ...(columns === undefined ? {} : { columns }) });
    assert.equal(/[^\P{Cc}\n]|\p{Bidi_Control}/u.test(out), false);
    assert.match(out, /\\u001b\[2J\\u009b1;31mred\\u202e gnp\.exe\\u0007/);
  }
  const { out } = await windlass(['runs', 'show', RUN_ID, '--json'], { server });
  assert.equal(/[^\P{Cc}\n]|\p{Bidi_Control}/u.test(out), false);
  assert.equal((JSON.parse(out) as { answer: string }).answer, evil);
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !/[^\P{Cc}\n]|\p{Bidi_Control}/u.test(printable(text))));
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 30 }), (text, columns) => width(cut(text, columns)) <= columns));
});

test('durations, times, sizes and money', () => {
  assert.deepEqual([0, 999, 1_000, 59_999, 60_000, 119_600, 3_600_000, 5_400_000].map(duration), [
    '0 ms',
    '999 ms',
    '1.0 s',
    '60.0 s',
    '1 min 0 s',
    '1 min 59 s',
    '1 h 0 min',
    '1 h 30 min',
  ]);
  assert.deepEqual(
    [NOW_MS - 3_000, NOW_MS + 300_000, NOW_MS - 86_400_000, NOW_MS - 4 * 86_400_000].map((at) => relativeTime(at, NOW_MS)),
    ['3 s ago', 'in 5 min', '24 h ago', '4 d ago'],
  );
  assert.deepEqual([0, 1_023, 1_536, 5 * 1024 ** 3].map(bytes), ['0 B', '1023 B', '1.5 KB', '5.0 GB']);
  const costs = [
    [0, true],
    [900, true],
    [31_200, true],
    [900, false],
    [0, false],
  ] as const;
  assert.deepEqual(
    costs.map(([microUsd, known]) => money({ microUsd, known })),
    ['$0.00', '$0.0009', '$0.03', 'at least $0.0009', 'unknown'],
  );
});

test('differences by field, long texts by their lines', () => {
  const lines = differenceLines(
    [
      { path: 'tier', before: 3, after: 2 },
      { path: 'model', after: 'a/b' },
      { path: 'budget', before: { usd: 3 } },
      { path: 'instructions', before: 'one\ntwo\nthree\nfour\n', after: 'one\ntwo\n3\nfour\n' },
    ],
    '  ',
  );
  assert.deepEqual(lines.map(plain), [
    '  ~ tier: 3 → 2',
    '  + model: "a/b"',
    '  - budget: {"usd":3}',
    '  ~ instructions:',
    '      …',
    '        two',
    '      - three',
    '      + 3',
    '        four',
  ]);
  const plan = planLines({
    digest: 'd',
    message: 'Agents: 1 would be archived, 1 would be left unchanged.',
    changes: [
      { name: 'old', path: null, action: 'archive', differences: [], drift: [] },
      { name: 'same', path: 'agents/same.yaml', action: 'unchanged', differences: [], drift: [] },
    ],
  });
  assert.deepEqual(plan.map(plain), ['- old is archived: no file describes it', '', 'Agents: 1 would be archived, 1 would be left unchanged.']);
});

const QUESTION: ApprovalDetail = {
  id: 'apr_01kaghv4000000000000abcdef',
  run: RUN_ID,
  agent: 'repo-digest',
  kind: 'approval',
  tool: 'http_send',
  args: { url: 'https://example.com', body: 'x'.repeat(400) },
  question: 'May it send this?',
  choices: [],
  reason: 'It leaves the machine.',
  rules: ['tier-2'],
  hash: 'hash-1',
  state: 'open',
  askedAtMs: NOW_MS - 60_000,
  deadlineMs: NOW_MS + 3_600_000,
  onExpiry: 'deny',
  answer: null,
  tier: 2,
  startedBy: { actor: 'act_b', name: 'Bea' },
  trigger: 'manual',
  story: [{ seq: 4, what: 'It wants to tell the team.' }],
  whyNotYou: null,
};

function asking(question: ApprovalDetail) {
  const given: unknown[] = [];
  return {
    given,
    operations: [
      answers(approvalOperations.list, () => page([question])),
      answers(approvalOperations.get, () => question),
      answers(approvalOperations.answer, (input) => {
        given.push(input);
        return { ...question, state: 'answered' as const };
      }),
    ],
  };
}

test('an action is shown whole before it is approved, and what is sent is bound to what was shown [APR-1]', async () => {
  const server = asking(QUESTION);
  const yes = await windlass(['approve', 'abcdef'], { server, confirm: true });
  assert.equal(yes.exit, 0);
  assert.ok(yes.err.includes('x'.repeat(400)), 'arguments are never cut');
  assert.match(yes.err, /^May it send this\?\n[^]*action +http_send\n[^]*why +It leaves the machine\.\n[^]*What led there\n {2}4 {2}It wants/);
  assert.deepEqual(server.given, [{ id: QUESTION.id, answer: 'approve', hash: 'hash-1', text: '' }]);
  const no = await windlass(['approve', 'abcdef'], { server, confirm: false });
  assert.equal(no.exit, 1);
  assert.match(no.err, /Nothing was approved; the run still waits/);
  const nobody = await windlass(['approve', 'abcdef'], { server });
  assert.equal(nobody.exit, 2);
  assert.equal(server.given.length, 1);
  await windlass(['approve', 'abcdef', '--args', '{"url": "https://example.org"}', '--yes'], { server });
  await windlass(['deny', 'abcdef', '--reason', 'not now'], { server });
  assert.deepEqual(server.given.slice(1), [
    { id: QUESTION.id, answer: 'edit', hash: 'hash-1', text: '', args: { url: 'https://example.org' } },
    { id: QUESTION.id, answer: 'deny', hash: 'hash-1', text: 'not now' },
  ]);
  assert.equal((await windlass(['deny', 'abcdef'], { server })).exit, 2);
  assert.equal((await windlass(['approve', 'abcdef', '--args', '[1]', '--yes'], { server })).exit, 2);
});

test('who may not answer is told so before being asked, with exit 4', async () => {
  const server = asking({ ...QUESTION, whyNotYou: 'this key started the run' });
  const { exit, err } = await windlass(['approve', 'abcdef', '--yes'], { server });
  assert.equal(exit, 4);
  assert.match(err, /this key started the run\.\n {2}next: Set WINDLASS_KEY/);
  const expired = await windlass(['approve', QUESTION.id, '--yes'], { server: asking({ ...QUESTION, state: 'expired' }) });
  assert.match(expired.err, /it is expired\.\n {2}next: Have it asked again: windlass approvals ask-again apr_/);
});

test('status says for each part whether it is known, and does not count what it could not see', async () => {
  const self = answers(identityOperations.whoami, () => ({
    actor: { id: 'act_test', kind: 'user' as const, name: 'Tess' },
    key: { id: 'key_test', fingerprint: 'f' },
    role: 'owner' as const,
    scopes: ['read' as const],
    permissions: [],
  }));
  const runs = answers(runOperations.list, ({ status }) => page(status === undefined ? RUNS : [RUNS[1] ?? runDetail()]));
  const server = {
    operations: [self, runs, answers(approvalOperations.list, () => page([QUESTION])), answers(agentOperations.list, () => page([]))],
  };
  const { exit, out } = await windlass(['status'], { server });
  assert.equal(exit, 0);
  assert.match(out, /^server +http:\/\/127\.0\.0\.1:7420, version 0\.1\.0, started 1 h ago\n/);
  assert.match(out, /\nruns +unknown: There is nothing at GET \/api\/v1\/stats\.\n/);
  assert.match(out, /\nspent today +unknown: There is nothing at GET \/api\/v1\/spend\.\n/);
  assert.match(out, /\nWaiting for you: 1 [^]*apr_\w+ +approval +repo-digest/);
});

test('the help of the program, as it stands', async () => {
  const { out } = await windlass(['--help']);
  const commands = [...out.matchAll(/^ {2}([a-z]+)/gm)].map((match) => match[1]);
  for (const name of [
    'run',
    'runs',
    'watch',
    'approvals',
    'approve',
    'deny',
    'answer',
    'agent',
    'plan',
    'apply',
    'schedule',
    'key',
    'tool',
    'project',
    'up',
    'status',
    'doctor',
    'completion',
  ]) {
    assert.ok(commands.includes(name), name);
  }
  assert.match(out, /Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 denied or over budget, 5 server out of reach\./);
  assert.ok(out.split('\n').every((line) => line.length <= 100));
});

test('a terminal without colours or size still works', () => {
  const lines: string[] = [];
  const sink = { write: (text: string) => void lines.push(text), isTTY: true };
  const terminal = createTerminal({ json: false, stdout: sink, stderr: sink, env: {} });
  assert.equal(terminal.columns, 80);
  terminal.redraw(['one', 'x'.repeat(200)]);
  terminal.out('two');
  assert.equal(lines[0], `one\n${'x'.repeat(78)}…\n`);
  assert.deepEqual(lines.slice(1), ['\u001b[2A\u001b[0J', 'two\n']);
});
