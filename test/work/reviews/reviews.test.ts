/** Reviews end to end on the real server, with the real tools, without a model: from a change in a repository to findings, panels and issues. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { agentOperations } from '../../../src/work/agents/contract.ts';
import { projectOperations } from '../../../src/work/projects/contract.ts';
import type { JobDetail, PanelView } from '../../../src/work/reviews/contract.ts';
import { coverSecrets } from '../../../src/work/reviews/cover.ts';
import { findingOperations, panelOperations, reviewOperations } from '../../../src/work/reviews/contract.ts';
import { testServer, type TestServer } from '../../support/server.ts';
import { ORDERS_AFTER, reviewRepository } from '../../support/review-repository.ts';
import { until } from '../../support/until.ts';

const SECONDS = 30_000;

async function ended(server: TestServer, id: string): Promise<JobDetail> {
  return until(`${id} ends`, SECONDS, async () => {
    const job = await server.api().call(reviewOperations.get, { id, waitSeconds: 1 });
    return job.ended ? job : null;
  });
}

async function panelEnded(server: TestServer, id: string): Promise<PanelView> {
  return until(`${id} ends`, SECONDS, async () => {
    const panel = await server.api().call(panelOperations.get, { id, waitSeconds: 1 });
    return panel.ended ? panel : null;
  });
}

test('a review is a job: it answers at once, is listed, ends with findings quoted from the change, and its estimate is held against what it took [PER-2, PER-4, PER-5]', async () => {
  using repository = reviewRepository();
  await using server = await testServer();
  const api = server.api();
  const { code } = await api.call(projectOperations.add, { path: repository.path });
  repository.write('src/orders.ts', ORDERS_AFTER);
  repository.commit('Add search and notices');
  const started = await api.call(reviewOperations.start, { persona: 'security', range: 'HEAD~1..HEAD', project: code, question: 'Is it safe?' });
  assert.deepEqual([started.status, started.persona, started.rehearsed, started.project], ['queued', 'security', true, code]);
  assert.equal(started.estimateMs > 0 && started.etaMs !== null, true);
  const job = await ended(server, started.id);
  assert.equal(job.status, 'succeeded', job.message);
  assert.deepEqual([job.phase, job.percent, job.toolCalls, job.dropped], ['ended', 100, 1, { invalid: 0, file: 0, evidence: 0 }]);
  const injection = job.findings.find(({ rule }) => rule === 'sql-injection');
  assert.deepEqual([injection?.file, injection?.line, injection?.severity, injection?.dimension], ['src/orders.ts', 9, 'high', 'security']);
  const lines = ORDERS_AFTER.split('\n');
  for (const { line, evidence } of job.findings)
    assert.equal(coverSecrets(lines[(line ?? 0) - 1]?.trim() ?? ''), evidence.trim(), 'what is quoted stands in that line, its credentials covered');
  assert.equal(
    job.findings.some(({ rule }) => rule === 'hard-coded-secret'),
    true,
  );
  assert.equal(job.tookMs !== null && job.estimateErrorPercent !== null, true);
  const [listed] = (await api.call(reviewOperations.list, { persona: 'security' })).items;
  assert.equal(listed?.id, started.id);
  const agent = await api.call(agentOperations.get, { name: 'reviewer-security' });
  assert.deepEqual([agent.version, agent.tier, agent.definition.tools.includes('file_write')], [1, 3, false]);
  const sarif = JSON.parse((await api.call(reviewOperations.report, { id: job.id, format: 'sarif' })).text) as { runs: { results: unknown[] }[] };
  assert.equal(sarif.runs[0]?.results.length, job.findings.length);
  for (const shown of [job, sarif, await api.call(reviewOperations.report, { id: job.id, format: 'markdown' })])
    assert.equal(JSON.stringify(shown).includes('9f8e7d6c5b4a39281706'), false, 'no report shows the credential it found');
});

test('a panel of seven runs side by side on three workers, merges, grades, and is kept with its trend [PER-6, REV-1, REV-2]', async () => {
  using repository = reviewRepository();
  await using server = await testServer();
  const api = server.api();
  const { code } = await api.call(projectOperations.add, { path: repository.path });
  repository.write('src/orders.ts', ORDERS_AFTER);
  const started = await api.call(panelOperations.start, { worktree: true, project: code });
  assert.equal(started.members.length, 7);
  const panel = await panelEnded(server, started.id);
  assert.deepEqual(panel.coverage, { answered: 7, of: 7, failed: [] });
  assert.equal(panel.card?.dimensions.find(({ dimension }) => dimension === 'security')?.grade, 'D');
  assert.equal(panel.trend, 'new');
  const swallowed = panel.findings.find(({ rule }) => rule === 'error-swallowed');
  assert.deepEqual(
    swallowed?.votes.map(({ reviewer }) => reviewer),
    ['engineer', 'sre'],
  );
  assert.equal((swallowed?.confidence ?? 0) > 0.8, true, 'two voices make it surer than one');
  assert.equal((await server.db.owner('select 1 from review')).length, 7);
  // mended, and reviewed again: better grades, and what was found before is seen to be resolved
  const { items } = await api.call(findingOperations.list, { source: panel.id, limit: 200 });
  assert.equal(items.length, panel.findings.length);
  const secret = items.find(({ rule }) => rule === 'hard-coded-secret');
  const issue = await api.call(findingOperations.approve, { id: secret?.id ?? '', tags: ['urgent'] });
  assert.deepEqual([issue.state, issue.issue], ['issue', null], 'without gh the issue is kept here');
  repository.write('src/orders.ts', ORDERS_AFTER.replace(/const apiKey.*\n/, ''));
  const again = await panelEnded(server, (await api.call(panelOperations.start, { worktree: true, project: code })).id);
  assert.deepEqual(again.resolved, [secret?.id]);
  const after = (await api.call(findingOperations.list, { state: 'resolved' })).items;
  assert.deepEqual(
    after.map(({ id }) => id),
    [secret?.id],
  );
  const seen = (await api.call(findingOperations.list, { state: 'open', limit: 200 })).items;
  assert.equal(
    seen.every((each) => each.seen === 2),
    true,
    'what is still there was found again, not twice',
  );
  assert.equal(again.trend, 'stable');
  const text = (await api.call(panelOperations.report, { id: again.id, format: 'markdown' })).text;
  assert.match(text, /^# Review of uncommitted changes: \*\*[A-F]\*\*/);
  assert.match(text, /Rehearsed/);
});

