/** Prompts: their order, their record, their rebuilding, and how they are kept within the window. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { EventOf } from '../../../src/kernel/events.ts';
import type { Message } from '../../../src/kernel/messages.ts';
import { assemble, promptAt, STOP_RULES_TEXT } from '../../../src/runtime/runs/context.ts';
import { foldAll } from '../../../src/runtime/runs/fold.ts';
import { estimateTokens } from '../../../src/runtime/models/tokens.ts';
import { calls, drive, FACTS, modelPlan, queued, RULES, says, toolEntry, type Driven } from '../../support/drive-pure.ts';
import { makeWorld, spec } from './random-world.ts';

const plan = modelPlan({ tools: ['look'] });

const assembled = (driven: Driven): EventOf<'context.assembled'>[] =>
  driven.entries.flatMap(({ event }) => (event?.type === 'context.assembled' ? [event] : []));

function textOf(message: Message | undefined): string {
  return message?.content.map((part) => ('text' in part ? part.text : '')).join('') ?? '';
}

/** A run that reads `turns` results of `chars` characters. */
function reader(turns: number, chars: number, windowTokens = FACTS.windowTokens): Driven {
  return drive({
    queued: queued(plan),
    tools: [toolEntry('look')],
    models: { 'test/one': { ...FACTS, windowTokens } },
    model: (n, action) => (action.intended.summarises > 0 ? says('It read a lot.') : n <= turns ? calls(['look', { n }]) : says('done')),
    tool: (_call, n) => `${n}:${'x'.repeat(chars)}`,
  });
}

test('the stable parts come first, and the instructions end with the stop rules [HAR-3] [HAR-8]', () => {
  const driven = reader(1, 10);
  const [first, second] = assembled(driven);
  assert.deepEqual(
    first?.parts.map((part) => part.name),
    ['instructions', 'tools', 'history'],
  );
  assert.deepEqual(first.parts.slice(0, 2), second?.parts.slice(0, 2), 'they are the same at every turn');
  assert.notEqual(first.hash, second?.hash);
  assert.equal(
    first.tokens,
    first.parts.reduce((sum, part) => sum + part.tokens, 0),
  );
  const request = driven.actions.find((action) => action.do === 'call_model');
  assert.ok(request?.do === 'call_model' && request.request.instructions.endsWith(STOP_RULES_TEXT));
  for (const part of ['BLOCKED:', 'TRIED:', 'NEED:']) assert.ok(STOP_RULES_TEXT.includes(part));
});

test('the record of a prompt does not grow with the history [HAR-3]', () => {
  const sizes = assembled(reader(20, 10)).map((event) => JSON.stringify(event).length);
  assert.ok(Math.max(...sizes) - Math.min(...sizes) < 20, sizes.join());
});

test('the prompt of any turn of any run rebuilds from the journal to its recorded hash [HAR-3]', () => {
  fc.assert(
    fc.property(spec, (given) => {
      const { entries, actions } = drive(makeWorld(given));
      for (const action of actions) {
        if (action.do !== 'call_model' || action.intended.summarises > 0) continue;
        const prompt = promptAt(entries, action.intended.turn, RULES);
        assert.equal(prompt.instructions, action.request.instructions);
      }
    }),
    { numRuns: 100 },
  );
  const driven = reader(3, 10);
  const third = driven.actions.find((action) => action.do === 'call_model' && action.intended.turn === 3);
  assert.ok(third?.do === 'call_model');
  assert.deepEqual(promptAt(driven.entries, 3, RULES).messages, third.request.messages);
});

test('a prompt that does not match its hash is not shown as if it did [HAR-3]', () => {
  const { entries } = reader(2, 10);
  const forged = entries.map((entry) => (entry.event?.type === 'tool.done' ? { ...entry, event: { ...entry.event, text: 'other' } } : entry));
  assert.throws(() => promptAt(forged, 2, RULES), { code: 'internal' });
  assert.throws(() => promptAt(entries, 9, RULES), { code: 'internal' });
});

test('a long result is cut with a note how to read on, and result_read goes on exactly there [HAR-4]', () => {
  const text = Array.from({ length: 5_000 }, (_unused, index) => `line ${index}\n`).join('');
  const offsets: number[] = [];
  let read = '';
  const driven = drive({
    queued: queued(plan),
    tools: [toolEntry('look', { shownChars: 1_000 })],
    model: (_n, action) => {
      const last = textOf(action.request.messages.at(-1));
      if (action.intended.turn === 1) return calls(['look', {}]);
      const note = /\n\[Characters \d+ to (\d+) of \d+\. Read on with result_read\((\{.*\})\)\.\]$/.exec(last);
      read += note === null ? last : last.slice(0, note.index);
      if (note === null) return says('read it all');
      offsets.push(Number(note[1]));
      return calls(['result_read', JSON.parse(note[2] ?? '') as Record<string, string>]);
    },
    tool: () => text,
  });
  assert.equal(driven.state.status, 'succeeded');
  assert.equal(read, text);
  assert.deepEqual(offsets.slice(0, 2), [1_000, 17_000]);
});

