import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createValidator } from '../../../src/runtime/tools/validate.ts';
import { checkDefinition, nearest } from '../../../src/work/agents/check-definition.ts';
import { agentJsonSchema } from '../../../src/work/agents/definition.ts';
import { parseFiles } from '../../../src/work/agents/definition-file.ts';
import { planOfAgent } from '../../../src/work/agents/run-plan.ts';
import { RunPlan } from '../../../src/kernel/plan.ts';
import { definition } from '../../support/agents.ts';

const check = createValidator();
/** As a person is shown them: `agents/foo.yaml:12 limits.turns: …`. */
const faultsOf = (text: string, path = 'agents/foo.yaml'): string[] =>
  parseFiles([{ path, text }], check).faults.map(
    ({ path: at, line, message }) => `${line === undefined ? at : at.replace(path, `${path}:${line}`)}: ${message}`,
  );

test('the published JSON Schema is the one the code checks by [AGT-1]', () => {
  const file = join(import.meta.dirname, '../../../schemas/agent.schema.json');
  assert.deepEqual(
    JSON.parse(readFileSync(file, 'utf8')),
    JSON.parse(JSON.stringify(agentJsonSchema())),
    'run: node src/work/agents/write-json-schema.ts',
  );
});

test('the published JSON Schema takes what the parser takes and refuses an unknown key [AGT-1]', () => {
  const schema = JSON.parse(JSON.stringify(agentJsonSchema())) as Record<string, never>;
  assert.equal(check(schema, { name: 'foo', instructions: 'x', limits: { turns: 3 }, schedules: [{ cron: '0 8 * * 1' }] }), null);
  assert.match(check(schema, { name: 'foo', instructoins: 'x' }) ?? '', /instructoins/);
  assert.match(check(schema, { name: 'foo', limits: { turns: 0 } }) ?? '', /turns/);
});

test('a file with everything becomes the definition the API would give [AGT-1, AGT-3]', () => {
  const text = `name: foo
description: Reads things
instructions: |
  Read the log.
  Say what changed.
model: anthropic/claude
fallbacks: [openai/gpt]
tools: [git_log, github.*]
agents: [helper]
input: { type: object, properties: { since: { type: string } } }
output: { type: object, required: [summary], properties: { summary: { type: string } } }
limits: { turns: 5, activeMinutes: 10, costUsd: 0.5 }
schedules:
  - cron: "0 8 * * 1-5"
    timezone: Europe/Berlin
    jitterSeconds: 60
    input: { since: yesterday }
budget: { usd: 3, period: month }
tier: 2
owner: ada
notify: [ada]
access: { roles: [member, operator] }
confirm: [github__create_issue]
network: { allow: [10.0.0.0/8] }
approval: { ttlHours: 2, onExpiry: halt }
`;
  const { definitions, faults } = parseFiles([{ path: 'agents/foo.yaml', text }], check);
  assert.deepEqual(faults, []);
  const [file] = definitions;
  assert.ok(file);
  assert.equal(file.definition.schedules[0]?.overlap, 'skip');
  const plan = planOfAgent({ id: 'agt_1', version: 4, definition: file.definition }, { model: 'anthropic/claude' });
  assert.deepEqual(RunPlan.parse(plan), plan);
  assert.deepEqual(plan.limits, { turns: 5, toolCalls: 100, activeMs: 600_000, tokens: 1_000_000, costMicroUsd: 500_000 });
  assert.deepEqual([plan.approvalTtlMs, plan.onApprovalExpiry, plan.tier, plan.confirm], [7_200_000, 'halt', 2, ['github__create_issue']]);
});

test('all faults of a file come at once, each with line and path, an unknown key with the nearest known name [AGT-1]', () => {
  const text = `name: foo
instruction: typo
kind: modle
limits:
  turns: 0
  tool_calls: 3
tools:
  - git_log
  - 7
schedules:
  - cron: "* * * *"
    every: 5m
    timezone: Mars/Olympus
  - timezone: UTC
confirm: [rm]
budget:
  period: day
input:
  type: nonsense
`;
  const faults = faultsOf(text);
  const has = (start: string, words: RegExp): void =>
    assert.ok(
      faults.some((fault) => fault.startsWith(start) && words.test(fault)),
      `${start} ${words} in\n${faults.join('\n')}`,
    );
  has('agents/foo.yaml:1 instructions:', /needs them/);
  has('agents/foo.yaml:2 instruction:', /not known here; did you mean instructions\?/);
  has('agents/foo.yaml:3 kind:', /model/);
  has('agents/foo.yaml:5 limits.turns:', /1/);
  has('agents/foo.yaml:6 limits.tool_calls:', /did you mean toolCalls\?/);
  has('agents/foo.yaml:9 tools[1]:', /string/);
  has('agents/foo.yaml:11 schedules[0]:', /exactly one of cron, every and at, not cron and every/);
  has('agents/foo.yaml:11 schedules[0].cron:', /five fields/);
  has('agents/foo.yaml:13 schedules[0].timezone:', /Mars\/Olympus/);
  has('agents/foo.yaml:14 schedules[1]:', /exactly one/);
  has('agents/foo.yaml:15 confirm[0]:', /rm is not among tools/);
  has('agents/foo.yaml:16 budget:', /usd and tokens/);
  has('agents/foo.yaml:18 input:', /JSON Schema/);
  const lines = faults.map((fault) => Number(/:(\d+)/.exec(fault)?.[1]));
  assert.deepEqual(
    lines,
    lines.toSorted((a, b) => a - b),
  );
});

