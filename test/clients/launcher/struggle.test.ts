/** When the hooks say stop, and what the form tells [LCH-7]. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { attemptOf, readHookInput } from '../../../src/clients/launcher/hook-input.ts';
import type { Attempt } from '../../../src/clients/launcher/struggle.ts';
import { errorKey, shouldStop } from '../../../src/clients/launcher/struggle.ts';

function attempt(over: Partial<Attempt> & { what: string }): Attempt {
  return { atMs: 0, call: over.what, result: `result of ${over.what}`, error: null, edit: false, ...over };
}

const failing = (what: string, error: string, atMs = 0): Attempt => attempt({ what, error, atMs, result: error });

test('the same error three times, whatever its numbers, stops with what was tried [LCH-7]', () => {
  const tries = [1, 2, 3].map((n) => failing(`Bash npm test -- ${n}`, `Exit code 1\nTypeError: cannot read id ${n} of undefined at line ${n * 7}`));
  assert.equal(shouldStop(tries.slice(0, 2)), null);
  const form = shouldStop(tries);
  assert.match(form?.blocked ?? '', /same error came back 3 times: TypeError: cannot read id 3/);
  assert.match(form?.tried ?? '', /npm test -- 1 → TypeError.*npm test -- 2.*npm test -- 3/);
  assert.match(form?.need ?? '', /a decision/);
});

test('a success of that call in between, and errors that say nothing, count for nothing [LCH-7]', () => {
  const fail = failing('Bash npm test', 'Exit code 1\nTypeError: cannot read it');
  assert.equal(shouldStop([fail, fail, attempt({ what: 'Bash npm test' }), fail]), null);
  const silent = ['a', 'b', 'c', 'd'].map((what) => failing(`Bash grep ${what}`, 'Exit code 1'));
  assert.equal(shouldStop(silent), null);
});

test('the same call with the same result three times in a row stops, with another call in between it does not [LCH-7]', () => {
  const poll = attempt({ what: 'Bash gh run view 1' });
  assert.match(shouldStop([poll, poll, poll])?.blocked ?? '', /same call was made 3 times in a row/);
  assert.equal(shouldStop([poll, poll, attempt({ what: 'Edit a.ts' }), poll]), null);
  assert.equal(shouldStop([poll, poll, { ...poll, result: 'done' }]), null);
});

test('half an hour on one problem stops [LCH-7]', () => {
  const at = (minutes: number): Attempt => failing('Bash make', 'ld: symbol not found in module', minutes * 60_000);
  assert.equal(shouldStop([at(0), attempt({ what: 'Read x' }), at(29)]), null);
  assert.match(shouldStop([at(0), attempt({ what: 'Read x' }), at(31)])?.blocked ?? '', /31 minutes have gone into one problem/);
});

test('no calls without an error stop a session, unless they are one call over and over [LCH-7]', () => {
  const different = fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 30 }).map((names) => names.map((what) => attempt({ what })));
  fc.assert(fc.property(different, (attempts) => assert.equal(shouldStop(attempts), null)));
});

test('what the three CLIs tell of a failure is a failure, and of a success is none [LCH-6]', () => {
  const read = (value: object) => attemptOf(readHookInput(JSON.stringify(value)) ?? assert.fail(), 5);
  const claude = read({
    hook_event_name: 'PostToolUseFailure',
    tool_name: 'Bash',
    tool_input: { command: 'npm test' },
    error: 'Exit code 1\nboom went it',
  });
  assert.deepEqual([claude.what, errorKey(claude.error)?.includes('boom went it')], ['Bash npm test', true]);
  const gemini = read({
    hook_event_name: 'AfterTool',
    tool_name: 'run_shell_command',
    tool_input: { command: 'x' },
    tool_response: { llmContent: 'Output: boom\nExit Code: 2', returnDisplay: 'boom' },
  });
  assert.notEqual(gemini.error, null);
  const mcp = read({
    hook_event_name: 'PostToolUse',
    tool_name: 'mcp__x__y',
    tool_input: {},
    tool_response: { content: [{ type: 'text', text: 'no such thing' }], isError: true },
  });
  assert.match(mcp.error ?? '', /no such thing/);
  const well = read({
    hook_event_name: 'PostToolUse',
    tool_name: 'Bash',
    tool_input: { command: 'ls' },
    tool_response: { stdout: 'exit code: 0', stderr: '' },
  });
  assert.equal(well.error, null);
  assert.equal(readHookInput('no json'), null);
  assert.equal(readHookInput('[]'), null);
});
