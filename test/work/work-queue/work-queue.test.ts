/** The work queue: what labels mean, what totals are worth, a forge that fails, is slow, or is not there; `gh` played by a program. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { Count } from '../../../src/kernel/page.ts';
import { createProcessRunner } from '../../../src/runtime/tools/child-process.ts';
import type { Issue } from '../../../src/work/work-queue/issue.ts';
import { priorityOf, statusOf, sumCounts } from '../../../src/work/work-queue/issue.ts';
import { createReadIssues } from '../../../src/work/work-queue/github-issues.ts';
import type { Issues } from '../../../src/work/work-queue/github-issues.ts';
import { createWorkQueue, QUEUE_LIMITS } from '../../../src/work/work-queue/service.ts';
import { workQueueOperations } from '../../../src/work/work-queue/contract.ts';
import { answers, windlass } from '../../support/cli.ts';
import { testHome } from '../../support/home.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { testServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

const issue = (number: number, labels: string[] = [], updatedAtMs = number): Issue => ({
  number,
  title: `i${number}`,
  url: '',
  labels,
  assignees: [],
  updatedAtMs,
});
const caller = { principal: { org: 'org_a' } } as never;
const whyNoForge = async () => null;
const exact = (value: number): Count => ({ kind: 'exact', value });

test('labels say priority and status however they are written [CAD-3]', () => {
  for (const label of ['P0', 'priority: urgent', 'Priority/Critical', 'prio-P0']) assert.equal(priorityOf([label]), 'urgent', label);
  for (const label of ['p1', 'Priority: High', 'important']) assert.equal(priorityOf(['bug', label]), 'high', label);
  for (const label of ['Status: In Progress', 'wip', 'in-review']) assert.equal(statusOf([label]), 'in_progress', label);
  assert.deepEqual([priorityOf([]), statusOf(['bug']), statusOf(['On Hold']), statusOf(['to do'])], ['normal', 'open', 'blocked', 'ready']);
  assert.deepEqual([priorityOf(['highlight']), statusOf(['unblocked'])], ['normal', 'open']);
});

test('a sum is exact only when all of it is, and never zero for what failed [CAD-3, BRF-3]', () => {
  const count = fc.oneof(
    fc.nat(1_000).map((value): Count => ({ kind: 'exact', value })),
    fc.nat(1_000).map((value): Count => ({ kind: 'at_least', value })),
    fc.constant<Count>({ kind: 'unknown', why: 'x' }),
  );
  fc.assert(
    fc.property(fc.array(count), (counts) => {
      const sum = sumCounts(counts);
      const known = counts.flatMap((each) => (each.kind === 'unknown' ? [] : [each.value]));
      if (known.length === 0) return assert.equal(sum.kind, 'unknown');
      assert.deepEqual(sum, { kind: counts.every(({ kind }) => kind === 'exact') ? 'exact' : 'at_least', value: known.reduce((a, b) => a + b, 0) });
    }),
  );
});

test('the most urgent come first, and what was not fetched keeps the counts from being exact [CAD-3, BRF-3]', async () => {
  const clock = createManualClock(1_000_000);
  const answers: Record<string, Issues> = {
    'github.com/a/one': { ok: true, issues: [issue(1, ['p2']), issue(2, ['p0', 'blocked']), issue(3, ['p0', 'wip'])], total: exact(3) },
    'github.com/a/two': { ok: false, reason: 'gh: not logged in' },
  };
  const repositories = async () => [
    { project: 'one', repository: 'github.com/a/one' },
    { project: 'two', repository: 'github.com/a/two' },
    { project: 'three', repository: null },
  ];
  const read = createWorkQueue({ clock, whyNoForge, repositories, readIssues: async (of) => answers[of] ?? { ok: false, reason: 'none' } }).handlers
    .read;
  const queue = await read(caller, { limit: 2, waitMs: 1_000 });
  assert.deepEqual(
    queue.items.map(({ number }) => number),
    [3, 2],
  );
  assert.deepEqual(
    queue.sources.map(({ state, reason }) => [state, reason]),
    [
      ['ok', ''],
      ['failed', 'gh: not logged in'],
      ['failed', 'The project has no git remote.'],
    ],
  );
  assert.deepEqual([queue.shown, queue.total, queue.byPriority.urgent], [2, { kind: 'at_least', value: 3 }, { kind: 'at_least', value: 2 }]);
  const alone = createWorkQueue({
    ...{ clock, whyNoForge },
    repositories: async () => [{ project: 'one', repository: 'github.com/a/one' }],
    readIssues: async () => answers['github.com/a/one'] as Issues,
  });
  assert.deepEqual((await alone.handlers.read(caller, { limit: 50, waitMs: 1_000 })).byStatus.blocked, { kind: 'exact', value: 1 });
  const none = await createWorkQueue({
    clock,
    whyNoForge,
    repositories: async () => [],
    readIssues: async () => ({ ok: false, reason: '' }),
  }).handlers.read(caller, { limit: 1, waitMs: 0 });
  assert.deepEqual(none.total, { kind: 'unknown', why: 'there is no source to ask' });
});

test('a slow forge holds nobody up: it is asked once, and its answer is there the next time [CAD-3]', async () => {
  const clock = createManualClock(1_000_000);
  let asked = 0;
  let answer: (issues: Issues) => void = () => {};
  const readIssues = (): Promise<Issues> => {
    asked += 1;
    return new Promise((resolve) => (answer = resolve));
  };
  const { read } = createWorkQueue({
    clock,
    whyNoForge,
    readIssues,
    repositories: async () => [{ project: 'one', repository: 'github.com/a/one' }],
  }).handlers;
  const first = read(caller, { limit: 9, waitMs: 50 });
  const second = read(caller, { limit: 9, waitMs: 50 });
  await until('the forge being asked', 5_000, () => asked === 1);
  clock.set(1_000_050);
  for (const queue of [await first, await second]) assert.match(queue.sources[0]?.reason ?? '', /did not answer within 50 ms/);
  assert.equal(asked, 1);
  answer({ ok: true, issues: [issue(1)], total: exact(1) });
  const third = await read(caller, { limit: 9, waitMs: 50 });
  assert.deepEqual([third.sources[0]?.state, third.sources[0]?.readAtMs, asked], ['ok', 1_000_050, 1]);
  clock.set(1_000_050 + QUEUE_LIMITS.freshMs);
  const late = read(caller, { limit: 9, waitMs: 50 });
  await until('the forge being asked', 5_000, () => asked === 2);
  clock.set(1_000_100 + QUEUE_LIMITS.freshMs);
  const old = await late;
  assert.deepEqual(
    [old.sources[0]?.state, old.sources[0]?.readAtMs, asked],
    ['ok', 1_000_050, 2],
    'the old answer with its time, while a newer one is asked for',
  );
});

/** A `gh` that answers pages from a file, and writes down how it was called. */
async function fakeGh(folder: string, script: string): Promise<ReturnType<typeof createReadIssues>> {
  const bin = join(folder, 'bin');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, 'gh'), `#!/bin/sh\n${script}\n`);
  await chmod(join(bin, 'gh'), 0o755);
  const run = createProcessRunner({ spawn, clock: systemClock });
  return createReadIssues({ run, clock: systemClock, path: `${bin}:/usr/bin:/bin`, env: { HOME: folder, GH_TOKEN: 't', SECRET: 's' }, home: folder });
}

