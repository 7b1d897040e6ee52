import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { AppError } from '../../../src/kernel/errors.ts';
import { boundTool, cutText } from '../../../src/runtime/tools/call.ts';
import { choicesOf, createTools, toolName, UNKNOWN_TOOL, type ToolSource } from '../../../src/runtime/tools/registry.ts';
import type { Tool, ToolOutcome, ToolSpec } from '../../../src/runtime/tools/tool.ts';
import { createValidator } from '../../../src/runtime/tools/validate.ts';
import { callDeps, contextOf, ORG } from './support.ts';

function tool(name: string, part: Partial<ToolSpec> = {}, call: Tool['call'] = async () => ({ ok: true, text: name })): Tool {
  return {
    spec: { ...UNKNOWN_TOOL, taints: [], name, description: name, inputSchema: { type: 'object' }, realm: '', source: 'builtin', ...part },
    call,
  };
}

function source(name: string, tools: readonly Tool[], fault?: string): ToolSource {
  return {
    name,
    tools: async () => ({ tools: [...tools], faults: fault === undefined ? [] : [{ tool: `${name}.*`, why: fault }] }),
    close: async () => undefined,
  };
}

test('names resolve one by one and by server, the others with the reason [TOL-1] [TOL-6]', async () => {
  const tools = createTools({
    ...callDeps(),
    builtins: [tool('git_log'), tool('git_diff')],
    sources: [
      source('forge', [tool('forge__list'), tool('forge__create')]),
      source('broken', [], 'Server "broken" could not be started: spawn: no such program.'),
    ],
    choices: choicesOf({ forge: { tools: { list: { sideEffect: 'read', taints: [] } } } }),
  });
  const all = await tools.resolve(ORG, ['git_log', 'forge.*', 'forge__list', 'broken.*', 'nobody__x', 'forge__nope', 'forge.list', 'git_status']);
  assert.deepEqual(
    all.tools.map((one) => [one.spec.name, one.spec.sideEffect]),
    [
      ['git_log', 'external'],
      ['forge__list', 'read'],
      ['forge__create', 'external'],
    ],
  );
  const why = Object.fromEntries(all.missing.map((one) => [one.tool, one.why]));
  assert.match(why['broken.*'] ?? '', /could not be started/);
  assert.match(why['nobody__x'] ?? '', /No tool server "nobody" is configured; there are forge, broken/);
  assert.match(why['forge__nope'] ?? '', /offers no such tool/);
  assert.match(why['forge.list'] ?? '', /is named forge__list/);
  assert.match(why['git_status'] ?? '', /Near it: git_log, git_diff/);
  assert.equal((await tools.list(ORG)).specs.length, 4);
});

test('every tool name fits every provider, and two never meet', () => {
  assert.equal(toolName('forge', 'create-issue'), 'forge__create-issue');
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (a, b) => {
      for (const name of [a, b]) assert.match(toolName('a-server-of-24-characters', name), /^[a-zA-Z0-9_-]{1,64}$/);
      assert.equal(toolName('s', a) === toolName('s', b), a === b);
    }),
  );
});

test('input is checked before the call and the fault says what to mend [TOL-4]', async () => {
  let calls = 0;
  const schema = { type: 'object', properties: { n: { type: 'integer' }, kind: { enum: ['a', 'b'] } }, required: ['n'], additionalProperties: false };
  const bounded = boundTool(
    tool('t', { inputSchema: schema }, async () => {
      calls += 1;
      return { ok: true, text: '' };
    }),
    callDeps(),
  );
  const wrong = await bounded.call({ n: 'x', kind: 'c', extra: 1 }, contextOf());
  assert.ok(!wrong.ok && wrong.class === 'invalid_input');
  assert.match(wrong.message, /n: must be integer/);
  assert.match(wrong.message, /kind: must be one of \["a","b"\]/);
  assert.match(wrong.message, /"extra" is not known here/);
  assert.match(((await bounded.call({}, contextOf())) as { message: string }).message, /"n" is missing/);
  assert.equal(calls, 0);
  assert.ok((await bounded.call({ n: 1 }, contextOf())).ok);
});

test('2020-12 and draft-07 schemas are both read as what they are; a broken schema refuses', () => {
  const check = createValidator();
  const tuple = { type: 'object', properties: { p: { prefixItems: [{ type: 'string' }], items: false } } };
  assert.equal(check(tuple, { p: ['a'] }), null);
  assert.notEqual(check(tuple, { p: ['a', 'b'] }), null);
  const old = { $schema: 'http://json-schema.org/draft-07/schema#', properties: { p: { items: [{ type: 'string' }], additionalItems: false } } };
  assert.equal(check(old, { p: ['a'] }), null);
  assert.notEqual(check(old, { p: ['a', 'b'] }), null);
  assert.match(check({ type: 'nonsense' }, {}) ?? '', /own schema cannot be used/);
  assert.match(check({ $ref: 'https://example.org/elsewhere.json' }, {}) ?? '', /own schema cannot be used/);
});

