/** `windlass review` and `windlass metrics` against the real server: what they print, how they exit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { projectOperations } from '../../../src/work/projects/contract.ts';
import { windlass, type CallOptions } from '../../support/cli.ts';
import { reviewRepository } from '../../support/review-repository.ts';
import { testServer } from '../../support/server.ts';

const CODE = 'export function f(x: string) {\n  eval(x);\n}\n';

test('review waits for findings, prints them in three formats and exits by what was found; what was found is listed, approved, dismissed, counted [PER-2, REV-2, STD-4]', async () => {
  await using server = await testServer({ rehearsals: { broken: 'turns:\n  - fail: { kind: credential, message: No key. }\n' } });
  const options: CallOptions = {
    env: { WINDLASS_URL: server.url, WINDLASS_KEY: server.ownerKey, NO_COLOR: '1' },
    fetch: globalThis.fetch,
    stdin: CODE,
  };
  const run = (line: string, more: CallOptions = {}) => windlass(line.split(' '), { ...options, ...more });
  const good = await run('review - --name src/f.ts --persona security');
  assert.equal(good.exit, 0, good.err);
  assert.match(
    good.out,
    /^# security on src\/f\.ts\n\n\*Rehearsed: .*\n\n[\s\S]*## high: src\/f\.ts:2\n\nData is carried out as code\.\n\n```\neval\(x\);\n```/,
  );
  const sarif = await run('review - --name src/f.ts --persona security --format sarif --fail-on high');
  assert.equal(sarif.exit, 1, 'as bad as it may not be');
  assert.equal((JSON.parse(sarif.out) as { version: string }).version, '2.1.0');
  const mild = await run('review - --name src/f.ts --persona security --fail-on critical --json');
  assert.deepEqual([mild.exit, (JSON.parse(mild.out) as { persona: string }).persona], [0, 'security']);
  const panel = await run('review - --name src/f.ts --panel');
  assert.match(panel.out, /^# Review of src\/f\.ts: \*\*[A-F]\*\* \(new\)[\s\S]*7 of 7 reviewers answered\.[\s\S]*\| security \| D \| 1 \|/);
  const broken = await run('review - --persona qa --model rehearsal/broken');
  assert.deepEqual([broken.exit, /No answer\*\* \(\w+\): .*No key/.test(broken.out)], [1, true], broken.out);
  const here = await run('review test/support/until.ts --persona engineer');
  assert.match(here.out, /^# engineer on test\/support\/until\.ts/, 'a file of no registered project is read here');
  const refusals = {
    'review src/kernel': /A folder can be reviewed only/,
    'review nothing.js': /no file nothing\.js here/,
    'review --pr 7': /A pull request can/,
  };
  for (const [line, says] of Object.entries(refusals))
    assert.match((await run(line, { execute: async () => Promise.reject(new Error('fatal: bad revision')) })).err, says);
  for (const wrong of ['review - --format pdf', 'review - --fail-on awful', 'review --persona nobody -']) {
    const { exit, err } = await run(wrong);
    assert.equal(exit === 2 || exit === 3, true, `${wrong}: ${exit} ${err}`);
  }
  assert.match((await run('review list')).out, /security\s+succeeded \(rehearsed\)/);
  assert.match((await run('review list --panels')).out, /7 of 7/);
  const id = /run_[0-9a-z]{26}/.exec((await run('review list --persona engineer')).out)?.[0] ?? '';
  assert.match((await run(`review show ${id.slice(-8)}`)).out, /^# engineer/);
  const finding = /fnd_[0-9a-z]{26}/.exec((await run('review findings --state open')).out)?.[0] ?? '';
  assert.match((await run(`review approve ${finding}`)).out, /an issue now, kept here/);
  assert.match((await windlass(['review', 'dismiss', finding, 'Meant so.'], options)).out, /dismissed/);
  assert.match((await run('review personas')).out, /security\s+core\s+shipped\s+security, dependencies/);
  assert.match((await run('review stats')).out, /security\s+4\s+0\s+4\s+0/);
  const metrics = JSON.parse((await run('metrics --json')).out) as {
    reviews: { invocations: number; findings: { dismissed: number } };
    standards: object;
  };
  assert.deepEqual([metrics.reviews.invocations, metrics.reviews.findings.dismissed], [12, 1]);
  using repository = reviewRepository();
  await server.api().call(projectOperations.add, { path: repository.path });
  const elsewhere = await run('review - --name src/f.ts --persona security --json');
  assert.equal(
    (JSON.parse(elsewhere.out) as { project: string | null }).project,
    null,
    'what is read here is no part of a project that lies elsewhere',
  );
  assert.deepEqual(Object.keys(metrics.standards).toSorted(), ['accepted', 'hits', 'open', 'proposed', 'queries', 'refused', 'standards']);
});
