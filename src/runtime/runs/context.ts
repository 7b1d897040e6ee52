/**
 * Assembles the prompt (spec HAR-3): instructions, tool manifest, then history; what is stable comes first, so that providers' prompt caches
 * hold. It is recorded as digests and token estimates by part, never as text: `promptAt` rebuilds it from the journal and checks it.
 */
import { canonicalJson, digestOf, sha256Hex } from '../../kernel/canonical-json.ts';
import { invariant } from '../../kernel/errors.ts';
import type { Entry, EventOf } from '../../kernel/events.ts';
import type { AssistantPart, Message } from '../../kernel/messages.ts';
import type { ToolDeclaration } from '../models/model.ts';
import { fold } from './fold.ts';
import { manifestOf } from './manifest.ts';
import { RESULT_READ, referenceText, shownText } from './result-read.ts';
import { modelPlanOf, type Rules } from './rules.ts';
import { emptyState, type RunState } from './state.ts';

const DEFAULT_SHOWN_CHARS = 8_000;

/** Ends every agent's instructions (spec HAR-8). */
export const STOP_RULES_TEXT = `When to stop:
- Stop when the same error comes back three times, when a credential or the network is missing, or when you are working on the wrong project.
- Do not repeat a call with the same arguments in the hope of another result.
- When you cannot go on, answer with exactly three parts:
BLOCKED: what stops you, in one sentence.
TRIED: what you did about it, specifically.
NEED: the one decision, credential or environment that would let you go on.`;

export type Prompt = {
  instructions: string;
  messages: readonly Message[];
  tools: readonly ToolDeclaration[];
  assembled: EventOf<'context.assembled'>;
};

/** The prompt of `turn` as of this state. Its cost grows with what is new since the last one, but for building the messages. */
export function assemble(state: RunState, rules: Pick<Rules, 'countTokens'>, turn: number): Prompt {
  const instructions = `${modelPlanOf(state).instructions.trimEnd()}\n\n${STOP_RULES_TEXT}`;
  const tools = manifestOf(state).map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
  const messages = shownMessages(state);
  const toolText = canonicalJson(tools);
  const history = digestHistory(state, messages, rules.countTokens);
  const parts = [
    { name: 'instructions', digest: sha256Hex(instructions), tokens: rules.countTokens(instructions) },
    { name: 'tools', digest: sha256Hex(toolText), tokens: rules.countTokens(toolText) },
    { name: 'history', ...history },
  ];
  const tokens = parts.reduce((sum, part) => sum + part.tokens, 0);
  return {
    instructions,
    messages,
    tools,
    assembled: { type: 'context.assembled', turn, hash: digestOf(parts.map((part) => part.digest)), parts, tokens },
  };
}

/** A chain over the messages' digests: history only grows, so a turn adds its new messages to the last turn's digest. */
function digestHistory(state: RunState, messages: readonly Message[], countTokens: (text: string) => number): { digest: string; tokens: number } {
  let digest = state.assembled?.historyDigest ?? sha256Hex('');
  let tokens = state.assembled?.historyTokens ?? 0;
  for (const message of messages.slice(state.assembled?.messages ?? 0)) {
    const text = canonicalJson(message);
    digest = sha256Hex(digest + sha256Hex(text));
    tokens += countTokens(text);
  }
  return { digest, tokens };
}

/** The history as the model is shown it: long results cut, compacted ones as references. */
export function shownMessages(state: RunState): Message[] {
  const shownChars = new Map(state.tools.map((tool) => [tool.name, tool.shownChars]));
  shownChars.set(RESULT_READ.name, RESULT_READ.shownChars);
  const referenced = new Set(state.referenced);
  return state.messages.map((message) => {
    if (message.role === 'assistant') return { role: 'assistant', content: withoutBlanks(message.content) };
    if (message.role === 'user') return message;
    const content = message.content.map((part) => ({
      ...part,
      text: referenced.has(part.callId) ? referenceText(part) : shownText(part, shownChars.get(part.tool) ?? DEFAULT_SHOWN_CHARS),
    }));
    return { role: 'tool', content };
  });
}

/** Providers refuse blank text and messages that say nothing. */
function withoutBlanks(content: readonly AssistantPart[]): AssistantPart[] {
  const said = content.filter((part) => part.type !== 'text' || part.text.trim() !== '');
  return said.some((part) => part.type !== 'reasoning') ? said : [...said, { type: 'text', text: '(no answer)' }];
}

/**
 * The prompt of a turn, rebuilt from the journal; of its last attempt where there were several. `from` is the state a fork began with.
 * @throws AppError `internal` when it does not match the recorded hash, or the turn has none.
 */
export function promptAt(entries: readonly Entry[], turn: number, options: Pick<Rules, 'countTokens'> & { from?: RunState }): Prompt {
  const index = entries.findLastIndex(
    ({ event }) => event?.type === 'context.assembled' && event.turn === turn && event.parts.some((part) => part.name === 'history'),
  );
  const recorded = entries[index]?.event;
  invariant(recorded?.type === 'context.assembled', `turn ${turn} has no recorded prompt`);
  const state = entries.slice(0, index).reduce(fold, options.from ?? emptyState());
  const prompt = assemble({ ...state, assembled: null }, options, turn);
  invariant(prompt.assembled.hash === recorded.hash, `the prompt of turn ${turn} rebuilds to another hash than was recorded`);
  return prompt;
}