test('output that breaks its schema fails a read, and is only noted of a write [TOL-4]', async () => {
  const outputSchema = { type: 'object', required: ['id'] };
  const answer = async (): Promise<ToolOutcome> => ({ ok: true, text: 'made', structured: {} });
  const read = await boundTool(tool('r', { outputSchema, sideEffect: 'read' }, answer), callDeps()).call({}, contextOf());
  assert.ok(!read.ok && read.class === 'invalid_output');
  const write = await boundTool(tool('w', { outputSchema }, answer), callDeps()).call({}, contextOf());
  assert.ok(write.ok && write.structured === undefined && /was carried out/.test(write.text));
});

test('a tool that ignores its deadline or its signal is given up on, and a write says it may have happened [TOL-4]', async () => {
  const never = async (): Promise<ToolOutcome> => new Promise(() => undefined);
  const late = await boundTool(tool('slow', { timeoutMs: 20 }, never), callDeps()).call({}, contextOf());
  assert.ok(!late.ok && late.class === 'timeout' && late.mayHaveHappened === true, JSON.stringify(late));
  const read = await boundTool(tool('slow', { timeoutMs: 20, sideEffect: 'read' }, never), callDeps()).call({}, contextOf());
  assert.ok(!read.ok && read.mayHaveHappened === undefined);
  const stop = new AbortController();
  const pending = boundTool(tool('slow', {}, never), callDeps()).call({}, contextOf({ signal: stop.signal }));
  stop.abort();
  const stopped = await pending;
  assert.ok(!stopped.ok && stopped.message.includes('stopped with the run'));
});

test('a call whose time was over before it began is not carried out: its worker was frozen and another may be at it [RUN-4, R8]', async () => {
  let called = 0;
  const act: Tool['call'] = async () => {
    called += 1;
    return { ok: true, text: 'acted' };
  };
  const { deadlineMs } = contextOf();
  const outcome = await boundTool(tool('put', {}, act), callDeps()).call({}, contextOf({ deadlineMs: deadlineMs - 60_001 }));
  assert.deepEqual([called, outcome.ok, !outcome.ok && outcome.mayHaveHappened], [0, false, true]);
});

test('thrown faults become outcomes; what is internal is logged, not told', async () => {
  const faults: unknown[] = [];
  const deps = callDeps({ onFault: (_tool, error) => faults.push(error) });
  const internal = await boundTool(
    tool('t', { sideEffect: 'read' }, async () => {
      throw new TypeError('/secret/path exploded');
    }),
    deps,
  ).call({}, contextOf());
  assert.ok(!internal.ok && !internal.message.includes('/secret/path'));
  assert.equal(faults.length, 1);
  const known = await boundTool(
    tool('t', {}, async () => {
      throw new AppError('not_found', 'No such thing.', { next: 'Look elsewhere.' });
    }),
    deps,
  ).call({}, contextOf());
  assert.ok(!known.ok && known.message === 'No such thing. Look elsewhere.');
});

test('results are scrubbed and limited, with a note of what is missing [TOL-4] [TOL-5]', async () => {
  const scrub = {
    text: (text: string) => text.replaceAll('hunter22', '[secret:PW]'),
    json: <T>(value: T): T => JSON.parse(JSON.stringify(value).replaceAll('hunter22', '[secret:PW]')) as T,
  };
  const call = async (outcome: ToolOutcome): Promise<ToolOutcome> =>
    boundTool(
      tool('t', {}, async () => outcome),
      callDeps({ scrub }),
    ).call({}, contextOf());
  const big = await call({ ok: true, text: `hunter22 ${'x'.repeat(2_000_000)}`, structured: { a: 'y'.repeat(2_000_000) } });
  assert.ok(big.ok && big.text.length <= 1_000_000 && big.structured === undefined);
  assert.match(big.text, /structured result was over/);
  assert.match(big.text, /\[cut: \d+ characters in all\]$/);
  assert.doesNotMatch(big.text, /hunter22/);
  const failed = await call({ ok: false, class: 'tool_error', message: 'login with hunter22 failed' });
  assert.ok(!failed.ok && failed.message === 'login with [secret:PW] failed');
  assert.equal(cutText('a😀b'.repeat(30), 61).isWellFormed(), true);
});
