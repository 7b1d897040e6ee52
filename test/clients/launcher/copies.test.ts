/** Copies of briefing and documents: what a launch and a start leave serves without the server, with its age (spec LCH-5). */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { identityOperations } from '../../../src/platform/identity/contract.ts';
import { briefingOperations } from '../../../src/work/briefing/contract.ts';
import { documentOperations } from '../../../src/work/documents/contract.ts';
import { projectOperations } from '../../../src/work/projects/contract.ts';
import type { CallOptions, FakeServer } from '../../support/cli.ts';
import { NOW_MS, answers, windlass } from '../../support/cli.ts';
import { page } from '../../support/cli-fixtures.ts';
import { testCheckout } from '../../support/checkout.ts';

const REMOTE = 'git@github.example:acme/app.git';
const HOURS_MS = 3_600_000;
const TEXTS: Readonly<Record<string, string>> = { 'README.md': '# App\n', 'docs/API.md': '# API ünd 🧶\n', 'docs%2FAPI.md': 'Not the same.\n' };

function server(): FakeServer {
  const documents = Object.keys(TEXTS).map((name, i) => ({
    ...{ id: `doc_01jd2m7x9c4qf8w3v5k6t1z0a${i}`, project: 'app', name, version: 1, hash: String(i), bytes: 9, updatedAtMs: NOW_MS },
  }));
  const shown = {
    version: 1,
    hash: 'h',
    bytes: 9,
    repository: null,
    path: null,
    generatedFrom: null,
    author: { actor: 'a', name: 'Ada' },
    atMs: NOW_MS,
  };
  const project = {
    ...{ id: 'prj_1', code: 'app', name: 'App', path: null, remote: REMOTE, repositories: [REMOTE], capabilities: [], secretsPath: null },
    ...{ designSpec: null, environments: [], status: 'active' as const, platform: false, declared: false, createdAtMs: NOW_MS },
  };
  return {
    operations: [
      answers(projectOperations.list, () => page([project])),
      answers(documentOperations.list, () => page(documents)),
      answers(documentOperations.get, ({ id }) => {
        const found = documents.find((each) => each.id === id) ?? assert.fail(id);
        return { ...found, shown, content: TEXTS[found.name] ?? '' };
      }),
      answers(briefingOperations.read, () => ({
        ...{
          project: { id: 'prj_1', code: 'app', name: 'App' },
          session: null,
          atMs: NOW_MS,
          view: 'brief' as const,
          markdown: '# Briefing of app\n',
        },
        ...{ tokens: 9, bytes: 30, budgetTokens: 3_000, parts: [], sources: [], faults: [] },
      })),
      answers(identityOperations.whoami, () => ({
        ...{ actor: { id: 'a', kind: 'cli' as const, name: 'local' }, key: { id: 'k', fingerprint: 'f' }, role: 'member' as const },
        ...{ scopes: [], permissions: [] },
      })),
    ],
  };
}

test('without the server the copies of briefing and documents serve from the checkout, marked with their age [LCH-5]', async () => {
  using at = testCheckout({ remote: REMOTE });
  const away: CallOptions = { server: null, home: at.home, cwd: at.top, nowMs: NOW_MS + 5 * HOURS_MS };
  const none = await windlass(['doc', 'list', '--project', 'app'], away);
  assert.deepEqual([none.exit, /No Windlass answers/.test(none.err)], [5, true], 'without copies it fails as before');
  const launched = await windlass(['launch', 'app', 'claude'], {
    ...{ server: server(), home: at.home, cwd: at.top, env: { PATH: at.bin, HOME: at.home }, start: async () => 0 },
  });
  assert.match(launched.err, /documents +3 kept for when the server is out of reach/);
  const stdin = JSON.stringify({ session_id: 'c', cwd: at.top });
  const env = { WINDLASS_PROJECT: 'app' };
  const sleep = (_ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
  await windlass(['hook', 'start', '--cli', 'claude'], { server: server(), home: at.home, cwd: at.top, stdin, env, sleep, execute: async () => '' });

  const list = await windlass(['doc', 'list'], away);
  assert.equal(list.exit, 0, list.err);
  assert.match(list.err, /No Windlass answers at .*This is a copy from 5 h ago, not the present state/);
  for (const name of Object.keys(TEXTS)) assert.ok(list.out.includes(name), list.out);
  for (const [wanted, name] of [
    ['README.md', 'README.md'],
    ['docs/API.md', 'docs/API.md'],
    ['docs%2FAPI.md', 'docs%2FAPI.md'],
    ['1z0a1', 'docs/API.md'],
  ] as const) {
    const shown = await windlass(['doc', 'show', wanted], away);
    assert.deepEqual([shown.exit, shown.out.includes(TEXTS[name] ?? '-')], [0, true], `${wanted}: ${shown.out}`);
    assert.match(shown.err, /copy from 5 h ago/);
  }
  const json = JSON.parse((await windlass(['doc', 'show', 'README.md', '--json'], away)).out) as Record<string, unknown>;
  assert.deepEqual([json['content'], json['keptAtMs']], [TEXTS['README.md'], NOW_MS], 'its age is data as well');
  const missing = await windlass(['doc', 'show', 'never.md'], away);
  assert.deepEqual([missing.exit, /Among the 3 copies of app's documents is no never\.md/.test(missing.err)], [3, true]);
  const old = await windlass(['doc', 'show', 'README.md', '--at', '1'], away);
  assert.equal(old.exit, 5, 'a version before is not among the copies');
  const brief = await windlass(['brief'], away);
  assert.match(
    brief.out,
    /^> \*\*This is a copy from 5 h ago, not the present state\.\*\*[^]*Copies of 3 documents, as old as 5 h ago[^]*# Briefing of app/,
  );
  assert.equal((await windlass(['brief', '-o', 'x.md'], away)).exit, 5, 'a copy is not written to a file as if it were one');
  rmSync(join(at.home, 'launcher/copies'), { recursive: true });
  assert.equal((await windlass(['brief'], away)).exit, 5);
});
