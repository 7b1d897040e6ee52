import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { systemClock } from '../../../src/kernel/clock.ts';
import { createScrubber } from '../../../src/platform/secrets/scrub.ts';
import { createToolset, type Toolset } from '../../../src/runtime/tools/toolset.ts';
import { createValidator } from '../../../src/runtime/tools/validate.ts';
import { contextOf, ORG, temporaryRepository, type Repository } from './support.ts';

function toolsetIn(repository: Repository): Toolset {
  return createToolset({
    more: [],
    home: repository.home,
    mcpServers: { broken: { command: 'no-such-program-here', args: [], env: {}, tools: {} } },
    db: {
      asOrg: async () => {
        throw new TypeError('no database in this test');
      },
    },
    clock: systemClock,
    log: () => undefined,
    scrubber: createScrubber(() => [{ name: 'EXAMPLE', value: 'first line' }]),
    secrets: async () => null,
    check: createValidator(),
    spawn,
    fetch,
    resolve: async () => [],
    random: () => 0,
    path: process.env['PATH'] ?? '',
    version: '0.0.0',
    process: { pid: process.pid, platform: process.platform },
  });
}

/** What policy and people rely on: a change here is a change of what an agent may do unasked. */
const PINNED = {
  ask_human: 'ask read none',
  checkpoint_get: 'call read none private',
  checkpoint_list: 'call read none private',
  checkpoint_set: 'call reversible key',
  file_edit: 'call reversible probe',
  file_list: 'call read none private',
  file_read: 'call read none private',
  file_search: 'call read none private',
  file_write: 'call reversible probe',
  git_blame: 'call read none private',
  git_diff: 'call read none private',
  git_log: 'call read none private',
  git_show: 'call read none private',
  git_status: 'call read none private',
  http_request: 'call read none untrusted',
  http_send: 'call external none untrusted',
};

test('every built-in is there, taken for what it is, under a name every provider takes [TOL-1] [TOL-10] [TOL-11] [TOL-13] [TOL-16]', async () => {
  using repository = temporaryRepository();
  const { tools } = toolsetIn(repository);
  const { specs, faults } = await tools.list(ORG);
  const shown = specs.map((spec) => [spec.name, [spec.kind, spec.sideEffect, spec.recovery, ...spec.taints].join(' ')]);
  assert.deepEqual(Object.fromEntries(shown.toSorted(([a = ''], [b = '']) => a.localeCompare(b))), PINNED);
  assert.ok(specs.every((spec) => /^[a-zA-Z0-9_-]{1,64}$/.test(spec.name) && spec.description.length > 20 && spec.inputSchema['type'] === 'object'));
  assert.deepEqual(
    faults.map((fault) => fault.tool),
    ['broken.*'],
  );
  await tools.close();
});

test('a secret in a file reaches neither text nor structured result; a fault of ours is not told [TOL-5] [SEC-5]', async () => {
  using repository = temporaryRepository();
  const { tools, command } = toolsetIn(repository);
  const context = contextOf({ checkout: repository.path });
  const { tools: found } = await tools.resolve(ORG, ['file_read', 'git_show', 'checkpoint_get']);
  for (const tool of found.slice(0, 2)) {
    const outcome = await tool.call(tool.spec.name === 'git_show' ? { revision: 'HEAD~1' } : { path: 'readme.md' }, context);
    assert.ok(outcome.ok);
    assert.match(JSON.stringify(outcome), /\[secret:EXAMPLE\]/);
    assert.doesNotMatch(JSON.stringify(outcome), /first line/);
  }
  const failed = await found[2]?.call({ name: 'n' }, context);
  assert.ok(failed && !failed.ok && !failed.message.includes('no database'));
  const shown = await command({ name: 'show', argv: ['cat', 'readme.md'], timeoutMs: 10_000, repeatable: true }).call({}, context);
  assert.ok(shown.ok && shown.text.includes('[secret:EXAMPLE]') && !shown.text.includes('first line'));
  await tools.close();
});