const page = (numbers: number[], next: string | null) =>
  JSON.stringify({
    data: {
      repository: {
        issues: {
          totalCount: 3,
          pageInfo: { hasNextPage: next !== null, endCursor: next },
          nodes: numbers.map((number) => ({
            ...{ number, title: `Title\u202E ${number}`, url: 'https://github.com/a/b/issues/1', updatedAt: '2026-03-01T12:00:00Z' },
            ...{ labels: { nodes: [{ name: 'P1' }] }, assignees: { nodes: [{ login: 'ann' }] } },
          })),
        },
      },
    },
  });

test('issues are read page by page through gh, with only the environment it needs [CAD-3]', async () => {
  await using home = testHome();
  await mkdir(home.path);
  await writeFile(join(home.path, 'one'), page([1, 2], 'NEXT'));
  await writeFile(join(home.path, 'two'), page([3], null));
  const read = await fakeGh(home.path, `env > env.txt; echo "$@" >> args.txt; case "$*" in *after=NEXT*) cat two;; *) cat one;; esac`);
  const found = await read('github.com/acme/@mill');
  assert.ok(found.ok);
  assert.deepEqual(
    found.issues.map(({ number, title, labels }) => [number, title, labels[0]]),
    [
      [1, 'Title 1', 'P1'],
      [2, 'Title 2', 'P1'],
      [3, 'Title 3', 'P1'],
    ],
  );
  assert.deepEqual(found.total, { kind: 'exact', value: 3 });
  const env = await readFile(join(home.path, 'env.txt'), 'utf8');
  assert.ok(env.includes('GH_TOKEN=t') && !env.includes('SECRET='));
  assert.match(await readFile(join(home.path, 'args.txt'), 'utf8'), /-f name=@mill/);
});

