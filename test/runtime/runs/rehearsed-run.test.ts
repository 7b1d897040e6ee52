import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createModels } from '../../../src/runtime/models/models.ts';
import { createRunWorld, ORG, readTool } from '../../support/run-world.ts';
import type { VirtualClock } from '../../support/virtual-clock.ts';

const FOLDER = fileURLToPath(new URL('../models/scripts', import.meta.url));
const COMMITS = Array.from({ length: 3 }, (_, n) => ({ hash: `hash${n}`, author: 'Ada', date: '2026-11-02T10:00:00Z', subject: `Change ${n}` }));

function rehearsal(clock: VirtualClock) {
  return createModels({
    clock,
    fetch: () => Promise.reject(new TypeError('a rehearsal needs no network')),
    credential: () => undefined,
    generateId: () => 'id',
    providers: {},
    rehearsal: { folders: [FOLDER] },
  });
}

test('a rehearsed run works on the data of its tools, also where their text was cut, and says it was rehearsed [GTW-7]', async () => {
  const world = createRunWorld({
    script: () => [],
    tools: [
      readTool('git_log', async () => ({ ok: true, text: 'x'.repeat(50_000), structured: { commits: COMMITS } })),
      readTool('git_show', async (args) => ({ ok: true, text: 'shown', structured: { files: [args['revision'] ?? null] } })),
    ],
  });
  const models = rehearsal(world.clock);
  // The template engine loads in real time, which a virtual clock does not wait for.
  const request = {
    model: 'rehearsal/repo-digest',
    instructions: '',
    messages: [],
    tools: [],
    maxOutputTokens: 1,
    outputSchema: null,
    temperature: null,
  };
  await models.call({ ...request, turn: 1 }, { signal: new AbortController().signal, timeoutMs: 1_000 });
  const run = await world.create({ plan: { model: 'rehearsal/repo-digest', tools: ['git_log', 'git_show'] }, queued: { input: 'This week' } });
  await world.clock.settle(world.driver('a', { models }).advance(ORG, run));
  const ended = world.ended[0]?.event;
  assert.match(ended?.answer ?? '', /# This week\n3 commits by Ada\.[\s\S]*- Change 2 \(Ada, 2026-11-02\)[\s\S]*`hash1`: 1 files/);
  assert.deepEqual([ended?.status, ended?.rehearsed, ended?.cost], ['succeeded', true, { microUsd: 0, known: true }]);
});
