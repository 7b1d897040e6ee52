/** The foundation's policy, rule by rule. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decideByTier, isListed, type PolicyQuestion } from '../../../src/platform/policy/policy.ts';

const question = (over: Partial<PolicyQuestion>): PolicyQuestion => ({
  action: 'tool',
  name: 'look',
  sideEffect: 'read',
  tier: 3,
  allowlist: ['look', 'github.*'],
  confirm: [],
  labels: [],
  taints: [],
  ...over,
});

const TABLE: [string, Partial<PolicyQuestion>, string, string[]][] = [
  ['a listed read', {}, 'allow', ['read_allowed']],
  ['a listed reversible write', { sideEffect: 'reversible' }, 'allow', ['reversible_allowed']],
  ['an external effect', { sideEffect: 'external' }, 'confirm', ['external_confirmed']],
  ['an irreversible effect', { sideEffect: 'irreversible', tier: 2 }, 'confirm', ['external_confirmed']],
  ['a reversible write at tier 1', { sideEffect: 'reversible', tier: 1 }, 'confirm', ['tier1_confirmed']],
  ['a read at tier 1', { tier: 1 }, 'allow', ['read_allowed']],
  ['what is not listed', { name: 'delete_all' }, 'deny', ['allowlist']],
  ['a tool of a listed server', { name: 'github__issues' }, 'allow', ['read_allowed']],
  ['a tool whose name only begins like a listed server', { name: 'githubx__issues' }, 'deny', ['allowlist']],
  ['a read that the agent wants confirmed', { confirm: ['look'] }, 'confirm', ['agent_confirm']],
  ['an unlisted tool, although it asks for confirmation', { name: 'x', confirm: ['x'] }, 'deny', ['allowlist']],
  [
    'external, untrusted and private together',
    { sideEffect: 'external', labels: ['untrusted', 'private'] },
    'confirm',
    ['two_of_three', 'external_confirmed'],
  ],
  ['reading outside with private data', { taints: ['untrusted'], labels: ['private'] }, 'allow', ['read_allowed']],
  ['reading outside after reading outside', { taints: ['untrusted'], labels: ['untrusted'] }, 'allow', ['read_allowed']],
  ['reading outside with both, by which data leaves', { taints: ['untrusted'], labels: ['untrusted', 'private'] }, 'confirm', ['two_of_three']],
  ['reading at home with both', { taints: ['private'], labels: ['untrusted', 'private'] }, 'allow', ['read_allowed']],
  ['a model of the agent', { action: 'model' }, 'allow', ['model_allowed']],
  ['another model', { action: 'model', name: 'other/one' }, 'deny', ['allowlist']],
];

for (const [what, over, answer, rules] of TABLE) {
  test(`${what}: ${answer} [POL-1]`, () => {
    const decision = decideByTier(question(over));
    assert.equal(decision.answer, answer);
    assert.deepEqual(decision.rules, rules);
    assert.match(decision.reason, /\S/);
  });
}

test('an error inside the policy is a deny [POL-1]', () => {
  const broken = { ...question({}), labels: null as unknown as string[], sideEffect: 'external' as const };
  assert.deepEqual(decideByTier(broken).answer, 'deny');
  assert.deepEqual(decideByTier(broken).rules, ['error']);
});

test('no more than two of three: with both labels an external act is never allowed unasked, whatever else holds [POL-3]', () => {
  const any = fc.record({ tier: fc.constantFrom(1 as const, 2 as const, 3 as const), confirm: fc.subarray(['look']), listed: fc.boolean() });
  fc.assert(
    fc.property(any, ({ tier, confirm, listed }) => {
      const given = question({ tier, confirm, allowlist: listed ? ['look'] : [], sideEffect: 'external', labels: ['untrusted', 'private'] });
      assert.notEqual(decideByTier(given).answer, 'allow');
    }),
  );
});

test('a wildcard in an allowlist names the tools of one server only [POL-1]', () => {
  assert.ok(isListed(['a.*'], 'a__b'));
  assert.ok(!isListed(['a.*'], 'ab__c'));
  assert.ok(!isListed(['a.*'], 'a'));
  assert.ok(!isListed(['*'], 'a'));
});
