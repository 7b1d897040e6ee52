/** Runs in the words of the contract: from the projection and the fold to what surfaces show. Pure. */
import type { Entry } from '../../kernel/events.ts';
import type { EntryView, RunDetail, RunSummary } from './contract.ts';
import { eta } from './progress.ts';
import type { PastRun } from './rules.ts';
import type { RunState } from './state.ts';
import type { RunRow } from './store-port.ts';
import type { z } from 'zod';

export function summaryOf(row: RunRow): RunSummary {
  const { id, agentVersion, status, waitingFor, reason, purpose, trigger, rehearsed, parent, project, phase, percent } = row;
  const { turns, toolCalls, usage, cost, createdAtMs, startedAtMs, endedAtMs, headSeq } = row;
  const shown = { id, agent: row.agentName, version: agentVersion, status, waitingFor, reason, purpose, trigger, rehearsed, parent, project };
  return { ...shown, phase, percent, turns, toolCalls, usage, cost, createdAtMs, startedAtMs, endedAtMs, headSeq };
}

export type DetailSource = { row: RunRow; state: RunState; children: readonly RunRow[]; history: readonly PastRun[]; nowMs: number };

export function detailOf({ row, state, children, history, nowMs }: DetailSource): z.input<typeof RunDetail> {
  const ended = state.ended?.event ?? null;
  const { queued } = state;
  const open = state.calls.flatMap((call) => (call.phase === 'waiting' && call.question !== null ? [call.question.asked] : []));
  return {
    ...summaryOf(row),
    input: queued?.input ?? null,
    answer: ended?.answer ?? null,
    ...(ended?.output === undefined ? {} : { output: ended.output }),
    partial: ended?.partial ?? false,
    failure: ended?.failure ?? null,
    escalation: ended?.escalation ?? null,
    evidence: state.evidence.map(({ evidence }) => evidence),
    labels: [...state.labels],
    etaMs: ended === null && state.started ? eta(history, state, nowMs) : null,
    origin: queued?.origin === null || queued === null ? null : { run: queued.origin.run, seq: queued.origin.seq, how: queued.origin.how },
    correlationId: row.correlation,
    by: queued?.by ?? { actor: row.actor, name: row.actor },
    waitingOn: open.map(({ approvalId, kind, question, tool }) => ({ approvalId, kind, question, tool })),
    children: children.map((child) => ({ run: child.id, agent: child.agentName, status: child.status })),
  };
}

export function entryViewOf({ seq, position, atMs, actor, effectId, hash, event }: Entry): z.input<typeof EntryView> {
  return { seq, position, atMs, actor, effectId, hash, event };
}
