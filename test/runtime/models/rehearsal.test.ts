import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { systemClock } from '../../../src/kernel/clock.ts';
import { RunEvent } from '../../../src/kernel/events.ts';
import { NO_USAGE, type Message } from '../../../src/kernel/messages.ts';
import { cassetteFromEntries } from '../../../src/runtime/models/cassette.ts';
import type { ModelOutcome, ModelReply, ModelRequest } from '../../../src/runtime/models/model.ts';
import { createModels } from '../../../src/runtime/models/models.ts';
import { costMicroUsd } from '../../../src/platform/budgets/cost.ts';

const FOLDER = fileURLToPath(new URL('scripts', import.meta.url));
const LOG = {
  commits: [
    { hash: 'aaa1', author: 'Ada', date: '2026-11-02T10:00:00+01:00', subject: 'Mend the parser' },
    { hash: 'bbb2', author: 'Ben', date: '2026-11-01T23:30:00Z', subject: 'Add a <test>' },
    { hash: 'ccc3', author: 'Ada', date: '2026-10-30T09:00:00Z', subject: 'Start' },
  ],
};

const NO_NETWORK = {
  clock: systemClock,
  fetch: () => Promise.reject(new TypeError('a rehearsal needs no network')),
  credential: () => undefined,
  generateId: () => 'id',
  providers: {},
};

const models = (scripts: Record<string, unknown> = {}) =>
  createModels({ ...NO_NETWORK, rehearsal: { folders: [FOLDER], scripts: new Map(Object.entries(scripts)) } });

function request(model: string, turn: number, messages: Message[] = [user('Weekly digest')]): ModelRequest {
  return { model, turn, messages, instructions: 'You digest.', tools: [], maxOutputTokens: 1_000, outputSchema: null, temperature: null };
}

function user(text: string): Message {
  return { role: 'user', content: [{ type: 'text', text }] };
}

const options = () => ({ signal: new AbortController().signal, timeoutMs: 5_000 });

function replyOf(outcome: ModelOutcome): ModelReply {
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.failure.message);
  return outcome.reply;
}

function failureOf(outcome: ModelOutcome) {
  assert.ok(!outcome.ok);
  return outcome.failure;
}

/** Plays a script to its end over canned tool results, as the harness would. */
async function play(
  model: string,
  results: (tool: string, args: Record<string, unknown>) => unknown,
): Promise<{ replies: ModelReply[]; deltas: string[] }> {
  const port = models();
  const messages: Message[] = [user('Weekly digest')];
  const replies: ModelReply[] = [];
  const deltas: string[] = [];
  for (let turn = 1; turn <= 10; turn += 1) {
    const reply = replyOf(await port.call(request(model, turn, messages), { ...options(), onDelta: (text) => deltas.push(text) }));
    replies.push(reply);
    const calls = reply.content.filter((part) => part.type === 'tool_call');
    if (calls.length === 0) return { replies, deltas };
    messages.push({ role: 'assistant', content: reply.content });
    messages.push({
      role: 'tool',
      content: calls.map((call) => {
        const structured = results(call.tool, call.args) as Record<string, string>;
        return { type: 'tool_result', callId: call.callId, tool: call.tool, text: 'as text', failed: false, structured };
      }),
    });
  }
  throw new assert.AssertionError({ message: 'the script did not end' });
}

test('a script reads real results, calls tools once per item and writes a digest, the same each time [GTW-7]', async () => {
  const results = (tool: string): unknown => (tool === 'git_log' ? LOG : { files: ['a', 'b'] });
  const { replies, deltas } = await play('rehearsal/repo-digest', results);
  assert.deepEqual(
    replies[1]?.content.filter((part) => part.type === 'tool_call').map((part) => part.args),
    [
      { revision: 'aaa1', patch: false, context: 3 },
      { revision: 'bbb2', patch: false, context: 3 },
    ],
  );
  const last = replies.at(-1);
  assert.equal(
    last?.content[0]?.type === 'text' && last.content[0].text,
    [
      '# Weekly digest',
      '3 commits by Ada, Ben.',
      '',
      '- Mend the parser (Ada, 2026-11-02)',
      '- Add a <test> (Ben, 2026-11-01)',
      '- Start (Ada, 2026-10-30)',
      '',
      '`aaa1`: 2 files',
      '`bbb2`: 2 files',
    ].join('\n'),
  );
  assert.equal(deltas.length, 3);
  assert.deepEqual(await play('rehearsal/repo-digest', results), { replies, deltas });
});

