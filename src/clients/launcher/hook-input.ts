/** What the three CLIs tell a hook, as one thing. Pure; lenient, since each adds members with every version. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { CliName, HookEvent } from './coding-cli.ts';
import type { Attempt } from './struggle.ts';

const Input = z.looseObject({
  session_id: z.string().max(200).default('unknown'),
  cwd: z.string().optional(),
  hook_event_name: z.string().optional(),
  source: z.string().optional(),
  /** The CLI's own record of the conversation. */
  transcript_path: z.string().nullish(),
  tool_name: z.string().optional(),
  tool_input: z.unknown().optional(),
  tool_response: z.unknown().optional(),
  error: z.unknown().optional(),
  stop_hook_active: z.boolean().default(false),
});
export type HookInput = z.infer<typeof Input>;

const WHAT_CHARS = 120;
const ERROR_CHARS = 600;
const EDITS = /^(?:Write|Edit|MultiEdit|NotebookEdit|apply_patch|replace|write_file)$/;

/** Null for what is no JSON object. */
export function readHookInput(text: string): HookInput | null {
  try {
    return Input.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null; // called by hand, without input
  }
}

export function attemptOf(input: HookInput, atMs: number): Attempt {
  const tool = input.tool_name ?? 'tool';
  const args = input.tool_input ?? {};
  const said = typeof args === 'object' && args !== null && 'command' in args ? String(args.command) : JSON.stringify(args);
  const line = `${tool} ${said}`.replaceAll(/\s+/g, ' ').trim();
  const result = textOf(input.tool_response ?? input.error ?? '');
  return {
    atMs,
    call: digest(`${tool} ${JSON.stringify(args)}`),
    what: line.length > WHAT_CHARS ? `${line.slice(0, WHAT_CHARS - 1)}…` : line,
    result: digest(result),
    error: errorOf(input, result),
    edit: EDITS.test(tool),
  };
}

/** What a call aims at: the paths of an edit, never its content, and the whole of anything else. */
export function aimsOf({ tool_name: tool = '', tool_input: args }: HookInput): string[] {
  if (!EDITS.test(tool)) return stringsOf(args);
  const named: [string, unknown][] = typeof args === 'object' && args !== null ? Object.entries(args) : [];
  const paths = named.filter(([name]) => /path$/i.test(name)).map(([, value]) => value);
  const patched = stringsOf(args).flatMap((text) =>
    [...text.matchAll(/^\*\*\* (?:Add|Update|Delete) File: (.{1,1000})$/gm)].map(([, path]) => path ?? ''),
  );
  return [...stringsOf(paths), ...patched];
}

/** Every string inside, in order: each CLI wraps a result in its own way. */
function stringsOf(value: unknown): string[] {
  if (typeof value === 'string') return value === '' ? [] : [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsOf) : [];
}

function textOf(value: unknown): string {
  return stringsOf(value).join('\n');
}

function errorOf(input: HookInput, result: string): string | null {
  const response = input.tool_response;
  const member = (name: string): unknown =>
    typeof response === 'object' && response !== null ? (response as Readonly<Record<string, unknown>>)[name] : undefined;
  const told = input.error ?? member('error');
  const failed =
    input.hook_event_name === 'PostToolUseFailure' ||
    (told !== undefined && told !== null && told !== '') ||
    member('is_error') === true ||
    member('isError') === true ||
    /(?:^|\n)\s*(?:exit code|exit status|exited with code|process exited with code):? *-?[1-9]/i.test(result);
  return failed ? `${textOf(told)}\n${result}`.trim().slice(-ERROR_CHARS) : null;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** What a hook prints, in the words of its CLI. `null` says nothing. */
/** `refuse`: the call that is about to be made. */
export type HookAnswer =
  | { kind: 'context'; text: string }
  | { kind: 'refuse'; reason: string }
  | { kind: 'stop'; reason: string }
  | { kind: 'again'; reason: string }
  | null;

export function writeHookAnswer(cli: CliName, event: HookEvent, { answer, name }: { answer: HookAnswer; name: string | undefined }): string {
  if (answer === null) return '{}';
  if (answer.kind === 'context')
    return JSON.stringify({
      hookSpecificOutput: { hookEventName: name ?? (event === 'start' ? 'SessionStart' : event), additionalContext: answer.text },
    });
  if (answer.kind === 'refuse' && cli !== 'gemini') {
    const decision = { permissionDecision: 'deny', permissionDecisionReason: answer.reason };
    return JSON.stringify({ hookSpecificOutput: { hookEventName: name ?? 'PreToolUse', ...decision } });
  }
  if (answer.kind === 'stop') return JSON.stringify({ continue: false, stopReason: answer.reason, systemMessage: answer.reason });
  return JSON.stringify({ decision: cli === 'gemini' ? 'deny' : 'block', reason: answer.reason });
}
