/**
 * What a rehearsal script may say (spec GTW-7), and reading one with all its faults at once. Two forms: turns written by hand,
 * and a cassette, the replies of a recorded run. Playing is `rehearsal.ts`.
 *
 *     turns:
 *       - text: I look at the log.                       # Liquid over input, user, results, turn
 *         calls: [{ tool: git_log, args: { limit: 20 } }]
 *       - when: results.git_log.last.json.commits.size == 0
 *         text: Nothing happened.                        # no calls: the answer
 *         otherwise:
 *           calls: [{ tool: git_show, each: results.git_log.last.json.commits, as: commit, args: { revision: "{{ commit.hash }}" } }]
 *       - text: "{% for shown in results.git_show.all %}…{% endfor %}"
 */
import { LineCounter, parseDocument, type Document, isScalar } from 'yaml';
import { z } from 'zod';
import { AppError, type Fault } from '../../kernel/errors.ts';
import { AssistantPart, Usage } from '../../kernel/messages.ts';
import { FAILURE_KINDS } from './failure.ts';
import { SCRIPT_BYTES, SCRIPT_TURNS, TURN_CALLS } from './limits.ts';
import type { ModelFailureKind } from './model.ts';
import type { Templates } from './template.ts';

const FinishReason = z.enum(['stop', 'length', 'tool_calls', 'refused', 'other']);

const ScriptCall = z.strictObject({
  tool: z.string().min(1),
  /** Texts in it are templates. */
  args: z.record(z.string(), z.json()).default({}),
  /** An expression whose list makes one call per item, named by `as`. */
  each: z.string().min(1).optional(),
  as: z
    .string()
    .regex(/^[a-z][a-zA-Z0-9_]*$/, 'must be a name')
    .default('item'),
  limit: z.int().min(1).max(TURN_CALLS).default(10),
});

const ScriptFailure = z.strictObject({
  kind: z.enum(FAILURE_KINDS as [ModelFailureKind, ...ModelFailureKind[]]),
  message: z.string().default('The script says so.'),
  retryAfterMs: z.int().nonnegative().nullable().default(null),
  sent: z.boolean().default(true),
  /** Only the first so many calls of this turn in this process fail; without it all do. */
  times: z.int().positive().optional(),
});

const ScriptTurn = z.strictObject({
  /** Plays this turn only when it holds, else `otherwise`. */
  when: z.string().min(1).optional(),
  get otherwise(): z.ZodOptional<typeof ScriptTurn> {
    return ScriptTurn.optional();
  },
  text: z.string().optional(),
  /** Instead of `text`: a value whose texts are templates, said as JSON. */
  json: z.json().optional(),
  reasoning: z.string().optional(),
  calls: z.array(ScriptCall).max(TURN_CALLS).default([]),
  finish: FinishReason.optional(),
  delayMs: z.int().nonnegative().default(0),
  /** Says nothing until the call is given up. */
  hang: z.boolean().default(false),
  fail: ScriptFailure.optional(),
});
export type ScriptTurn = z.infer<typeof ScriptTurn>;

const TurnsScript = z.strictObject({ description: z.string().optional(), turns: z.array(ScriptTurn).min(1).max(SCRIPT_TURNS) });

export const CassetteReply = z.strictObject({
  turn: z.int().positive(),
  content: z.array(AssistantPart),
  finish: FinishReason,
  usage: Usage,
});
export type CassetteReply = z.infer<typeof CassetteReply>;

export const CassetteScript = z.strictObject({ description: z.string().optional(), cassette: z.array(CassetteReply).min(1).max(SCRIPT_TURNS) });

export type Script = z.infer<typeof TurnsScript> | z.infer<typeof CassetteScript>;

type Parsed = { value: unknown; lineOf: (path: readonly PropertyKey[], inner?: number) => number | undefined };

/** @throws AppError `invalid_input` with every fault, its path and line. `where` names the script for people. */
export function parseScript(text: string, where: string, templates: Templates): Script {
  if (text.length > SCRIPT_BYTES) throw new AppError('too_large', `${where} has more than ${SCRIPT_BYTES} characters.`);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const broken = document.errors.map((error): Fault => ({ path: '', message: error.message, line: lines.linePos(error.pos[0]).line }));
  if (broken.length > 0) throw faulty(where, broken);
  return checkScript({ value: document.toJS(), lineOf: (path, inner) => lineAt({ document, lines }, path, inner) }, where, templates);
}

