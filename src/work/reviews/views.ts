/** Rows as surfaces show them. Pure. */
import type { Count } from '../../kernel/page.ts';
import { decodeCursor } from '../../kernel/page.ts';
import { AppError } from '../../kernel/errors.ts';
import { isFinal } from '../../kernel/run-status.ts';
import type { FindingView, JobDetail, JobView, PanelSummary, PanelView } from './contract.ts';
import { MergedFinding } from './contract.ts';
import { covered } from './cover.ts';
import type { FindingRow } from './finding-store.ts';
import { addDropped, countDropped, JobOutcome, Members, NOTHING_DROPPED, PanelOutcome } from './outcome.ts';
import type { PanelRow } from './panel-store.ts';
import { etaMs, percentOf, phaseOf, waitMs } from './progress.ts';
import type { JobRow } from './store.ts';
import { COUNT_MAX } from './store.ts';

type Now = { nowMs: number; workers: number };

const SAYS: Record<JobView['phase'], string> = {
  initialising: 'is being prepared',
  searching: 'looks around in code and documents',
  analysing: 'thinks about what it was given',
  generating: 'writes its findings',
  ended: '',
};

export function jobView(row: JobRow, { nowMs, workers }: Now): JobView {
  const facts = { ended: row.endedAtMs !== null, startedAtMs: row.startedAtMs, lastEvent: row.lastEvent, writing: row.writing };
  const phase = phaseOf(facts);
  const wait = waitMs(row.ahead, { workers, estimate: row.estimateMs });
  const queued = row.startedAtMs === null ? `waits for a worker${row.ahead === 0 ? '' : `, ${row.ahead} come first`}` : SAYS[phase];
  const { id, persona, model, title, status, toolCalls, estimateMs, rehearsed, panel, leftOut, createdAtMs, startedAtMs, endedAtMs } = row;
  return {
    ...{ id, persona, model, title, status, toolCalls, estimateMs, rehearsed, panel, leftOut, createdAtMs, startedAtMs, endedAtMs },
    phase,
    percent: percentOf(facts, { nowMs, estimate: estimateMs }),
    message: facts.ended ? row.reason : queued,
    etaMs: etaMs(facts, { nowMs, estimate: estimateMs, wait }),
    project: row.projectCode,
  };
}

export function jobDetail(row: JobRow, now: Now): JobDetail {
  const outcome = row.outcome === null ? null : JobOutcome.parse(JSON.parse(row.outcome));
  const view = jobView(row, now);
  return {
    ...view,
    message: outcome?.failure ?? view.message,
    ended: outcome !== null,
    summary: outcome?.summary ?? '',
    findings: (outcome?.findings ?? []).map(covered),
    dropped: outcome?.dropped ?? NOTHING_DROPPED,
    droppedSaid: outcome?.droppedSaid ?? [],
    specialists: outcome?.specialists ?? [],
    proposal: outcome?.proposal ?? null,
    proposalRefused: outcome?.proposalRefused ?? null,
    tookMs: row.tookMs,
    estimateErrorPercent: row.errorPercent,
  };
}

export function panelView(panel: PanelRow, jobs: readonly JobRow[], now: Now): PanelView {
  const outcome = panel.outcome === null ? null : PanelOutcome.parse(JSON.parse(panel.outcome));
  const members = Members.parse(JSON.parse(panel.members)).map((member): PanelView['members'][number] => {
    const { reviewer, persona, model, run } = member;
    const row = jobs.find(({ id }) => id === run) ?? jobs.find((each) => each.persona === persona && each.model === model);
    const failed = outcome?.failed.find((each) => each.reviewer === reviewer)?.why ?? member.failure;
    const named = { reviewer, persona, model, failure: failed };
    if (row === undefined)
      return { ...named, job: null, status: 'not_started', phase: null, percent: outcome === null ? 0 : 100, findings: 0, dropped: 0 };
    const { status, phase, percent } = jobView(row, now);
    const own = row.outcome === null ? null : JobOutcome.parse(JSON.parse(row.outcome));
    const failure = failed ?? own?.failure ?? null;
    return {
      ...named,
      failure,
      job: row.id,
      status,
      phase,
      percent,
      findings: own?.findings.length ?? 0,
      dropped: countDropped(own?.dropped ?? NOTHING_DROPPED),
    };
  });
  const done = members.filter(
    (member) => member.job !== null && member.status !== 'not_started' && isFinal(member.status) && member.failure === null,
  );
  const settled = jobs.flatMap(({ outcome: own }) => (own === null ? [] : [JobOutcome.parse(JSON.parse(own))]));
  const dropped = settled.reduce((sum, own) => addDropped(sum, own.dropped), NOTHING_DROPPED);
  return {
    id: panel.id,
    title: panel.title,
    project: panel.projectCode,
    ended: outcome !== null,
    percent: outcome === null ? Math.min(99, Math.floor(members.reduce((sum, { percent }) => sum + percent, 0) / Math.max(1, members.length))) : 100,
    createdAtMs: panel.createdAtMs,
    endedAtMs: panel.settledAtMs,
    rehearsed: outcome?.rehearsed ?? jobs.some(({ rehearsed }) => rehearsed),
    leftOut: jobs[0]?.leftOut ?? '',
    members,
    coverage: {
      answered: outcome?.answered ?? done.length,
      of: members.length,
      failed: members.flatMap(({ reviewer, failure }) => (failure === null ? [] : [reviewer])),
    },
    findings: (outcome?.findings ?? []).map(covered),
    dropped: outcome?.dropped ?? dropped,
    card: outcome?.card ?? null,
    trend: outcome?.trend ?? null,
    resolved: outcome?.resolved ?? [],
    proposals: settled.flatMap(({ proposal }) => (proposal === null ? [] : [proposal])),
  };
}

export function panelSummary(panel: PanelRow): PanelSummary {
  const outcome = panel.outcome === null ? null : PanelOutcome.parse(JSON.parse(panel.outcome));
  const of = Members.parse(JSON.parse(panel.members)).length;
  const { id, title, projectCode: project, createdAtMs, settledAtMs: endedAtMs } = panel;
  return {
    ...{ id, title, project, createdAtMs, endedAtMs, of },
    ended: outcome !== null,
    overall: outcome?.card.overall ?? null,
    findings: outcome?.findings.length ?? 0,
    answered: outcome?.answered ?? 0,
  };
}

export function findingView(row: FindingRow): FindingView {
  const { id, projectCode: project, state, issue, source, seen, reason, createdAtMs, changedAtMs } = row;
  return {
    ...covered(MergedFinding.parse(JSON.parse(row.finding))),
    ...{ id, project, state, issue, source, seen, reason, createdAtMs, changedAtMs },
  };
}

/** Pages go by number, newest first. @throws AppError `invalid_input` */
export function beforeOf(cursor: string | undefined): number {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER;
  const [number] = decodeCursor(cursor) ?? [];
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number;
  throw new AppError('invalid_input', 'The cursor is not one of this list.', { next: 'Take `next` of the page before, or leave it out.' });
}

export function countOf(total: number): Count {
  return total > COUNT_MAX ? { kind: 'at_least', value: COUNT_MAX } : { kind: 'exact', value: total };
}
