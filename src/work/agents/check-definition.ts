/**
 * Every fault of a definition at once, with its place: what the schema says, unknown keys with the nearest known name, and
 * what only makes sense together. Pure; files and lines are in `definition-file.ts`.
 */
import { Cron } from 'croner';
import { canonicalJson } from '../../kernel/canonical-json.ts';
import type { JsonObject } from '../../kernel/canonical-json.ts';
import { isListed } from '../../platform/policy/policy.ts';
import { schemaFault } from '../../runtime/tools/validate.ts';
import type { Check } from '../../runtime/tools/validate.ts';
import { AgentDefinition, DEFINITION_LIMITS, agentJsonSchema } from './definition.ts';

export type PathPart = string | number;
/** `key` is set for an unknown key: the place to show is the key itself. */
export type PlacedFault = { path: readonly PathPart[]; message: string; key?: string };
export type Checked = { ok: true; definition: AgentDefinition } | { ok: false; faults: PlacedFault[] };

/** `check` validates schedules' inputs against the input schema. */
export function checkDefinition(raw: unknown, check: Check): Checked {
  const parsed = AgentDefinition.safeParse(raw);
  const faults = parsed.success ? [] : parsed.error.issues.flatMap((issue) => placed(issue as Issue));
  // what only makes sense together is looked for in faulty definitions as well, so that all faults are seen at once
  faults.push(...togetherFaults(raw, check));
  if (parsed.success && faults.length === 0) return { ok: true, definition: parsed.data };
  return { ok: false, faults: distinct(faults) };
}

type Issue = { code: string; path: PathPart[]; message: string; keys?: string[] };

function placed(issue: Issue): PlacedFault[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, message: decapitalised(issue.message) }];
  return (issue.keys ?? []).map((key) => {
    const near = nearest(key, knownKeys(issue.path));
    return { path: [...issue.path, key], key, message: `is not known here${near === null ? '' : `; did you mean ${near}?`}` };
  });
}

const MODEL_ONLY = ['instructions', 'model', 'fallbacks', 'temperature', 'tools', 'agents', 'skills', 'output'] as const;

function togetherFaults(raw: unknown, check: Check): PlacedFault[] {
  if (!isRecord(raw)) return [];
  const faults: PlacedFault[] = [];
  const fault = (path: readonly PathPart[], message: string): void => void faults.push({ path, message });
  if (raw['kind'] === 'command') {
    if (isEmpty(raw['commands'])) fault(['commands'], 'an agent of kind command needs at least one');
    for (const name of MODEL_ONLY) if (!isEmpty(raw[name])) fault([name], 'belongs to kind model, not to kind command');
  } else {
    if (isEmpty(raw['instructions'])) fault(['instructions'], 'an agent of kind model needs them');
    if (!isEmpty(raw['commands'])) fault(['commands'], 'belong to kind command');
  }
  for (const name of ['input', 'output'] as const) {
    const schema = raw[name];
    const wrong = isRecord(schema) ? schemaFault(schema as JsonObject) : null;
    if (wrong !== null) fault([name], `is no usable JSON Schema: ${wrong}`);
  }
  const tools = strings(raw['tools']);
  strings(raw['confirm']).forEach((name, index) => {
    const listed = isListed(tools, name) || tools.some((tool) => isListed([name], tool));
    if (!listed && raw['kind'] !== 'command') fault(['confirm', index], `${name} is not among tools, so it is never called`);
  });
  const budget = raw['budget'];
  if (isRecord(budget) && (budget['usd'] === undefined) === (budget['tokens'] === undefined)) fault(['budget'], 'needs one of usd and tokens');
  if (canonicalSize(raw) > DEFINITION_LIMITS.bytes) fault([], `is over ${DEFINITION_LIMITS.bytes / 1024} KB`);
  return [...faults, ...scheduleFaults(raw, check)];
}

function scheduleFaults(raw: Record<string, unknown>, check: Check): PlacedFault[] {
  const schedules = Array.isArray(raw['schedules']) ? (raw['schedules'] as unknown[]) : [];
  const faults: PlacedFault[] = [];
  schedules.forEach((schedule, index) => {
    if (!isRecord(schedule)) return;
    const at = ['schedules', index] as const;
    const kinds = (['cron', 'every', 'at'] as const).filter((kind) => schedule[kind] !== undefined);
    if (kinds.length !== 1)
      faults.push({ path: at, message: `needs exactly one of cron, every and at${kinds.length === 0 ? '' : `, not ${kinds.join(' and ')}`}` });
    const { timezone = 'UTC', cron, at: once } = schedule;
    const zoneKnown = typeof timezone === 'string' && isTimezone(timezone);
    if (!zoneKnown) faults.push({ path: [...at, 'timezone'], message: `${canonicalJson(timezone)} is no time zone; one looks like Europe/Berlin` });
    if (typeof cron === 'string') {
      const wrong = cronFault(cron);
      if (wrong !== null) faults.push({ path: [...at, 'cron'], message: wrong });
    }
    if (
      once !== undefined &&
      !(typeof once === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?$/.test(once) && Number.isFinite(Date.parse(once)))
    ) {
      faults.push({ path: [...at, 'at'], message: 'must be a time as in 2026-01-05T08:00:00' });
    }
    const inputSchema = raw['input'];
    if (isRecord(inputSchema) && schemaFault(inputSchema as JsonObject) === null) {
      const wrong = check(inputSchema as JsonObject, schedule['input'] ?? {});
      if (wrong !== null) faults.push({ path: [...at, 'input'], message: `does not fit the input schema: ${wrong.replaceAll('\n', '; ')}` });
    }
  });
  return faults;
}

/** Null for five fields that croner takes; it would take seconds as well, which no schedule here has. */
function cronFault(cron: string): string | null {
  if (cron.trim().split(/\s+/).length !== 5) return 'needs five fields: minute, hour, day of month, month, day of week';
  try {
    const parsed = new Cron(cron, { paused: true });
    return parsed.nextRun() === null ? 'never comes due' : null;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message.replace(/^CronPattern: /, '') : 'is no cron expression'; // croner's way to refuse
  }
}

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false; // a RangeError: no such zone
  }
}

/** Keys that the schema knows at this place. */
function knownKeys(path: readonly PathPart[]): string[] {
  type Node = { properties?: Record<string, Node>; items?: Node };
  let node: Node | undefined = agentJsonSchema() as Node;
  for (const part of path) node = typeof part === 'number' ? node?.items : node?.properties?.[part];
  return Object.keys(node?.properties ?? {});
}

/** The known name within two edits, or that differs only in case, hyphens and the like. */
export function nearest(word: string, known: readonly string[]): string | null {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  const scored = known.map((name) => ({ name, distance: editDistance(plain(word), plain(name)) })).toSorted((a, b) => a.distance - b.distance);
  const best = scored[0];
  return best !== undefined && best.distance <= Math.min(2, Math.floor(best.name.length / 2)) ? best.name : null;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      next.push(Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function distinct(faults: readonly PlacedFault[]): PlacedFault[] {
  return [...new Map(faults.map((fault) => [JSON.stringify([fault.path, fault.message]), fault])).values()];
}

function canonicalSize(value: unknown): number {
  try {
    return canonicalJson(value).length;
  } catch {
    return 0; // not JSON: the schema names the place
  }
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function isEmpty(value: unknown): boolean {
  return value === undefined || (typeof value === 'string' && value.trim() === '') || (Array.isArray(value) && value.length === 0);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function decapitalised(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}
