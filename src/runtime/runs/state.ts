/**
 * What a run's journal amounts to: the value that `fold` builds and `next` reads. Plain and immutable: a fold step makes a new
 * value that shares what did not change. Not the projection row of the database (that is `RunRow`).
 */
import type { Escalation, EventOf, Evidence, FailureClass } from '../../kernel/events.ts';
import type { Label } from '../../kernel/labels.ts';
import { NO_USAGE, type AssistantPart, type Message, type Usage } from '../../kernel/messages.ts';
import type { ModelFacts, RunLimits, ToolManifestEntry } from '../../kernel/plan.ts';
import type { RunStatus } from '../../kernel/run-status.ts';

/**
 * Where one tool call of the current turn stands. `answered` means that a person answered or the question expired and
 * nothing was made of it yet; `unknown` that its effect may have happened.
 */
export type CallPhase = 'asked' | 'waiting' | 'answered' | 'intended' | 'unknown' | 'child' | 'done' | 'failed' | 'denied';

export type Question = { asked: EventOf<'approval.asked'>; answer: EventOf<'approval.answered'> | null; expired: boolean };

export type Call = {
  /** Unique within the run: a repeated id of the model's gets a suffix. */
  readonly callId: string;
  readonly tool: string;
  readonly args: EventOf<'tool.intended'>['args'];
  /** The raw text where the arguments were no JSON object. */
  readonly invalid: string | null;
  readonly phase: CallPhase;
  /** How often its effect was intended. */
  readonly tries: number;
  readonly question: Question | null;
  readonly intent: { event: EventOf<'tool.intended'>; fence: number; seq: number } | null;
  readonly child: EventOf<'child.started'> | null;
  readonly result: { text: string; failed: boolean } | null;
};

/** One settled call, for the stop rules and for what an escalation says was tried. */
export type Attempt = {
  readonly seq: number;
  readonly callId: string;
  readonly tool: string;
  readonly args: Call['args'];
  readonly argsHash: string | null;
  readonly write: boolean;
  readonly failure: { class: FailureClass; message: string; rules: readonly string[] } | null;
  /** Active time of the run when it settled. */
  readonly activeMs: number;
};

/** What was used. Cost is in micro-USD; `known` false makes it a lower bound. */
export type Spent = { turns: number; toolCalls: number; activeMs: number; usage: Usage; costMicroUsd: number; costKnown: boolean };

export const NOTHING_SPENT: Spent = { turns: 0, toolCalls: 0, activeMs: 0, usage: NO_USAGE, costMicroUsd: 0, costKnown: true };

export type ModelProgress = {
  /** The last turn that was begun; 0 before the first. */
  readonly turn: number;
  /** The last turn that has a reply. */
  readonly replied: number;
  /** The model in use: the plan's, or the fallback the run went over to. */
  readonly name: string;
  /** Intended and without an outcome. */
  readonly open: { event: EventOf<'model.intended'>; fence: number; atMs: number } | null;
  /** Failures of this turn on this model, oldest first; emptied by a reply or a fallback. */
  readonly failures: readonly { event: EventOf<'model.failed'>; atMs: number }[];
  readonly finish: EventOf<'model.replied'>['finish'] | null;
  /** Models that are not to be called before a time, as their providers said, until they are called again. */
  readonly held: Readonly<Record<string, number>>;
  /** How often that was said in this turn. */
  readonly holds: number;
};

/** What the last assembled prompt's history came to, so that the next one only adds to it. */
export type Assembled = { readonly turn: number; readonly historyDigest: string; readonly historyTokens: number; readonly messages: number };