test('a cut never parts a surrogate pair [HAR-4]', () => {
  const driven = drive({
    queued: queued(plan),
    tools: [toolEntry('look', { shownChars: 11 })],
    model: (n, action) => {
      if (n === 1) return calls(['look', {}]);
      const shown = textOf(action.request.messages.at(-1));
      assert.ok(shown.isWellFormed(), shown);
      return says('ok');
    },
    tool: () => '0123456789😀 and more',
  });
  assert.equal(driven.state.status, 'succeeded');
});

test('beyond 70% of the window old results become references, then older turns a summary; the journal keeps all [HAR-4]', () => {
  const driven = reader(24, 1_500, 8_192);
  const compactions = driven.entries.flatMap(({ event }) => (event?.type === 'context.compacted' ? [event] : []));
  assert.ok((compactions[0]?.referenced.length ?? 0) > 0 && compactions[0]?.summary === null, 'references first');
  assert.ok(compactions.every((event) => event.afterTokens < event.beforeTokens));
  for (const prompt of assembled(driven)) assert.ok(prompt.tokens <= 8_192, `${prompt.tokens} tokens`);
  assert.equal(driven.state.results.length, 24);
  assert.equal(driven.state.status, 'succeeded');
});

test('a summary takes the place of older turns after the input, once only, and is no turn of the agent [HAR-4]', () => {
  const talk = 'a long thought '.repeat(60);
  const driven = drive({
    queued: queued(plan),
    tools: [toolEntry('look')],
    models: { 'test/one': { ...FACTS, windowTokens: 8_192 } },
    model: (_n, action) => {
      if (action.intended.summarises > 0) {
        assert.deepEqual(action.request.tools, []);
        return says('It thought a lot.');
      }
      return action.intended.turn < 20 ? [...says(talk), ...calls(['look', { turn: action.intended.turn }])] : says('done');
    },
  });
  assert.equal(driven.state.status, 'succeeded');
  assert.equal(driven.state.own.turns, 20);
  const first = textOf(driven.state.messages[0]);
  assert.match(first, /^Please do it\./);
  assert.match(first, /summed up .*\nIt thought a lot\.$/s);
  assert.equal(first.split('It thought a lot.').length, 2);
  for (const prompt of assembled(driven)) assert.ok(prompt.tokens <= 8_192);
});

test('no blank text goes to a provider, which would refuse it [HAR-3]', () => {
  const driven = drive({
    queued: queued(plan),
    tools: [toolEntry('look')],
    model: (n) => (n === 1 ? [...says(' '), ...calls(['look', {}])] : says(n === 2 ? '' : 'done')),
  });
  const last = driven.actions.findLast((action) => action.do === 'call_model');
  assert.ok(last?.do === 'call_model');
  const assistant = last.request.messages.filter((message) => message.role === 'assistant');
  assert.deepEqual(
    assistant.map((message) => message.content.map((part) => part.type)),
    [['tool_call'], ['text']],
  );
  assert.ok(assistant.every((message) => message.content.every((part) => part.type !== 'text' || part.text.trim() !== '')));
});

test('a conversation that cannot be made to fit ends as limited, with the reason [HAR-2] [HAR-4]', () => {
  const driven = drive({
    queued: queued(plan, { input: 'x'.repeat(30_000) }),
    models: { 'test/one': { ...FACTS, windowTokens: 8_192 } },
    model: () => assert.fail('it was called'),
  });
  assert.equal(driven.state.status, 'limited');
  assert.match(driven.state.ended?.event.reason ?? '', /window of 8192/);
});

test('a turn adds to the digest of the last one what a whole digest comes to [HAR-3]', () => {
  const { entries } = reader(10, 50);
  const at = entries.findLastIndex(({ event }) => event?.type === 'context.assembled');
  const state = foldAll(entries.slice(0, at));
  let counted = 0;
  const countTokens = (text: string): number => {
    counted += text.length;
    return estimateTokens(text);
  };
  const added = assemble(state, { countTokens }, 11);
  const few = counted;
  counted = 0;
  assert.deepEqual(assemble({ ...state, assembled: null }, { countTokens }, 11), added);
  assert.ok(few < counted / 2, `${few} of ${counted} characters`);
});
