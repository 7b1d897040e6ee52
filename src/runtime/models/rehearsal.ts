/**
 * The provider `rehearsal/<script>` (spec GTW-7): plays a script over the run's real tool results, the same way every time.
 * Costs nothing, counts tokens by estimate, and marks every answer as rehearsed. A script of a turn beyond its last repeats the last.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json, JsonObject } from '../../kernel/canonical-json.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, invariant, toAppError } from '../../kernel/errors.ts';
import { NO_USAGE, type AssistantPart, type Message, type ToolCallPart } from '../../kernel/messages.ts';
import type { ModelFacts } from '../../kernel/plan.ts';
import { modelFailure } from './failure.ts';
import { TURN_CALLS } from './limits.ts';
import type { ModelOutcome, ModelRequest } from './model.ts';
import { parseScript, scriptFromValue, type CassetteReply, type Script, type ScriptTurn } from './script.ts';
import { loadTemplates, type Scope, type Templates } from './template.ts';
import { estimateMessageTokens, estimateRequestTokens } from './tokens.ts';

export type RehearsalDeps = {
  clock: Clock;
  /** Folders with `<script>/rehearsal.yaml` or `.json`; the first that has it wins. */
  folders: readonly string[];
  /** Scripts as values, before the folders: cassettes, tests. */
  scripts?: ReadonlyMap<string, unknown>;
};

type PlayOptions = { signal: AbortSignal; onDelta: ((text: string) => void) | undefined };

export type Rehearsal = {
  play(name: string, request: ModelRequest, options: PlayOptions): Promise<ModelOutcome>;
  /** Names of all scripts, sorted. */
  list(): string[];
};

/** Free and known to be: the price is zero, not unknown. */
export const REHEARSAL_FACTS: ModelFacts = {
  windowTokens: 200_000,
  maxOutputTokens: 16_000,
  price: { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, date: '2026-11-21' },
  rehearsed: true,
};

const FILES = ['rehearsal.yaml', 'rehearsal.json'] as const;
const NAME = /^[a-z0-9][a-z0-9._-]{0,99}$/;

export function createRehearsal({ clock, folders, scripts = new Map<string, unknown>() }: RehearsalDeps): Rehearsal {
  let loading: Promise<Templates> | undefined;
  const failed = new Map<string, number>();

  /** Whether this call is still among the first `times` that fail. */
  const failsNow = (key: string, times: number | undefined): boolean => {
    const count = (failed.get(key) ?? 0) + 1;
    if (times !== undefined) failed.set(key, count);
    return times === undefined || count <= times;
  };

  async function play(name: string, request: ModelRequest, options: PlayOptions): Promise<ModelOutcome> {
    try {
      const templates = await (loading ??= loadTemplates());
      const script = load(name, templates);
      if ('cassette' in script) return playBack(script.cassette, request, name);
      const scope = scopeOf(request);
      const turn = choose(script.turns[Math.min(request.turn, script.turns.length) - 1], scope, templates);
      if (turn.delayMs > 0) await clock.sleep(turn.delayMs, options.signal);
      if (turn.hang) await aborted(options.signal);
      if (options.signal.aborted) return { ok: false, failure: modelFailure('aborted', 'The call was given up.', { sent: true }) };
      if (turn.fail !== undefined && failsNow(`${name}#${request.turn}`, turn.fail.times)) {
        const { kind, message, times: _times, ...more } = turn.fail;
        return { ok: false, failure: modelFailure(kind, message, more) };
      }
      return say(turn, { request, scope, templates, onDelta: options.onDelta });
    } catch (error) {
      // A script with faults is the caller's to mend: a failure with every fault in its message, not a crash of the run.
      const fault = toAppError(error);
      return { ok: false, failure: modelFailure('invalid_request', fault.message, { sent: false }) };
    }
  }

  function load(name: string, templates: Templates): Script {
    if (scripts.has(name)) return scriptFromValue(scripts.get(name), name, templates);
    const place = NAME.test(name) ? folders.map((folder) => readFirst(join(folder, name))).find((found) => found !== null) : undefined;
    if (place === undefined || place === null) {
      const known = list();
      throw new AppError(
        'not_found',
        `There is no rehearsal script "${name}"; there ${known.length === 0 ? 'is none' : `are: ${known.join(', ')}`}.`,
      );
    }
    return parseScript(place.text, place.path, templates);
  }

  function list(): string[] {
    const inFolders = folders.flatMap((folder) => foldersIn(folder).filter((name) => NAME.test(name) && readFirst(join(folder, name)) !== null));
    return [...new Set([...scripts.keys(), ...inFolders])].toSorted();
  }

  return { play, list };
}