test('what is no YAML, no mapping, too large or swells is refused with its place [AGT-1]', () => {
  assert.match(faultsOf('name: foo\n  bad: [1\n').join('\n'), /agents\/foo\.yaml:\d/);
  assert.match(faultsOf('- a\n- b\n').join(), /must be a mapping/);
  assert.match(faultsOf('').join(), /must be a mapping/);
  assert.match(faultsOf('name: foo\nname: foo\n').join(), /foo\.yaml:2/);
  assert.match(faultsOf('x'.repeat(300_000)).join(), /over 256 KB/);
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n`;
  assert.match(faultsOf(bomb).join(), /alias/i);
  assert.match(faultsOf('__proto__: { polluted: true }\nname: foo\ninstructions: x\n').join(), /__proto__/);
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
});

test('a name has one file that is named after it [AGT-1]', () => {
  assert.match(faultsOf('name: bar\ninstructions: x\n').join(), /agents\/foo\.yaml:1 name: bar must be in a file named bar\.yaml/);
  const file = (path: string): { path: string; text: string } => ({ path, text: 'name: foo\ninstructions: x\n' });
  const { faults } = parseFiles([file('agents/foo.yaml'), file('other/foo.yml')], check);
  assert.match(faults.map((fault) => fault.message).join(), /described in agents\/foo\.yaml already/);
});

test('an agent of fixed commands has commands and nothing of a model [AGT-7]', () => {
  const commands = [{ name: 'build', argv: ['npm', 'run', 'build'], timeoutSeconds: 30 }];
  const made = checkDefinition({ name: 'ci', kind: 'command', commands }, check);
  assert.ok(made.ok);
  const plan = planOfAgent({ id: 'agt_1', version: 1, definition: made.definition }, { model: '' });
  assert.deepEqual(RunPlan.parse(plan), plan);
  assert.ok(plan.kind === 'command');
  assert.deepEqual(plan.commands, [{ name: 'build', argv: ['npm', 'run', 'build'], timeoutMs: 30_000, repeatable: false }]);
  const wrong = checkDefinition({ name: 'ci', kind: 'command', model: 'a/b', tools: ['x'] }, check);
  assert.ok(!wrong.ok);
  assert.deepEqual(wrong.faults.map((fault) => fault.path.join('.')).toSorted(), ['commands', 'model', 'tools']);
  const mixed = checkDefinition({ name: 'ci', instructions: 'x', commands }, check);
  assert.ok(!mixed.ok && mixed.faults[0]?.path[0] === 'commands');
});

test('a scheduled input must fit the input schema [AGT-3]', () => {
  const input = { type: 'object', required: ['since'], properties: { since: { type: 'string' } } };
  const made = (schedules: unknown[]): boolean => checkDefinition({ name: 'a', instructions: 'x', input, schedules }, check).ok;
  assert.ok(made([{ every: '15m', input: { since: 'now' } }]));
  assert.ok(!made([{ every: '15m' }]));
  assert.ok(!made([{ every: '0m', input: { since: 'now' } }]));
  assert.ok(!made([{ at: 'tomorrow', input: { since: 'now' } }]));
  assert.ok(made([{ at: '2099-01-05T08:00:00', timezone: 'Europe/Berlin', input: { since: 'now' } }]));
});

test('the nearest known name is near, or there is none', () => {
  assert.equal(nearest('toolcalls', ['toolCalls', 'turns']), 'toolCalls');
  assert.equal(nearest('tuns', ['toolCalls', 'turns']), 'turns');
  assert.equal(nearest('banana', ['toolCalls', 'turns']), null);
});

test('a definition with nothing but name and instructions has the defaults of the spec [AGT-3, HAR-2]', () => {
  const { tier, tools, approval, kind } = definition({ name: 'plain' });
  assert.deepEqual({ tier, tools, approval, kind }, { tier: 3, tools: [], approval: { ttlHours: 24, onExpiry: 'deny' }, kind: 'model' });
});
