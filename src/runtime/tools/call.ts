/**
 * Carries out one tool call inside its bounds: input checked, deadline enforced even on a tool that ignores it, secrets scrubbed,
 * output checked and limited, faults turned into outcomes. What surrounds every tool, whatever it comes from; no tool itself.
 */
import type { Json, JsonObject } from '../../kernel/canonical-json.ts';
import type { Clock } from '../../kernel/clock.ts';
import { toAppError } from '../../kernel/errors.ts';
import { TOOL_LIMITS } from './limits.ts';
import type { Tool, ToolContext, ToolOutcome, ToolSpec } from './tool.ts';
import type { Check } from './validate.ts';

export type CallDeps = {
  clock: Clock;
  check: Check;
  /** Takes known secret values out of text and JSON (spec TOL-5). */
  scrub: { text(text: string): string; json<T extends Json>(value: T): T };
  /** Faults of our own, for the log: the model is told only that it failed. */
  onFault(tool: string, error: unknown): void;
};

/** The same tool, bounded. Its `call` never throws. */
export function boundTool(tool: Tool, deps: CallDeps): Tool {
  const bounded: Tool = { spec: tool.spec, call: (args, context) => callTool(tool, args, { context, deps }) };
  if (tool.probe) bounded.probe = async (args, context) => (await tool.probe?.(args, context)) ?? { found: false };
  return bounded;
}

async function callTool(tool: Tool, args: JsonObject, { context, deps }: { context: ToolContext; deps: CallDeps }): Promise<ToolOutcome> {
  const wrong = deps.check(tool.spec.inputSchema, args);
  if (wrong !== null) {
    return {
      ok: false,
      class: 'invalid_input',
      message: deps.scrub.text(`The input of ${tool.spec.name} is not valid:\n${wrong}\nMend this and call it again.`),
    };
  }
  const outcome = await withinDeadline(tool, args, { context, deps });
  // whether it is a read is the operator's word, which the tool itself does not know
  if (tool.spec.sideEffect === 'read' && !outcome.ok) delete outcome.mayHaveHappened;
  return limited(checked(tool.spec, scrubbed(outcome, deps), deps));
}

async function withinDeadline(tool: Tool, args: JsonObject, { context, deps }: { context: ToolContext; deps: CallDeps }): Promise<ToolOutcome> {
  const { clock } = deps;
  const write = tool.spec.sideEffect !== 'read';
  const deadlineMs = Math.min(context.deadlineMs, clock.nowMs() + tool.spec.timeoutMs);
  const stop = new AbortController();
  const over = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  // here it did nothing, but an earlier attempt of the same effect may have come through
  if (signal.aborted) return failure(write, 'timeout', `${tool.spec.name} was not called: the run was stopped before.`);
  // a worker that was frozen in between: its run may be another's by now
  if (clock.nowMs() >= context.deadlineMs) return failure(write, 'timeout', `${tool.spec.name} was not called: its time was over before it began.`);

  const call = tool.call(args, { ...context, signal, deadlineMs }).catch((thrown: unknown): ToolOutcome => {
    const error = toAppError(thrown);
    if (error.code === 'internal') deps.onFault(tool.spec.name, thrown);
    return failure(write, error.code === 'invalid_input' ? 'invalid_input' : 'tool_error', faultText(tool.spec.name, error));
  });
  const gaveUp = async (why: string): Promise<ToolOutcome> => {
    stop.abort();
    // a tool that heeds its signal says better than we can what became of it
    await clock.sleep(TOOL_LIMITS.graceMs, over.signal);
    return failure(write, 'timeout', why);
  };
  const late = clock
    .sleep(Math.max(0, deadlineMs - clock.nowMs()), AbortSignal.any([over.signal, context.signal]))
    .then(() =>
      context.signal.aborted
        ? gaveUp(`${tool.spec.name} was stopped with the run.`)
        : gaveUp(`${tool.spec.name} did not answer within ${tool.spec.timeoutMs} ms and was stopped. Ask for less at once, or go on without it.`),
    );
  const outcome = await Promise.race([call, late]);
  over.abort();
  return outcome;
}

function failure(write: boolean, kind: 'timeout' | 'tool_error' | 'invalid_input', message: string): ToolOutcome {
  return write && kind !== 'invalid_input' ? { ok: false, class: kind, message, mayHaveHappened: true } : { ok: false, class: kind, message };
}

/** Internal faults are named, not told: their text may hold paths and values that are nobody's business. */
function faultText(tool: string, error: { code: string; message: string; next: string | undefined }): string {
  if (error.code === 'internal') return `${tool} failed by a fault of its own, not of your input. Try another way.`;
  return error.next === undefined ? error.message : `${error.message} ${error.next}`;
}

function scrubbed(outcome: ToolOutcome, { scrub }: CallDeps): ToolOutcome {
  if (!outcome.ok) return { ...outcome, message: scrub.text(outcome.message) };
  const clean = { ...outcome, text: scrub.text(outcome.text) };
  if (outcome.structured !== undefined) clean.structured = scrub.json(outcome.structured);
  if (outcome.evidence) clean.evidence = { ...outcome.evidence, what: scrub.text(outcome.evidence.what) };
  return clean;
}

/** Of a read, output that breaks its schema is a failure; a write has happened all the same, so only the note is added. */
function checked(spec: ToolSpec, outcome: ToolOutcome, { check }: CallDeps): ToolOutcome {
  if (!outcome.ok || spec.outputSchema === undefined) return outcome;
  const wrong = outcome.structured === undefined ? 'it holds no structured content' : check(spec.outputSchema, outcome.structured);
  if (wrong === null) return outcome;
  if (spec.sideEffect === 'read') {
    return {
      ok: false,
      class: 'invalid_output',
      message: `${spec.name} answered something else than it declares:\n${wrong}\nDo not rely on it; try another way.`,
    };
  }
  const { structured: _dropped, ...rest } = outcome;
  return { ...rest, text: `${outcome.text}\n[${spec.name} was carried out, but its answer is not what it declares: ${wrong}]` };
}

function limited(outcome: ToolOutcome): ToolOutcome {
  const most = TOOL_LIMITS.resultChars;
  if (!outcome.ok) return { ...outcome, message: cutText(outcome.message, TOOL_LIMITS.shownChars) };
  const kept = { ...outcome, text: cutText(outcome.text, most) };
  if (kept.structured !== undefined && JSON.stringify(kept.structured).length > most) {
    delete kept.structured;
    kept.text = cutText(`[The structured result was over ${most} characters and is left out; ask for less at once.]\n${kept.text}`, most);
  }
  return kept;
}

/** At most `chars` characters, with a note of what is missing. Never cuts a surrogate pair in two. */
export function cutText(text: string, chars: number): string {
  if (text.length <= chars) return text;
  const note = `\n[cut: ${text.length} characters in all]`;
  let end = Math.max(0, chars - note.length);
  if (/[\uD800-\uDBFF]/.test(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end) + note;
}