const answer = (findings: object[]) => `turns:\n  - json: ${JSON.stringify({ summary: 'Seen.', findings, specialists: [], proposals: [] })}\n`;
const finding = (more: object) => ({
  ...{ severity: 'medium', dimension: 'quality', rule: null, file: 'src/orders.ts', line: 10, evidence: '  } catch {}' },
  ...{ problem: 'The failure of the query is swallowed.', fix: 'Let it through.', standard: null },
  ...more,
});

test('recorded answers of several models: what is made up is dropped and counted, a model without JSON or without an answer is a named gap; three roles on two models agree [PER-5, PER-6, REV-1]', async () => {
  using repository = reviewRepository();
  const rehearsals = {
    careful: answer([
      finding({}),
      finding({
        line: 3,
        evidence: 'export function total(items: any): any {',
        problem: 'Types are thrown away.',
        rule: 'any-type',
        severity: 'low',
      }),
    ]),
    dreamer: answer([
      finding({ problem: 'A failing query is swallowed and nobody learns of it.', line: 11 }),
      finding({ file: 'src/never.ts', problem: 'A file that is not there.' }),
      finding({ evidence: 'const made = up();', problem: 'A line that is not there.' }),
    ]),
    chatty: 'turns:\n  - text: I think it looks good!\n',
    broken: 'turns:\n  - fail: { kind: credential, message: The key is not accepted. }\n',
  };
  await using server = await testServer({ rehearsals });
  const api = server.api();
  await api.call(projectOperations.add, { path: repository.path });
  repository.write('src/orders.ts', ORDERS_AFTER);
  const models = Object.keys(rehearsals).map((name) => `rehearsal/${name}`);
  const panel = await panelEnded(server, (await api.call(panelOperations.start, { worktree: true, personas: ['engineer'], models })).id);
  assert.deepEqual(panel.dropped, { invalid: 0, file: 1, evidence: 1 });
  assert.deepEqual(panel.coverage.failed.toSorted(), ['engineer on rehearsal/broken', 'engineer on rehearsal/chatty']);
  assert.equal(panel.coverage.answered, 2);
  assert.deepEqual(
    panel.findings.map(({ problem, line, votes }) => [problem, line, votes.length]),
    [
      ['A failing query is swallowed and nobody learns of it.', 10, 2],
      ['Types are thrown away.', 3, 1],
    ],
  );
  assert.match(panel.members.find(({ model }) => model === 'rehearsal/chatty')?.failure ?? '', /output schema|JSON/);
  // three roles on two models: six voices, one of each model alike
  const roles = ['architect', 'pattern-scanner', 'consistency-checker'];
  const six = await panelEnded(
    server,
    (await api.call(panelOperations.start, { worktree: true, personas: roles, models: ['rehearsal/careful', 'rehearsal/dreamer'] })).id,
  );
  assert.deepEqual([six.coverage.answered, six.findings[0]?.votes.length, six.findings[0]?.confidence], [6, 6, 0.99]);
  assert.match(panel.members.find(({ model }) => model === 'rehearsal/broken')?.failure ?? '', /key is not accepted/);
});

