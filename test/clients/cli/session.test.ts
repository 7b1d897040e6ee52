/** `windlass session`, `handoff` and `brief` against a real server: a whole working session by hand. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Called, CallOptions } from '../../support/cli.ts';
import { temporaryFolder, windlass } from '../../support/cli.ts';
import { testIds } from '../../support/identity.ts';
import { testServer } from '../../support/server.ts';

const git = async (_program: string, args: readonly string[]): Promise<string> =>
  args.includes('remote.origin.url') ? 'git@github.com:acme/app.git\n' : args.includes('HEAD') ? `${'a'.repeat(40)}\n` : 'main\n';

test('a session by hand: started, claimed, handed over, briefed to a file [BRF-5, SES-5, SES-6, HND-1]', async () => {
  await using server = await testServer({ workers: 0 });
  using folder = temporaryFolder({ 'handoff.json': JSON.stringify({ status: 'done', summary: 'For the site.' }) });
  for (const code of ['app', 'site']) {
    await server.db.owner('insert into project (org_id, id, code, name, remote) values ($1, $2, $3, $3, $4)', [
      ...[server.org, testIds.next('prj'), code, `https://github.com/acme/${code}`],
    ]);
  }
  const env = { WINDLASS_URL: server.url, WINDLASS_KEY: server.ownerKey };
  const call = (argv: readonly string[], over: CallOptions = {}): Promise<Called> =>
    windlass(argv, { env, execute: git, fetch: (input, init) => globalThis.fetch(input, init), ...over });
  const ok = async (argv: readonly string[], over: CallOptions = {}): Promise<string> => {
    const { exit, out, err } = await call(argv, over);
    assert.equal(exit, 0, err);
    return out;
  };
  const first = await ok(['session', 'start', '--machine', 'laptop', '--issue', '12']);
  const id = /sess_\w+/.exec(first)?.[0] ?? '';
  assert.match(first, /created in app; branches begin with laptop\/person\//);
  assert.match(await ok(['session', 'start', '--machine', 'laptop']), new RegExp(`${id} resumed`));
  assert.match(await ok(['session', 'heartbeat', id]), /next heartbeat by/);
  assert.match(await ok(['session', 'claim', id, 'issue', '12']), /issue 12 is yours with fencing number 1/);
  const other = /sess_\w+/.exec(await ok(['session', 'start', '--machine', 'desk', '--agent', 'codex']))?.[0] ?? '';
  const held = await call(['session', 'claim', other, 'issue', '12']);
  assert.deepEqual([held.exit, /is held by person on laptop/.test(held.out)], [1, true]);
  assert.equal((await call(['session', 'claim', id, 'branch', 'x'])).exit, 2);
  assert.match(await ok(['session', 'release', id, 'issue', '12']), /Released/);
  const sent = await ok(['handoff', 'write', id, `@${join(folder.path, 'handoff.json')}`, '--to', 'site']);
  assert.match(sent, /Left: ho_\w+; it waits in the queue of site/);
  const queue = await ok(['handoff', 'list', '--project', 'site', '--queue']);
  const waiting = /ho_\w+/.exec(queue)?.[0] ?? '';
  assert.match(await ok(['handoff', 'show', waiting]), /> For the site\./);
  assert.match(await ok(['handoff', 'take', waiting]), /Taken/);
  assert.equal((await call(['handoff', 'dismiss', waiting, 'late'])).exit, 1);
  assert.match(await ok(['handoff', 'propose', id]), /commits: unknown[^]*runs: 0[^]*issues: #12/);
  assert.equal((await call(['handoff', 'write', id])).exit, 2, 'nobody can be asked');
  assert.equal((await call(['handoff', 'write', id], { confirm: false })).exit, 1);
  assert.match(await ok(['session', 'show', id]), /active/);
  const copy = join(folder.path, 'copies');
  assert.match(await ok(['handoff', 'write', id, '--copy', copy], { confirm: true }), /Left: ho_\w+; session sess_\w+ is ended\.\nCopied to/);
  assert.match(await ok(['handoff', 'write', id, '--yes']), /It was left before/);
  const [file = ''] = await readdir(copy);
  assert.match(await readFile(join(copy, file), 'utf8'), /- Confirmed by a person/);
  assert.match(await ok(['session', 'end', id]), /was ended already; its handoff is ho_/);
  assert.equal((await call(['handoff', 'write', other, '{"status": "maybe"}'])).exit, 2);
  assert.match(await ok(['brief']), /^# Briefing: `app`[^]*## Last handoff/);
  assert.match((await call(['brief', '--project', 'nowhere'])).err, /There is no project nowhere/);
  const written = join(folder.path, 'BRIEFING.md');
  assert.match(await ok(['brief', '--full', '-o', written]), /^Wrote .*BRIEFING\.md/);
  assert.match(await readFile(written, 'utf8'), /^# Briefing: `app`/);
  const json = JSON.parse(await ok(['brief', '--json', '--budget', '5000'])) as { tokens: number; budgetTokens: number };
  assert.ok(json.tokens <= 5_000 && json.budgetTokens === 5_000);
  assert.equal((await call(['brief', '-o', '/nonexistent/x/y'])).exit, 2);
});
