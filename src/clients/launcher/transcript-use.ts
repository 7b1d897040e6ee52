/**
 * What a coding CLI has used so far, from its own record of the conversation (spec LCH-6): tokens, never text. An estimate of what it paid with an
 * account of its own; what went through the gateway is metered there.
 */
import { open } from 'node:fs/promises';
import type { CliName } from './coding-cli.ts';

export type Use = { inputTokens: number; cachedInputTokens: number; outputTokens: number; model: string | null };

/** A longer record is not read: its use is unknown, never a part of it. */
const BYTES_MAX = 64 * 1024 * 1024;

/** Null when the record cannot be read, or tells nothing. */
export async function readUse(cli: CliName, path: string): Promise<Use | null> {
  try {
    await using file = await open(path);
    const { size } = await file.stat();
    if (size > BYTES_MAX) return null;
    return useOf(cli, await file.readFile('utf8'));
  } catch {
    return null; // not written yet, or of a form that is not known
  }
}

type Found = Readonly<Record<string, unknown>>;

export function useOf(cli: CliName, text: string): Use | null {
  const entries = entriesOf(text);
  if (cli === 'claude') return sum(lastOfEach(entries.map((entry) => at(entry, 'message'))).map((message) => claudeUse(message)));
  if (cli === 'codex') return codexUse(entries);
  return sum(lastOfEach(entries).map((message) => geminiUse(message)));
}

/** Lines of JSON, where one may hold `messages` in bulk, or be a whole record. A line that a crash cut is passed over. */
function entriesOf(text: string): Found[] {
  return text.split('\n').flatMap((line) => {
    const found = parse(line);
    if (found === null) return [];
    const many = found['messages'] ?? at(found, '$set')['messages'];
    return Array.isArray(many) ? (many as unknown[]).flatMap((each) => (isFound(each) ? [each] : [])) : [found];
  });
}

function isFound(value: unknown): value is Found {
  return typeof value === 'object' && value !== null;
}

function parse(text: string): Found | null {
  try {
    const found: unknown = JSON.parse(text);
    return isFound(found) ? found : null;
  } catch {
    return null; // no JSON: not an entry
  }
}

/** A message is written several times while it grows; the last one of an id counts. */
function lastOfEach(messages: readonly Found[]): Found[] {
  const byId = new Map<unknown, Found>();
  for (const [index, message] of messages.entries()) byId.set(message['id'] ?? index, message);
  return [...byId.values()];
}

function claudeUse(message: Found): Use | null {
  const usage = at(message, 'usage');
  if (usage['output_tokens'] === undefined) return null;
  const cachedInputTokens = number(usage['cache_read_input_tokens']);
  const inputTokens = number(usage['input_tokens']) + number(usage['cache_creation_input_tokens']) + cachedInputTokens;
  return { inputTokens, cachedInputTokens, outputTokens: number(usage['output_tokens']), model: word(message['model']) };
}

/** Told as a total each time: the last one is all. */
function codexUse(entries: readonly Found[]): Use | null {
  const totals = entries.map((entry) => at(at(at(entry, 'payload'), 'info'), 'total_token_usage'));
  const last = totals.findLast((total) => total['output_tokens'] !== undefined);
  if (last === undefined) return null;
  const model = entries.map((entry) => word(at(entry, 'payload')['model'])).findLast((each) => each !== null) ?? null;
  const [inputTokens, outputTokens] = [number(last['input_tokens']), number(last['output_tokens'])];
  return { inputTokens, cachedInputTokens: number(last['cached_input_tokens']), outputTokens, model };
}

function geminiUse(message: Found): Use | null {
  const tokens = at(message, 'tokens');
  if (tokens['output'] === undefined) return null;
  const outputTokens = number(tokens['output']) + number(tokens['thoughts']);
  return { inputTokens: number(tokens['input']), cachedInputTokens: number(tokens['cached']), outputTokens, model: word(message['model']) };
}

function sum(uses: readonly (Use | null)[]): Use | null {
  const known = uses.filter((use) => use !== null);
  if (known.length === 0) return null;
  const total = (of: (use: Use) => number): number => known.reduce((so, use) => so + of(use), 0);
  return {
    inputTokens: total((use) => use.inputTokens),
    cachedInputTokens: total((use) => use.cachedInputTokens),
    outputTokens: total((use) => use.outputTokens),
    model: known.at(-1)?.model ?? null,
  };
}

function at(value: Found, name: string): Found {
  const found = value[name];
  return isFound(found) ? found : {};
}

function number(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

function word(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, 100) : null;
}