export type RunState = {
  readonly run: string;
  readonly seq: number;
  readonly fence: number;
  readonly atMs: number;
  readonly status: RunStatus;
  readonly queued: EventOf<'run.queued'> | null;
  /** When this run (not its origin) was queued. */
  readonly queuedAtMs: number;
  readonly started: boolean;
  readonly attempt: number;
  readonly waiting: { event: EventOf<'run.waiting'>; atMs: number } | null;
  /** Start of the active time that is still running; null while queued, waiting or ended. */
  readonly activeSinceMs: number | null;
  readonly labels: readonly Label[];
  readonly tools: readonly ToolManifestEntry[];
  readonly models: Readonly<Record<string, ModelFacts>>;
  /** The whole history as the model knows it, results uncut; a summary takes the place of what it sums up. */
  readonly messages: readonly Message[];
  /** Words of people that came while calls were open: they follow the results. */
  readonly pendingNotes: readonly string[];
  /** Calls whose results are shown as references (spec HAR-4). */
  readonly referenced: readonly string[];
  /** `structured` is kept for a rehearsal only. */
  readonly results: readonly { callId: string; tool: string; text: string; structured?: EventOf<'tool.done'>['structured'] }[];
  readonly callIds: readonly string[];
  /** Of the current turn, in the model's order. */
  readonly calls: readonly Call[];
  readonly model: ModelProgress;
  readonly assembled: Assembled | null;
  /** A summary that the model gave and that has not taken the place of its messages yet. */
  readonly summary: { upTo: number; text: string } | null;
  /** The run's own, without its children. */
  readonly own: Spent;
  /** Of children that have ended. */
  readonly ofChildren: Spent;
  readonly children: readonly { callId: string; run: string; agent: string; allotment: RunLimits; ended: boolean }[];
  readonly attempts: readonly Attempt[];
  readonly evidence: readonly { evidence: Evidence; seq: number }[];
  /** Sequence of the last effect that changed something; 0 for none. */
  readonly lastWriteSeq: number;
  readonly rejections: readonly EventOf<'output.rejected'>['why'][];
  readonly cancel: EventOf<'run.signalled'> | null;
  readonly pause: EventOf<'run.signalled'> | null;
  readonly budget: EventOf<'budget.exhausted'> | null;
  /** Refusals by budgets since the last call that was let through. */
  readonly refusals: number;
  /** A budget in runs had no room for it yet: it is counted when it goes on. */
  readonly uncounted: boolean;
  /** That it costs far more than usual, and whether a person still has to say that it may. */
  readonly spike: { event: EventOf<'budget.spiked'>; open: boolean } | null;
  readonly tripped: { rule: string; detail: string; escalation: Escalation } | null;
  readonly phase: string | null;
  readonly percent: number | null;
  readonly rehearsed: boolean;
  readonly startedAtMs: number | null;
  readonly ended: { event: EventOf<'run.ended'>; atMs: number } | null;
};

export function emptyState(): RunState {
  return {
    run: '',
    seq: 0,
    fence: 0,
    atMs: 0,
    status: 'queued',
    queued: null,
    queuedAtMs: 0,
    started: false,
    attempt: 0,
    waiting: null,
    activeSinceMs: null,
    labels: [],
    tools: [],
    models: {},
    messages: [],
    pendingNotes: [],
    referenced: [],
    results: [],
    callIds: [],
    calls: [],
    model: { turn: 0, replied: 0, name: '', open: null, failures: [], finish: null, held: {}, holds: 0 },
    assembled: null,
    summary: null,
    own: NOTHING_SPENT,
    ofChildren: NOTHING_SPENT,
    children: [],
    attempts: [],
    evidence: [],
    lastWriteSeq: 0,
    rejections: [],
    cancel: null,
    pause: null,
    budget: null,
    refusals: 0,
    uncounted: false,
    spike: null,
    tripped: null,
    phase: null,
    percent: null,
    rehearsed: false,
    startedAtMs: null,
    ended: null,
  };
}

export function isSettled(call: Call): boolean {
  return call.phase === 'done' || call.phase === 'failed' || call.phase === 'denied';
}

/** Milliseconds of active time up to `nowMs`: what waiting took does not count (spec HAR-2). */
export function activeMs(state: RunState, nowMs: number): number {
  return state.own.activeMs + (state.activeSinceMs === null ? 0 : Math.max(0, nowMs - state.activeSinceMs));
}

export function textOf(content: readonly AssistantPart[]): string {
  return content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('');
}

/** The text of the model's last message, null when it has said nothing: the partial answer of a run cut short. */
export function lastAssistantText(state: RunState): string | null {
  for (let i = state.messages.length - 1; i >= 0; i -= 1) {
    const message = state.messages[i];
    if (message?.role !== 'assistant') continue;
    const text = textOf(message.content);
    if (text.trim() !== '') return text;
  }
  return null;
}
