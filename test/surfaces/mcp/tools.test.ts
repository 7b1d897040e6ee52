/** The tools that clients load, pinned: a changed schema reaches every client that approved the old one, so it is changed on purpose. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { canonicalJson } from '../../../src/kernel/canonical-json.ts';
import { createAgentsToolset } from '../../../src/surfaces/mcp/agents-toolset.ts';
import { systemClock } from '../../../src/kernel/clock.ts';

const TOOLSET = createAgentsToolset({ watch: async function* watch() {}, clock: systemClock });

/** read-only, destructive, idempotent, and the first digits of the input schema's SHA-256. */
const PINNED: Readonly<Record<string, string>> = {
  agent_create: '--- 2afd0ca04caa',
  agent_list: 'r-i b9eed59c4cf1',
  agent_pause_resume: '--i 1a2a00563170',
  agent_show: 'r-i 2fde96cf3308',
  agent_update: '--i c4c9f2042514',
  run_answer: '-d- ec74a803c845',
  run_cancel: '-di 291d936c3f0b',
  run_list: 'r-i 4dd2347e7a5a',
  run_show: 'r-i 41d75af8d836',
  run_start: '--- 7ccc6b962194',
  run_steer: '--- 054f4c5bc14a',
  run_watch: 'r-i 7ddeac544969',
  schedule_list: 'r-i 062d284c45ab',
  status: 'r-i 99334726611c',
};

test('the tools of toolset agents are the ones that were shown, at most 15 [MCP-1, MCP-2]', () => {
  const found = Object.fromEntries(
    TOOLSET.tools.map(({ listed: { name, inputSchema, annotations } }) => {
      const flags = [annotations.readOnlyHint ? 'r' : '-', annotations.destructiveHint ? 'd' : '-', annotations.idempotentHint ? 'i' : '-'].join('');
      const digest = createHash('sha256').update(canonicalJson(inputSchema)).digest('hex').slice(0, 12);
      return [name, `${flags} ${digest}`];
    }),
  );
  assert.deepEqual(found, PINNED);
  assert.ok(TOOLSET.tools.length <= 15);
});

test('every tool says what it is for and is light enough to load [MCP-2]', () => {
  for (const { listed } of TOOLSET.tools) {
    assert.match(listed.name, /^[a-z]+(?:_[a-z]+)*$/);
    assert.ok(listed.title.length > 3 && listed.description.endsWith('.'), listed.name);
    const long = [...JSON.stringify(listed.inputSchema).matchAll(/"pattern":"([^"]*)"/g)].filter((match) => (match[1] ?? '').length > 60);
    assert.deepEqual(long, [], `${listed.name} puts a long pattern into every list`);
  }
  assert.ok(JSON.stringify(TOOLSET.tools.map((each) => each.listed)).length < 24_000);
});