test('a rehearsal is marked, counts tokens by estimate and costs a known nothing [GTW-7, GTW-5]', async () => {
  const port = models();
  const { rehearsed, usage } = replyOf(await port.call(request('rehearsal/repo-digest', 1), options()));
  assert.equal(rehearsed, true);
  assert.ok(usage.estimated && usage.inputTokens > 0 && usage.outputTokens > 0);
  const facts = port.facts('rehearsal/repo-digest');
  assert.ok(facts.rehearsed && facts.price !== null);
  assert.equal(costMicroUsd(usage, facts.price), 0);
  assert.deepEqual(port.available().at(-1)?.models, ['rehearsal/repo-digest', 'rehearsal/with-faults']);
});

test('a branch takes `otherwise` when its condition does not hold [GTW-7]', async () => {
  const { replies } = await play('rehearsal/repo-digest', () => ({ commits: [] }));
  assert.deepEqual(replies.at(-1)?.content, [{ type: 'text', text: 'Nothing was committed.' }]);
});

test('every fault of a script is told at once, with line and path [GTW-7]', async () => {
  const failure = failureOf(await models().call(request('rehearsal/with-faults', 1), options()));
  assert.equal(failure.kind, 'invalid_request');
  assert.ok(!failure.sent && !failure.retryable);
  for (const fault of [
    /has 6 faults/,
    /line 2, turns\[0\]\.text: .*no_such_filter/,
    /line 4, turns\[1\]\.calls\[0\]\.tool: /,
    /line 3, turns\[1\]: .*txt/,
    /line 6, turns\[2\]: `when` and `otherwise`/,
    /line 8, turns\[2\]\.text: .*if input/,
    /line 10, turns\[2\]\.when: /,
  ]) {
    assert.match(failure.message, fault);
  }
});

test('templates and expressions that do not parse are faults with the line inside the text [GTW-7]', async () => {
  const port = models({ mended: { turns: [{ text: '{{ a | no_such }}' }, { when: 'a ==', text: '{% if a %}' }] } });
  const failure = failureOf(await port.call(request('rehearsal/mended', 1), options()));
  assert.match(failure.message, /turns\[0\]\.text: .*no_such/);
  assert.match(failure.message, /turns\[1\]: `when` and `otherwise` belong together/);
  assert.match(failure.message, /turns\[1\]\.text: .*if a/);
});

test('a script asked for by a wrong name is told with those there are [GTW-7]', async () => {
  for (const name of ['nothing', '../with-faults', '']) {
    const failure = failureOf(await models().call(request(`rehearsal/${name}`, 1), options()));
    assert.match(failure.message, /no rehearsal script.*repo-digest/);
  }
});

test('a variable that is not there fails the call instead of leaving a hole in the answer [GTW-7]', async () => {
  const port = models({ hole: { turns: [{ text: 'Found {{ results.git_log.last.json.commits.size }}' }] } });
  assert.match(failureOf(await port.call(request('rehearsal/hole', 1), options())).message, /undefined variable/);
});

test('a template can neither look at the clock nor read a file nor run for ever [GTW-7]', async () => {
  const texts = {
    now: '{{ "now" | date: "%Y" }}',
    file: '{% include "/etc/hostname" %}',
    chance: '{{ input.text | sample }}',
    proto: '{{ input.constructor.name }}',
  };
  for (const [name, text] of Object.entries(texts)) {
    const failure = failureOf(await models({ [name]: { turns: [{ text }] } }).call(request(`rehearsal/${name}`, 1), options()));
    assert.equal(failure.kind, 'invalid_request', name);
  }
  const loop = '{% for a in (1..100000) %}{% for b in (1..100000) %}{{ b }}{% endfor %}{% endfor %}';
  const failure = failureOf(await models({ loop: { turns: [{ text: loop }] } }).call(request('rehearsal/loop', 1), options()));
  assert.match(failure.message, /limit/);
});