test('bad input is refused with what to do: no range, no change, nothing given, a binary, an unknown persona, a model that cannot be [PER-5]', async () => {
  using repository = reviewRepository();
  await using server = await testServer();
  const api = server.api();
  const { code: project } = await api.call(projectOperations.add, { path: repository.path });
  const refused = async (input: object, code: string, message: RegExp): Promise<void> => {
    await assert.rejects(api.call(reviewOperations.start, { persona: 'qa', project, ...input }), (error: Error & { code?: string }) => {
      assert.match(error.message, message);
      assert.equal(error.code, code, error.message);
      return true;
    });
  };
  await refused({ range: 'no-such..HEAD' }, 'invalid_input', /"no-such" names no commit/);
  await refused({ range: '--output=x..HEAD' }, 'invalid_input', /names no commit/);
  await refused({ worktree: true }, 'invalid_input', /nothing to review in uncommitted changes/);
  await refused({}, 'invalid_input', /Exactly one of/);
  await refused({ text: 'a', worktree: true }, 'invalid_input', /Exactly one of/);
  await refused({ files: ['nowhere'] }, 'not_found', /no file at nowhere/);
  await refused({ files: ['../../etc/passwd'] }, 'invalid_input', /outside repository/);
  await refused({ text: 'x', persona: 'poet' }, 'not_found', /no persona poet/);
  await refused({ text: 'x', model: 'nobody/nothing' }, 'invalid_input', /nobody/);
  repository.write('logo.png', new Uint8Array([137, 80, 78, 71, 0, 1, 2, 3]));
  await refused({ worktree: true }, 'invalid_input', /Nothing of uncommitted changes can be reviewed: logo.png \(binary\)/);
  assert.deepEqual(await server.db.owner('select 1 from review'), []);
  // a huge change is reviewed as far as it fits, and says of how many
  for (let i = 0; i < 30; i += 1) repository.write(`src/big${i}.ts`, `export const a${i} = ${'1;\n'.repeat(6_000)}`);
  repository.write('package-lock.json', '{}\n');
  const job = await api.call(reviewOperations.start, { persona: 'qa', project, worktree: true });
  assert.match(job.leftOut, /^Shown: \d+ of 32 files, \d+ of \d+ lines\. Left out: .*/);
  assert.match(job.leftOut, /and \d+ more\.$/);
});

