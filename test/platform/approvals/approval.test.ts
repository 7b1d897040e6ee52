import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Trigger } from '../../../src/kernel/events.ts';
import type { Cause } from '../../../src/platform/approvals/approval.ts';
import { refuseMalformed, storyOf, whyNotAnswer } from '../../../src/platform/approvals/approval.ts';
import { ActorKind } from '../../../src/platform/identity/contract.ts';
import type { ActorId } from '../../../src/kernel/ids.ts';

const ada = { actor: 'act_ada' as ActorId, kind: 'user', fingerprint: 'ada1' } as const;
const cause = (change: Partial<Cause> = {}): Cause => ({ by: { actor: 'act_ada', name: 'ada', key: 'ada1' }, trigger: 'manual', tier: 3, ...change });
const ask = (change: Partial<Cause> = {}, surface: 'http' | 'mcp' = 'http') => whyNotAnswer(ada, { kind: 'approval', cause: cause(change), surface });

test('a person confirms what an agent of theirs asks for [APR-1]', () => {
  assert.equal(ask(), null);
  assert.equal(ask({ tier: 2 }), null);
  assert.equal(ask({ by: { actor: 'act_bob', name: 'bob', key: 'bob1' }, tier: 1 }), null);
});

test('no program ever answers, whatever it started and over whatever surface [APR-1]', () => {
  const kinds = ActorKind.options.filter((kind) => kind !== 'user');
  const anything = fc.record({
    kind: fc.constantFrom(...kinds),
    trigger: fc.constantFrom(...Trigger.options),
    tier: fc.constantFrom(1, 2, 3),
    surface: fc.constantFrom('http', 'mcp'),
    own: fc.boolean(),
  });
  fc.assert(
    fc.property(anything, ({ kind, trigger, tier, surface, own }) => {
      const who = { actor: 'act_p' as ActorId, kind, fingerprint: 'p1' };
      const by = own ? { actor: 'act_p', name: 'p', key: 'p1' } : { actor: 'act_x', name: 'x' };
      assert.notEqual(whyNotAnswer(who, { kind: 'approval', cause: cause({ by, trigger, tier }), surface }), null);
    }),
  );
});

test('the key that a program started the run with does not answer for it, over MCP never [APR-1]', () => {
  for (const trigger of Trigger.options.filter((each) => each !== 'manual')) assert.match(ask({ trigger }) ?? '', /this key started/);
  assert.match(ask({}, 'mcp') ?? '', /this key started/);
  assert.equal(
    whyNotAnswer({ ...ada, fingerprint: 'ada2' }, { kind: 'approval', cause: cause({ trigger: 'mcp' }), surface: 'http' }),
    null,
    'another key of the person does',
  );
});

test('tier 1 is approved by somebody else; tiers 1 and 2 not through MCP [APR-1]', () => {
  assert.match(ask({ tier: 1 }) ?? '', /tier 1/);
  const other = { ...ada, fingerprint: 'ada2' };
  assert.match(whyNotAnswer(other, { kind: 'approval', cause: cause({ tier: 1 }), surface: 'http' }) ?? '', /tier 1/, 'nor with another key');
  assert.equal(whyNotAnswer(other, { kind: 'input', cause: cause({ tier: 1 }), surface: 'http' }), null, 'a question for words is no approval');
  for (const tier of [1, 2] as const) assert.match(whyNotAnswer(other, { kind: 'input', cause: cause({ tier }), surface: 'mcp' }) ?? '', /MCP/);
  assert.equal(whyNotAnswer(other, { kind: 'approval', cause: cause(), surface: 'mcp' }), null);
});

test('each kind of question takes its own answers, whole [APR-1]', () => {
  const ok = [
    ['approval', { answer: 'approve', text: '' }],
    ['approval', { answer: 'edit', text: '', args: { a: 1 } }],
    ['approval', { answer: 'deny', text: 'no' }],
    ['input', { answer: 'answer', text: 'blue' }],
    ['input', { answer: 'deny', text: 'none of your business' }],
    ['outcome', { answer: 'done', text: '' }],
    ['outcome', { answer: 'not_done', text: '' }],
  ] as const;
  for (const [kind, answer] of ok) refuseMalformed(kind, answer);
  const wrong = [
    ['approval', { answer: 'approve', text: '', args: { a: 2 } }],
    ['approval', { answer: 'edit', text: '' }],
    ['approval', { answer: 'deny', text: ' ' }],
    ['approval', { answer: 'done', text: '' }],
    ['input', { answer: 'approve', text: '' }],
    ['input', { answer: 'answer', text: '' }],
    ['outcome', { answer: 'approve', text: '' }],
  ] as const;
  for (const [kind, answer] of wrong) assert.throws(() => refuseMalformed(kind, answer), { code: 'invalid_input' }, `${kind} ${answer.answer}`);
});

test('the story keeps the beginning and the latest, each in one line [APR-1]', () => {
  const entry = (seq: number, event: object | null) => ({ seq, event }) as never;
  const notes = Array.from({ length: 40 }, (_, index) =>
    entry(index + 2, { type: 'note', text: `n${index}\n${'x'.repeat(400)}`, by: { actor: 'a', name: 'ada' } }),
  );
  const story = storyOf([
    entry(1, { type: 'run.queued', by: { actor: 'a', name: 'ada' }, trigger: 'manual', input: { q: 1 } }),
    ...notes,
    entry(42, null),
    entry(43, { type: 'progress' }),
  ]);
  assert.deepEqual([story.length, story[0]?.seq, story.at(-1)], [12, 1, { seq: 42, what: 'a deleted entry' }]);
  assert.ok(story.every((line) => line.what.length <= 301 && !line.what.includes('\n')));
});