test('a gh that is missing, fails or answers nonsense is a failed source, never an empty one [CAD-3, BRF-3]', async () => {
  await using home = testHome();
  const broken = await fakeGh(home.path, 'echo "gh: To use GitHub CLI, run gh auth login" >&2; exit 4');
  const refused = await broken('github.com/acme/mill');
  assert.match(refused.ok ? '' : refused.reason, /gh auth login/);
  const nonsense = await (await fakeGh(home.path, 'echo "{}"'))('github.com/acme/mill');
  assert.match(nonsense.ok ? '' : nonsense.reason, /no list of issues/);
  const run = createProcessRunner({ spawn, clock: systemClock });
  const missing = await createReadIssues({ run, clock: systemClock, path: home.path, env: {}, home: home.path })('github.com/acme/mill');
  assert.match(missing.ok ? '' : missing.reason, /not installed/);
  const local = await broken('/srv/git/mill');
  assert.match(local.ok ? '' : local.reason, /no repository of a forge/);
});

test('over the API a queue of an organization without projects says that there is nothing to ask [CAD-3]', async () => {
  await using server = await testServer({ workers: 0 });
  const answer = (await (await server.request('/work-queue')).json()) as { sources: unknown[]; total: Count };
  assert.deepEqual([answer.sources, answer.total.kind], [[], 'unknown']);
  assert.equal((await server.request('/work-queue?project=never-was')).status, 404);
});

test('on the command line a forge that failed is not an empty queue [CAD-3, BRF-3]', async () => {
  const unknown: Count = { kind: 'unknown', why: 'no source answered' };
  const answer = {
    sources: [
      { project: 'mill', repository: null, state: 'failed' as const, reason: 'The project has no git remote.', readAtMs: null, total: unknown },
    ],
    ...{ items: [], shown: 0, total: unknown },
    byPriority: { urgent: unknown, high: unknown, normal: unknown, low: unknown },
    byStatus: { in_progress: unknown, ready: unknown, open: unknown, blocked: unknown },
  };
  const { out } = await windlass(['queue'], { server: { operations: [answers(workQueueOperations.read, () => answer)] }, env: { NO_COLOR: '1' } });
  assert.equal(
    out,
    ['No issues could be read.', '0 of unknown (no source answered) open', 'mill failed: The project has no git remote.', ''].join('\n'),
  );
});

test("of a server with several organizations none is lent the person's login that its gh has [CAD-3, STO-2]", async () => {
  await using home = testHome();
  const bin = join(home.path, 'bin');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, 'gh'), `#!/bin/sh\necho asked >> ${join(home.path, 'asked')}\nexit 1\n`);
  await chmod(join(bin, 'gh'), 0o755);
  await using server = await testServer({ workers: 0, env: { PATH: `${bin}:/usr/bin:/bin` } });
  const add = (org: string, id: string) =>
    server.db.owner("insert into project (org_id, id, code, name, remote) values ($1, $2, 'one', 'One', 'https://github.com/acme/private')", [
      org,
      id,
    ]);
  await add(server.org, 'prj_01jd2m7x9c4qf8w3v5k6t1z0aa');
  const read = async (key = server.ownerKey) => (await server.api(key).call(workQueueOperations.read, {})).sources[0]?.reason ?? '';
  assert.match(await read(), /^gh:/);
  const other = await server.addOrganization();
  await add(other.org, 'prj_01jd2m7x9c4qf8w3v5k6t1z0ab');
  for (const key of [other.ownerKey, server.ownerKey]) assert.match(await read(key), /lent to none of them/);
  assert.equal(await readFile(join(home.path, 'asked'), 'utf8'), 'asked\n', 'it was asked for the only organization, and never again');
});