test('a finding becomes an issue in the tracker by gh, once, with its tags; a pull request is read by gh [REV-2, PER-5]', async () => {
  using repository = reviewRepository();
  const bin = join(repository.path, '.git/bin');
  mkdirSync(bin);
  const log = join(bin, 'log');
  const diff = 'diff --git a/src/a.js b/src/a.js\\n--- a/src/a.js\\n+++ b/src/a.js\\n@@ -1 +1,2 @@\\n a\\n+eval(process.argv[2])\\n';
  writeFileSync(
    join(bin, 'gh'),
    `#!/bin/sh\nprintf '%s|' "$@" >> '${log}'; echo >> '${log}'\ncase "$1 $2" in\n"pr view") echo 'Evaluate input';;\n"pr diff") printf '${diff}';;\n"issue create") echo https://tracker.example/issues/7;;\nesac\n`,
  );
  chmodSync(join(bin, 'gh'), 0o755);
  await using server = await testServer({ env: { PATH: `${bin}:${process.env['PATH'] ?? ''}` } });
  const api = server.api();
  await api.call(projectOperations.add, { path: repository.path });
  const job = await ended(server, (await api.call(reviewOperations.start, { persona: 'security', pullRequest: 12 })).id);
  assert.equal(job.title, 'pull request 12: Evaluate input');
  assert.deepEqual(
    job.findings.map(({ rule, line }) => [rule, line]),
    [['code-evaluation', 2]],
  );
  const [found] = (await api.call(findingOperations.list, {})).items;
  const member = await server.key({ role: 'member', scopes: ['read', 'run'] });
  await assert.rejects(server.api(member.secret).call(findingOperations.approve, { id: found?.id ?? '' }), { code: 'denied' });
  const both = await Promise.allSettled([1, 2].map(() => api.call(findingOperations.approve, { id: found?.id ?? '', tags: ['now'] })));
  assert.equal(
    both.some(({ status }) => status === 'fulfilled'),
    true,
  );
  const made = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('issue|create'));
  assert.equal(made.length, 1, 'two approvals at once make one issue');
  assert.match(made[0] ?? '', /--title\|src\/a\.js: Data is carried out as code\./);
  assert.match(readFileSync(log, 'utf8'), /--label\|security\|--label\|severity: high\|--label\|now\|/);
  const [now] = (await api.call(findingOperations.list, { state: 'issue' })).items;
  assert.equal(now?.issue, 'https://tracker.example/issues/7');
  const dismissed = await api.call(findingOperations.dismiss, { id: found?.id ?? '', reason: 'It is a tool for ourselves.' });
  assert.equal(dismissed.state, 'dismissed');
  await ended(server, (await api.call(reviewOperations.start, { persona: 'security', pullRequest: 12 })).id);
  assert.equal((await api.call(findingOperations.list, { state: 'open' })).shown, 0, 'what was dismissed does not come up again');
});

test('a reviewer is asked again after three failures in a row, and not while a person has paused it [PER-2, AGT-4]', async () => {
  await using server = await testServer();
  const api = server.api();
  const ask = (more: object = {}) => api.call(reviewOperations.start, { persona: 'sre', text: 'while (true) {}\n', name: 'a.ts', ...more });
  for (let i = 0; i < 3; i += 1) assert.equal((await ended(server, (await ask({ model: 'rehearsal/none' })).id)).status, 'failed');
  assert.equal((await api.call(agentOperations.get, { name: 'reviewer-sre' })).state, 'error');
  assert.equal((await ended(server, (await ask()).id)).status, 'succeeded');
  await api.call(agentOperations.pause, { name: 'reviewer-sre' });
  await assert.rejects(ask(), { code: 'agent_halted', message: /is paused/ });
});

test('a review is cancelled, and what was never started is taken out of the queue [PER-3]', async () => {
  await using server = await testServer({ rehearsals: { slow: 'turns:\n  - hang: true\n    text: never\n' } });
  const api = server.api();
  const started = await api.call(reviewOperations.start, { persona: 'sre', text: 'while (true) {}', name: 'a.ts', model: 'rehearsal/slow' });
  await until('it runs', SECONDS, async () => ((await api.call(reviewOperations.get, { id: started.id })).phase === 'analysing' ? true : null));
  const before = Date.now();
  await api.call(reviewOperations.cancel, { id: started.id, reason: 'Not needed.' });
  const job = await ended(server, started.id);
  assert.equal(job.status, 'cancelled');
  assert.equal(Date.now() - before < 5_000, true);
  assert.deepEqual(
    (await api.call(reviewOperations.stats, {})).personas.map(({ persona, invocations, failed }) => [persona, invocations, failed]),
    [['sre', 1, 1]],
  );
  assert.equal((await api.call(reviewOperations.reset, {})).removed, 1);
  await assert.rejects(api.call(reviewOperations.get, { id: started.id }), { code: 'not_found' });
});