/** What the templates see. A result is `{text, json, failed, args}`; `results.<tool>` has `all` in order and `last`. */
function scopeOf(request: ModelRequest): Scope {
  const users = request.messages.filter((message) => message.role === 'user').map((message) => told(textOf(message)));
  const nothing = told('');
  const args = new Map<string, JsonObject>();
  const results: Record<string, { all: Json[]; last: Json }> = {};
  for (const message of request.messages) {
    for (const part of message.content) {
      if (part.type === 'tool_call') args.set(part.callId, part.args);
      if (part.type !== 'tool_result') continue;
      const json = part.structured ?? told(part.text).json ?? null;
      const result = { text: part.text, json, failed: part.failed, args: args.get(part.callId) ?? {} };
      const of = (results[part.tool] ??= { all: [], last: null });
      of.all.push(result);
      of.last = result;
    }
  }
  return { input: users[0] ?? nothing, user: users.at(-1) ?? nothing, results, turn: request.turn };
}

/** A text, and what it means where it is JSON. */
function told(text: string): { text: string; json: Json } {
  if (!/^\s*[[{]/.test(text)) return { text, json: null };
  try {
    return { text, json: JSON.parse(text) as Json };
  } catch {
    // Most text that begins with a bracket is no JSON, and text is what it stays.
    return { text, json: null };
  }
}

function textOf(message: Message): string {
  return message.content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
}

function choose(turn: ScriptTurn | undefined, scope: Scope, templates: Templates): ScriptTurn {
  if (turn === undefined) throw new AppError('invalid_input', 'The script has no turn to play.');
  return turn.when === undefined || templates.holds(turn.when, scope) ? turn : choose(turn.otherwise, scope, templates);
}

type Saying = { request: ModelRequest; scope: Scope; templates: Templates; onDelta: ((text: string) => void) | undefined };

function say(turn: ScriptTurn, { request, scope, templates, onDelta }: Saying): ModelOutcome {
  const text = turn.json === undefined ? templates.text(turn.text ?? '', scope).trim() : JSON.stringify(templates.value(turn.json, scope));
  const calls = turn.calls.flatMap((call) => {
    const items = call.each === undefined ? [null] : templates.list(call.each, scope).slice(0, call.limit);
    return items.map((item) => ({ tool: call.tool, args: asArgs(templates.value(call.args, { ...scope, [call.as]: item })) }));
  });
  const content: AssistantPart[] = [];
  if (turn.reasoning !== undefined) content.push({ type: 'reasoning', text: templates.text(turn.reasoning, scope) });
  if (text !== '') content.push({ type: 'text', text });
  for (const [index, call] of calls.slice(0, TURN_CALLS).entries()) {
    content.push({ type: 'tool_call', callId: `call_${request.turn}_${index + 1}`, ...call });
  }
  if (text !== '') onDelta?.(text);
  return reply({ content, finish: turn.finish ?? (calls.length > 0 ? 'tool_calls' : 'stop') }, request);
}

/** A script's args are an object, and stay one: only the texts inside are templates. */
function asArgs(value: Json): ToolCallPart['args'] {
  invariant(value !== null && typeof value === 'object' && !Array.isArray(value), 'the args of a script are an object');
  return value as ToolCallPart['args'];
}

function reply(said: { content: AssistantPart[]; finish: ScriptTurn['finish'] & string }, request: ModelRequest): ModelOutcome {
  const outputTokens = estimateMessageTokens({ role: 'assistant', content: said.content });
  const usage = { ...NO_USAGE, inputTokens: estimateRequestTokens(request), outputTokens, estimated: true };
  return { ok: true, reply: { ...said, usage, rehearsed: true } };
}

/** A recorded reply by turn. A run that asks for a turn that was never recorded has left the recording. */
function playBack(replies: readonly CassetteReply[], request: ModelRequest, name: string): ModelOutcome {
  const recorded = replies.find((entry) => entry.turn === request.turn);
  if (recorded === undefined) {
    const turns = replies.map((entry) => entry.turn).join(', ');
    const message = `The cassette "${name}" has no turn ${request.turn} (it has ${turns}): this run differs from the recorded one.`;
    return { ok: false, failure: modelFailure('invalid_request', message, { sent: false }) };
  }
  return { ok: true, reply: { content: recorded.content, finish: recorded.finish, usage: recorded.usage, rehearsed: true } };
}

function readFirst(folder: string): { text: string; path: string } | null {
  for (const file of FILES) {
    const path = join(folder, file);
    try {
      return { text: readFileSync(path, 'utf8'), path };
    } catch {
      // Not there or not readable: the next place may have it, and a name found nowhere is reported.
    }
  }
  return null;
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // A folder that is not there holds no scripts.
    return [];
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
