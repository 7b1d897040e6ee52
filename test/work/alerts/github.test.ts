/** What events of GitHub and of generic senders say, without a server: red, green, neither; forks, order, text of strangers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { plainLine, plainUrl } from '../../../src/work/alerts/alert.ts';
import { readGeneric } from '../../../src/work/alerts/generic.ts';
import { readGitHub } from '../../../src/work/alerts/github.ts';
import { AT, githubEvents } from '../../support/github-events.ts';

const NOW = Date.parse(AT) + 1_000;
const read = (event: string, body: unknown) => readGitHub(event, body, NOW);
const only = (event: string, body: unknown) => {
  const { signals } = read(event, body);
  assert.equal(signals.length, 1);
  return signals[0];
};

test('a failed workflow is red, on the default branch the more; the same workflow on that branch turns it green [CAD-2]', () => {
  const red = only('workflow_run', githubEvents.workflow({ conclusion: 'failure' }));
  assert.deepEqual(red, {
    ...{ tone: 'red', kind: 'ci', severity: 'high', title: 'build: failure on main', url: 'https://github.com/acme/mill/actions/runs/7' },
    ...{ repository: 'github.com/acme/mill', branch: 'main', project: null, atMs: Date.parse(AT), key: red?.tone === 'red' ? red.key : '' },
  });
  const green = only('workflow_run', githubEvents.workflow({ conclusion: 'success' }));
  assert.deepEqual([green?.tone, green?.tone === 'green' && green.key], ['green', red?.tone === 'red' && red.key]);
  const keyOf = (change: object) => {
    const found = only('workflow_run', githubEvents.workflow({ conclusion: 'failure', ...change }));
    return found?.tone === 'red' ? [found.key, found.severity] : [];
  };
  const [key] = keyOf({});
  assert.notEqual(keyOf({ head_branch: 'topic' })[0], key);
  assert.equal(keyOf({ head_branch: 'topic' })[1], 'low');
  assert.notEqual(keyOf({ workflow_id: 8 })[0], key);
  assert.notEqual(keyOf({ head_repository: { full_name: 'fork/mill' } })[0], key, 'main of a fork is not main');
  for (const conclusion of ['cancelled', 'skipped', 'neutral', 'stale', null])
    assert.deepEqual(read('workflow_run', githubEvents.workflow({ conclusion })).signals, []);
  assert.deepEqual(read('workflow_run', { ...githubEvents.workflow({ conclusion: null }), action: 'requested' }).signals, []);
});

test('check suites of other apps count, those of Actions are told by the workflow run; a deleted branch ends its alerts [CAD-2]', () => {
  assert.equal(only('check_suite', githubEvents.suite({ conclusion: 'timed_out' }))?.tone, 'red');
  assert.equal(only('check_suite', githubEvents.suite({ conclusion: 'success' }))?.tone, 'green');
  assert.deepEqual(
    read('check_suite', githubEvents.suite({ conclusion: 'failure', app: { slug: 'github-actions', name: 'GitHub Actions' } })).signals,
    [],
  );
  const { repository } = githubEvents.workflow({});
  assert.deepEqual(only('delete', { ref: 'topic', ref_type: 'branch', repository }), {
    ...{ tone: 'gone', repository: 'github.com/acme/mill', branch: 'topic', atMs: NOW },
  });
  assert.deepEqual(read('delete', { ref: 'v1', ref_type: 'tag', repository }).signals, []);
  assert.deepEqual(read('star', {}).signals, []);
});

test('deployments and security alerts are read with their severity, and a secret is never [CAD-2]', () => {
  const failed = only('deployment_status', githubEvents.deployment({ state: 'failure' }));
  assert.equal(failed?.tone === 'red' && failed.severity, 'high');
  assert.equal(only('deployment_status', githubEvents.deployment({ state: 'success' }))?.tone, 'green');
  assert.deepEqual(read('deployment_status', githubEvents.deployment({ state: 'in_progress' })).signals, []);
  for (const [event, body, severity] of [
    ['dependabot_alert', githubEvents.dependabot('created'), 'high'],
    ['code_scanning_alert', githubEvents.codeScanning('created'), 'critical'],
    ['secret_scanning_alert', githubEvents.secretScanning('created'), 'critical'],
  ] as const) {
    const signal = only(event, body);
    assert.deepEqual(signal?.tone === 'red' && [signal.kind, signal.severity], ['security', severity], event);
    assert.equal(JSON.stringify(signal).includes('hunter2'), false);
  }
  for (const [event, body] of [
    ['dependabot_alert', githubEvents.dependabot('fixed')],
    ['code_scanning_alert', githubEvents.codeScanning('fixed')],
    ['secret_scanning_alert', githubEvents.secretScanning('resolved')],
  ] as const)
    assert.equal(only(event, body)?.tone, 'green', event);
  assert.throws(() => read('workflow_run', { action: 'completed' }), { name: 'ZodError' });
});

test('a generic event needs its time, and its key is its own sender’s [CAD-2, HOK-2]', () => {
  const raised = { type: 'alert.raised', timestamp: AT, data: { key: 'disk', title: 'Disk full', severity: 'critical', url: 'javascript:alert(1)' } };
  const one = readGeneric('whs_a', raised).signals[0];
  const other = readGeneric('whs_b', raised).signals[0];
  assert.ok(one?.tone === 'red' && other?.tone === 'red' && one.key !== other.key);
  assert.deepEqual([one.kind, one.severity, one.url], ['other', 'critical', null]);
  const green = readGeneric('whs_a', { type: 'alert.resolved', timestamp: AT, data: { key: 'disk' } }).signals[0];
  assert.equal(green?.tone === 'green' && green.key, one.key);
  assert.deepEqual(readGeneric('whs_a', { type: 'invoice.paid', timestamp: AT }).signals, []);
  for (const wrong of [{ ...raised, timestamp: undefined }, { ...raised, data: {} }, { ...raised, type: '' }, [], null, 'x'])
    assert.throws(() => readGeneric('whs_a', wrong), { name: 'ZodError' }, JSON.stringify(wrong));
});

test('text of strangers is one plain line of at most its length, whatever it was [CAD-2]', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.integer({ min: 2, max: 100 }), (text, max) => {
      const line = plainLine(text, max);
      assert.ok(line.length <= max && line.isWellFormed() && !/[\p{Cc}\p{Cf}\n\r]/u.test(line));
    }),
  );
  assert.equal(plainLine('a\u202Eb\u0000\nc', 10), 'a b c');
  for (const url of ['javascript:1', 'file:///etc/passwd', 'x', undefined, null]) assert.equal(plainUrl(url), null);
});