/** A script as a value, for tests and cassettes. @throws AppError `invalid_input` with every fault and its path. */
export function scriptFromValue(value: unknown, where: string, templates: Templates): Script {
  return checkScript({ value, lineOf: () => undefined }, where, templates);
}

function checkScript(parsed: Parsed, where: string, templates: Templates): Script {
  const isCassette = typeof parsed.value === 'object' && parsed.value !== null && 'cassette' in parsed.value;
  const checked = isCassette ? CassetteScript.safeParse(parsed.value) : TurnsScript.safeParse(parsed.value);
  const faults: Fault[] = [];
  const add = (path: readonly PropertyKey[], message: string, inner?: number): void => {
    const line = parsed.lineOf(path, inner);
    faults.push({ path: pathText(path), message, ...(line === undefined ? {} : { line }) });
  };
  for (const issue of checked.error?.issues ?? []) add(issue.path, issue.message);
  const turns = z.object({ turns: z.array(z.unknown()) }).safeParse(parsed.value);
  turns.data?.turns.forEach((turn, index) => checkTurn(turn, ['turns', index], { templates, add }));
  if (!checked.success || faults.length > 0) throw faulty(where, faults);
  return checked.data;
}

type Check = { templates: Templates; add: (path: readonly PropertyKey[], message: string, inner?: number) => void };

/** What the schema cannot say of a turn, also of one that does not fit the schema: so all faults show at once. */
function checkTurn(value: unknown, path: readonly PropertyKey[], check: Check): void {
  if (!isRecord(value)) return;
  if ('when' in value !== 'otherwise' in value) check.add(path, '`when` and `otherwise` belong together');
  if ('text' in value && 'json' in value) check.add([...path, 'json'], 'a turn says `text` or `json`, not both');
  checkExpression(value['when'], [...path, 'when'], check);
  for (const key of ['text', 'json', 'reasoning']) checkTexts(value[key], [...path, key], check);
  for (const [index, call] of Array.isArray(value['calls']) ? value['calls'].entries() : []) {
    if (!isRecord(call)) continue;
    checkExpression(call['each'], [...path, 'calls', index, 'each'], check);
    checkTexts(call['args'], [...path, 'calls', index, 'args'], check);
  }
  checkTurn(value['otherwise'], [...path, 'otherwise'], check);
}

function checkExpression(value: unknown, path: readonly PropertyKey[], check: Check): void {
  const fault = typeof value === 'string' ? check.templates.expressionFault(value) : null;
  if (fault !== null) check.add(path, fault.message);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Every text inside a value is a template. */
function checkTexts(value: unknown, path: readonly PropertyKey[], check: Check): void {
  if (typeof value === 'string') {
    const fault = check.templates.textFault(value);
    if (fault !== null) check.add(path, fault.message, fault.line);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) checkTexts(item, [...path, Array.isArray(value) ? Number(key) : key], check);
  }
}

/** The line of the node at a path, or of the nearest one above it that exists; `inner` is a 1-based line inside a block text. */
function lineAt(source: { document: Document.Parsed; lines: LineCounter }, path: readonly PropertyKey[], inner = 1): number | undefined {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = source.document.getIn(path.slice(0, length), true) as { range?: [number, number, number] } | undefined;
    if (node?.range === undefined) continue;
    const block = isScalar(node) && (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED');
    return source.lines.linePos(node.range[0]).line + (block ? inner : 0);
  }
  return undefined;
}

function pathText(path: readonly PropertyKey[]): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${String(step)}`)).join('');
}

function faulty(where: string, faults: Fault[]): AppError {
  const list = faults.map((fault) => `${fault.line === undefined ? '' : `line ${fault.line}, `}${fault.path || 'file'}: ${fault.message}`);
  return new AppError(
    'invalid_input',
    `The rehearsal script ${where} has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}: ${list.join('; ')}`,
    {
      faults,
      next: 'Mend what is listed.',
    },
  );
}
