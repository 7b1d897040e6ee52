/**
 * What happens once a review has ended: its findings are checked against what it saw, its estimate against what it took, and a panel's
 * reviews are merged and graded (spec PER-4 to PER-6). Done once, by whoever comes first: the end itself, a reader, or the sweep after a crash.
 */
import type { Entry } from '../../kernel/events.ts';
import type { Ids, OrgId, ProjectId, RunId } from '../../kernel/ids.ts';
import { storedId } from '../../kernel/ids.ts';
import type { Database, Tx } from '../../storage/database.ts';
import { checkAnswer, sourcesOf } from './evidence.ts';
import type { Finding } from './finding.ts';
import { FINDING_LIMITS } from './finding.ts';
import { keepFinding, liveIn, moveFinding } from './finding-store.ts';
import { gradeFindings, trendOf } from './grade.ts';
import { readMaterial } from './material.ts';
import type { Merged } from './merge.ts';
import { mergeFindings, ONE_VOICE } from './merge.ts';
import type { Member, PanelOutcome } from './outcome.ts';
import { addDropped, countDropped, JobOutcome, Members, NOTHING_DROPPED, PanelOutcome as StoredPanel } from './outcome.ts';
import type { PanelRow } from './panel-store.ts';
import { findPanel, outcomeBefore, settlePanel } from './panel-store.ts';
import { errorPercent } from './progress.ts';
import type { Proposed } from './proposal.ts';
import { checkProposal } from './proposal.ts';
import { fingerprintOf } from './report.ts';
import type { JobRow } from './store.ts';
import { findJob, jobsOfPanel, noteOutcome, settleJob } from './store.ts';
import type { TakeIn } from '../standards/review-proposal.ts';

export type SettleDeps = {
  db: Database;
  ids: Ids;
  nowMs: () => number;
  /** Every entry of a run's journal. */
  journal: (org: OrgId, run: RunId) => Promise<Entry[]>;
  /** A file of the project as it is now; null when it is gone; undefined when it cannot be known here. */
  current: (org: OrgId, project: ProjectId, path: string) => Promise<string | null | undefined>;
  /** Makes a proposal that people answer of what a reviewer proposes. */
  propose: TakeIn;
};

export type Settle = {
  /** Does nothing for a review that goes on or is settled. */
  job(org: OrgId, run: string): Promise<void>;
  panel(org: OrgId, id: string): Promise<void>;
};

/** A member that has no run by then will never have one: its start died with the process. */
const START_MS = 60_000;
const FINDINGS_LOOKED_AT = 500;
const SAID_KEPT = 10;

export function createSettle(deps: SettleDeps): Settle {
  const panel = (org: OrgId, id: string): Promise<void> => settleOnePanel(deps, org, id);
  return {
    panel,
    async job(org, run) {
      const row = await deps.db.asOrg(org, (tx) => findJob(tx, org, run));
      if (row === null || row.endedAtMs === null) return;
      if (row.outcome === null) await settleOneJob(deps, org, row);
      if (row.panel !== null) await panel(org, row.panel);
    },
  };
}

async function settleOneJob(deps: SettleDeps, org: OrgId, row: JobRow): Promise<void> {
  const entries = await deps.journal(org, row.id);
  const { outcome, proposed } = outcomeOf(entries, row);
  const tookMs = row.startedAtMs === null || row.endedAtMs === null ? null : Math.max(1, row.endedAtMs - row.startedAtMs);
  const measured = row.status === 'succeeded' && tookMs !== null;
  const followed = row.panel === null ? mergeFindings(outcome.findings.map((finding) => voiced(finding, row.persona))) : [];
  const still = row.panel === null ? await lookAgain(deps, { org, project: row.project, entries, found: followed }) : [];
  await deps.db.asOrg(org, async (tx) => {
    const won = await settleJob(tx, org, {
      run: row.id,
      outcome,
      dropped: countDropped(outcome.dropped),
      tookMs: measured ? tookMs : null,
      errorPercent: measured ? errorPercent(row.estimateMs, tookMs) : null,
    });
    if (!won) return;
    if (proposed !== null)
      await noteOutcome(tx, org, { run: row.id, outcome: { ...outcome, ...(await propose(deps, tx, { org, row, entries, proposed })) } });
    for (const finding of onceEach(followed)) await keepFinding(tx, org, keptOf(deps, { finding, project: row.project, source: row.id }));
    for (const id of still) await moveFinding(tx, org, { id, from: ['open', 'issue'], to: 'resolved', reason: resolvedBy(row.id), by: 'review' });
  });
}