test('a scripted failure carries its kind, its Retry-After and whether it was sent, as often as it says [HAR-6]', async () => {
  const fail = { kind: 'rate_limited', retryAfterMs: 2_000, times: 2 };
  const port = models({ busy: { turns: [{ fail, text: 'Now.' }] } });
  for (let i = 0; i < 2; i += 1) {
    const failure = failureOf(await port.call(request('rehearsal/busy', 1), options()));
    assert.deepEqual(
      { ...failure, message: '' },
      { kind: 'rate_limited', message: '', retryable: true, retryAfterMs: 2_000, sent: true, usage: NO_USAGE },
    );
  }
  assert.deepEqual(replyOf(await port.call(request('rehearsal/busy', 1), options())).content, [{ type: 'text', text: 'Now.' }]);
});

test('a hang ends at the deadline, or at once when aborted [HAR-6]', async () => {
  const port = models({ hang: { turns: [{ hang: true }] } });
  const timedOut = failureOf(await port.call(request('rehearsal/hang', 1), { ...options(), timeoutMs: 20 }));
  assert.deepEqual([timedOut.kind, timedOut.sent, timedOut.usage], ['timeout', true, null]);
  const controller = new AbortController();
  const call = port.call(request('rehearsal/hang', 1), { signal: controller.signal, timeoutMs: 60_000 });
  controller.abort();
  assert.equal(failureOf(await call).kind, 'aborted');
});

test('a turn can say JSON, with values that keep their type [GTW-8]', async () => {
  const port = models({ json: { turns: [{ json: { title: 'For {{ input.text }}', turn: '{{ turn }}', list: ['{{ input.text | size }}'] } }] } });
  const { content } = replyOf(await port.call(request('rehearsal/json', 1), options()));
  assert.deepEqual(content, [{ type: 'text', text: '{"title":"For Weekly digest","turn":1,"list":[13]}' }]);
});

test('a cassette plays a recorded run back by turn and says when the run leaves it [GTW-7]', async () => {
  const event = (turn: number, text: string) =>
    RunEvent.parse({
      type: 'model.replied',
      turn,
      model: 'anthropic/claude-sonnet-5-5',
      content: [{ type: 'text', text, meta: { anthropic: { signature: 'x' } } }],
      finish: 'stop',
      usage: { ...NO_USAGE, inputTokens: 7, outputTokens: 3 },
      costMicroUsd: 12,
      rehearsed: false,
      ms: 5,
    });
  const script = cassetteFromEntries([{ event: event(1, 'one') }, { event: null }, { event: event(2, 'two') }]);
  const port = models({ tape: script });
  const reply = replyOf(await port.call(request('rehearsal/tape', 2), options()));
  assert.deepEqual(reply.content, [{ type: 'text', text: 'two', meta: { anthropic: { signature: 'x' } } }]);
  assert.deepEqual([reply.usage.inputTokens, reply.usage.estimated, reply.rehearsed], [7, false, true]);
  assert.match(failureOf(await port.call(request('rehearsal/tape', 3), options())).message, /no turn 3/);
  assert.throws(() => cassetteFromEntries([]), /no reply of a model/);
});

test('the script in the documentation plays [GTW-7]', async () => {
  const page = readFileSync(new URL('../../../docs/rehearsals.md', import.meta.url), 'utf8');
  const script = parse(/```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '') as unknown;
  const port = models({ page: script });
  const first = replyOf(await port.call(request('rehearsal/page', 1), options()));
  assert.deepEqual(first.content.at(-1), { type: 'tool_call', callId: 'call_1_1', tool: 'git_log', args: { limit: 20 } });
  const log = { type: 'tool_result' as const, callId: 'call_1_1', tool: 'git_log', text: JSON.stringify(LOG), failed: false };
  const messages: Message[] = [user('{"commits": 3}'), { role: 'assistant', content: first.content }, { role: 'tool', content: [log] }];
  const second = replyOf(await port.call(request('rehearsal/page', 2, messages), options()));
  assert.equal(second.content.filter((part) => part.type === 'tool_call').length, 3);
});
