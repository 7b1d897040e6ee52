/** Runs, entries and pages as the server answers them. */
import type { EventOf, RunEvent, RunEventType } from '../../src/kernel/events.ts';
import { NO_USAGE } from '../../src/kernel/messages.ts';
import type { EntryView, RunDetail } from '../../src/runtime/runs/contract.ts';
import { NOW_MS } from './cli.ts';
import { queuedEvent } from './run-fixtures.ts';

export const RUN_ID = 'run_01kaghv4000000000000abcdef';

/** `run_01kaghv4000000000000` and six characters. */
export function runId(end: string): string {
  return `run_01kaghv4000000000000${end.padStart(6, '0')}`;
}

export function runDetail(over: Partial<RunDetail> = {}): RunDetail {
  return {
    id: RUN_ID,
    agent: 'repo-digest',
    version: 3,
    status: 'succeeded',
    waitingFor: null,
    reason: 'It answered.',
    purpose: 'live',
    trigger: 'manual',
    rehearsed: false,
    parent: null,
    project: null,
    phase: 'concluding',
    percent: 100,
    turns: 2,
    toolCalls: 3,
    usage: { ...NO_USAGE, inputTokens: 1_240, outputTokens: 320 },
    cost: { microUsd: 31_200, known: true },
    createdAtMs: NOW_MS - 120_000,
    startedAtMs: NOW_MS - 119_000,
    endedAtMs: NOW_MS - 100_000,
    headSeq: 12,
    input: { since: 'yesterday' },
    answer: 'Two commits since yesterday.',
    partial: false,
    failure: null,
    escalation: null,
    evidence: [],
    labels: [],
    etaMs: null,
    origin: null,
    correlationId: 'cor_test',
    by: { actor: 'act_test', name: 'Tess' },
    waitingOn: [],
    children: [],
    ...over,
  };
}

export function page<T>(items: readonly T[], over: { total?: number; next?: string } = {}) {
  return { items: [...items], shown: items.length, total: { kind: 'exact' as const, value: over.total ?? items.length }, next: over.next ?? null };
}

/** Entries with sequence numbers from 1, a second apart. */
export function entries(events: readonly RunEvent[]): EntryView[] {
  return events.map((event, i) => ({
    seq: i + 1,
    position: i + 1,
    atMs: NOW_MS - 60_000 + i * 1_000,
    actor: 'act_test',
    effectId: null,
    hash: 'h',
    event,
  }));
}

const DECISION = { answer: 'allow' as const, rules: [], reason: '' };

/** One complete event of each type that a watcher sees, as dull as possible. */
export const EVENTS: { readonly [T in RunEventType]?: EventOf<T> } & {
  'run.queued': EventOf<'run.queued'>;
  'tool.intended': EventOf<'tool.intended'>;
  'model.replied': EventOf<'model.replied'>;
  'run.ended': EventOf<'run.ended'>;
  'approval.asked': EventOf<'approval.asked'>;
} = {
  'run.queued': queuedEvent(),
  'run.started': { type: 'run.started', worker: 'wrk_a', attempt: 1, tools: [], models: {} },
  'model.intended': {
    type: 'model.intended',
    turn: 1,
    attempt: 1,
    model: 'anthropic/claude-sonnet-4-5',
    summarises: 0,
    contextHash: 'h',
    maxOutputTokens: 100,
    decision: DECISION,
    reservation: null,
  },
  'model.replied': {
    type: 'model.replied',
    turn: 1,
    model: 'anthropic/claude-sonnet-4-5',
    content: [
      { type: 'text', text: 'I look at the log first.' },
      { type: 'tool_call', callId: 'call_1', tool: 'git_log', args: { since: 'yesterday' } },
    ],
    finish: 'tool_calls',
    usage: { ...NO_USAGE, inputTokens: 1_240, outputTokens: 320 },
    costMicroUsd: 12_000,
    rehearsed: false,
    ms: 3_100,
  },
  'tool.intended': {
    type: 'tool.intended',
    callId: 'call_1',
    tool: 'git_log',
    args: { since: 'yesterday' },
    argsHash: 'h',
    sideEffect: 'read',
    recovery: 'none',
    key: 'k',
    deadlineMs: NOW_MS,
    settleMs: 0,
    decision: DECISION,
    approvalId: null,
  },
  'tool.done': { type: 'tool.done', callId: 'call_1', tool: 'git_log', text: 'two\ncommits', labels: [], evidence: null, known: 'effect', ms: 120 },
  'tool.failed': { type: 'tool.failed', callId: 'call_1', tool: 'git_log', class: 'tool_error', message: 'no such branch', labels: [], ms: 40 },
  'approval.asked': {
    type: 'approval.asked',
    approvalId: 'apr_01kaghv4000000000000abcdef',
    callId: 'call_2',
    kind: 'approval',
    tool: 'http_send',
    args: { url: 'https://example.com' },
    hash: 'h',
    question: 'May it send this?',
    choices: [],
    decision: { ...DECISION, answer: 'confirm' },
    deadlineMs: NOW_MS,
    onExpiry: 'deny',
  },
  progress: { type: 'progress', phase: 'working', percent: 40, message: 'reads', etaMs: 12_000 },
  'run.ended': {
    type: 'run.ended',
    status: 'succeeded',
    reason: 'It answered.',
    answer: 'Two commits since yesterday.',
    partial: false,
    rehearsed: false,
    failure: null,
    escalation: null,
    evidence: [],
    usage: NO_USAGE,
    cost: { microUsd: 31_200, known: true },
  },
};