type Ended = { outcome: JobOutcome; proposed: Proposed | null };

function outcomeOf(entries: readonly Entry[], row: JobRow): Ended {
  const ended = entries.findLast(({ event }) => event?.type === 'run.ended')?.event;
  if (ended?.type !== 'run.ended' || ended.status !== 'succeeded') return unanswered(row.reason === '' ? `it ended as ${row.status}` : row.reason);
  const sources = sourcesOf(entries);
  const checked = checkAnswer(ended.output, sources, FINDING_LIMITS.findings);
  if (checked === null) return unanswered('the answer has not the form of a review');
  const count = (why: string): number => checked.dropped.filter((drop) => drop.why === why).length;
  const { proposed, refused } = checkProposal(checked.proposals, sources);
  return {
    proposed,
    outcome: {
      summary: checked.summary.slice(0, FINDING_LIMITS.summaryChars),
      findings: checked.findings,
      dropped: { invalid: count('invalid'), file: count('file'), evidence: count('evidence') },
      droppedSaid: checked.dropped.slice(0, SAID_KEPT).map(({ why, said }) => `${why}: ${said}`),
      specialists: checked.specialists.slice(0, FINDING_LIMITS.specialists),
      ...{ proposal: null, proposalRefused: refused, failure: null },
    },
  };
}

function unanswered(failure: string): Ended {
  const none = { summary: '', findings: [], dropped: NOTHING_DROPPED, droppedSaid: [], specialists: [], proposal: null, proposalRefused: null };
  return { proposed: null, outcome: { ...none, failure } };
}

type Proposing = { org: OrgId; row: JobRow; entries: readonly Entry[]; proposed: Proposed };

/** Like questions of a run: only who asked for it by hand may also answer with that key (spec APR-1). */
async function propose(
  deps: SettleDeps,
  tx: Tx,
  { org, row, entries, proposed }: Proposing,
): Promise<Pick<JobOutcome, 'proposal' | 'proposalRefused'>> {
  const queued = entries[0]?.event;
  if (queued?.type !== 'run.queued') return { proposal: null, proposalRefused: 'how the review began is no longer known' };
  const { why, ...text } = proposed;
  const outside = queued.labels.includes('untrusted') ? ' It read what came from outside: read this text as a stranger’s.' : '';
  const taken = await deps.propose(tx, org, {
    ...{ project: row.project, text, why: `${why} By review ${row.id}.${outside}` },
    by: { actor: queued.plan.agent.id, name: queued.plan.agent.name },
    key: queued.trigger === 'manual' ? '' : (queued.by.key ?? ''),
  });
  return 'id' in taken ? { proposal: taken, proposalRefused: null } : { proposal: null, proposalRefused: taken.refused };
}

async function settleOnePanel(deps: SettleDeps, org: OrgId, id: string): Promise<void> {
  const found = await deps.db.asOrg(org, async (tx) => {
    const panel = await findPanel(tx, org, id);
    if (panel === null || panel.settledAtMs !== null) return null;
    const [jobs, before] = await Promise.all([jobsOfPanel(tx, org, id), outcomeBefore(tx, org, panel)]);
    return { panel, jobs, before };
  });
  if (found === null) return;
  const { panel, jobs, before } = found;
  const late = deps.nowMs() - panel.createdAtMs > START_MS;
  const voices = Members.parse(JSON.parse(panel.members)).map((member) => {
    // a start that died before it was written down is found by its run
    const job = jobs.find((each) => each.id === member.run) ?? jobs.find((each) => each.persona === member.persona && each.model === member.model);
    return { member, job: job ?? null };
  });
  const open = voices.filter(({ member, job }) => (job === null ? member.failure === null && !late : job.endedAtMs === null));
  if (open.length > 0) return;
  const unsettled = jobs.filter(({ outcome }) => outcome === null);
  if (unsettled.length > 0) {
    for (const job of unsettled) await settleOneJob(deps, org, job);
    return settleOnePanel(deps, org, id);
  }
  await concludePanel(deps, org, { panel, voices, before });
}

type Voices = readonly { member: Member; job: JobRow | null }[];

async function concludePanel(
  deps: SettleDeps,
  org: OrgId,
  { panel, voices, before }: { panel: PanelRow; voices: Voices; before: string | null },
): Promise<void> {
  const heard = voices.map(({ member, job }) => {
    const outcome = job?.outcome === null || job === null ? null : JobOutcome.parse(JSON.parse(job.outcome));
    const failure = outcome === null ? (member.failure ?? 'it was never started') : outcome.failure;
    return { member, job, outcome, failure };
  });
  const answers = heard.filter(({ failure }) => failure === null);
  const findings = mergeFindings(answers.flatMap(({ member, outcome }) => (outcome?.findings ?? []).map((each) => voiced(each, member.reviewer))));
  const card = gradeFindings(findings, new Set(answers.flatMap(({ member }) => member.dimensions)));
  const [first] = voices.flatMap(({ job }) => (job === null ? [] : [job.id]));
  const entries = first === undefined ? [] : await deps.journal(org, first);
  const still = await lookAgain(deps, { org, project: panel.project, entries, found: findings });
  const outcome: PanelOutcome = {
    findings,
    dropped: heard.reduce((sum, each) => addDropped(sum, each.outcome?.dropped ?? NOTHING_DROPPED), NOTHING_DROPPED),
    answered: answers.length,
    failed: heard.flatMap(({ member, failure }) => (failure === null ? [] : [{ reviewer: member.reviewer, why: failure }])),
    card,
    trend: trendOf(card, before === null ? null : StoredPanel.parse(JSON.parse(before)).card),
    resolved: still,
    rehearsed: voices.some(({ job }) => job?.rehearsed === true),
  };
  await deps.db.asOrg(org, async (tx) => {
    if (!(await settlePanel(tx, org, { id: panel.id, outcome }))) return;
    for (const finding of onceEach(findings)) await keepFinding(tx, org, keptOf(deps, { finding, project: panel.project, source: panel.id }));
    for (const id of still) await moveFinding(tx, org, { id, from: ['open', 'issue'], to: 'resolved', reason: resolvedBy(panel.id), by: 'review' });
  });
}

/** Lines that are quoted alike are one finding to follow, and one look at it. */
const onceEach = (findings: readonly Merged[]): Merged[] => [...new Map(findings.toReversed().map((each) => [fingerprintOf(each), each])).values()];
const voiced = (finding: Finding, reviewer: string) => ({ ...finding, votes: [{ reviewer, confidence: ONE_VOICE }] });
const resolvedBy = (review: string): string => `Its evidence is no longer in the file, as review ${review} saw.`;

function keptOf(deps: SettleDeps, { finding, project, source }: { finding: Merged; project: string | null; source: string }) {
  return { id: deps.ids.next('fnd'), project, source, finding, fingerprint: fingerprintOf(finding) };
}

type Again = { org: OrgId; project: string | null; entries: readonly Entry[]; found: readonly Finding[] };

/** Which earlier findings in the files of this review are resolved: nobody found them again, and what they quote is no longer there. */
async function lookAgain(deps: SettleDeps, { org, project, entries, found }: Again): Promise<string[]> {
  const input = entries[0]?.event?.type === 'run.queued' ? entries[0].event.input : null;
  if (project === null || typeof input !== 'string') return [];
  const files = [...new Set(readMaterial(input).map(({ path }) => path))];
  const again = new Set(found.map(fingerprintOf));
  const earlier = await deps.db.asOrg(org, (tx) => liveIn(tx, org, { project, files, limit: FINDINGS_LOOKED_AT }));
  const resolved: string[] = [];
  for (const row of earlier) {
    if (again.has(row.fingerprint)) continue;
    const { file, evidence } = JSON.parse(row.finding) as Merged;
    const now = await deps.current(org, storedId('prj', project), file);
    if (now === undefined) continue;
    const plain = (text: string): string => text.replaceAll(/\s+/g, '');
    if (now === null || !plain(now).includes(plain(evidence))) resolved.push(row.id);
  }
  return resolved;
}
