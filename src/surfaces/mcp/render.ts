/** Answers of operations as Markdown: short, in the order a reader needs. Pure. */
import type { z } from 'zod';
import { isoTime } from '../../kernel/clock.ts';
import type { Count } from '../../kernel/page.ts';
import { renderCount } from '../../kernel/page.ts';
import { RUN_STATUSES } from '../../kernel/run-status.ts';
import type { ApprovalDetail } from '../../platform/approvals/contract.ts';
import type { RunDetail, RunSummary, runOperations } from '../../runtime/runs/contract.ts';
import type { ScheduleView } from '../../runtime/schedules/contract.ts';
import type { AgentDetail, AgentView } from '../../work/agents/contract.ts';

/** A page's items as a list, with what is not shown said. */
export function renderPage<T>(
  what: string,
  page: { items: readonly T[]; shown: number; total: Count; next: string | null },
  line: (item: T) => string,
): string {
  if (page.items.length === 0) return `No ${what}.`;
  const more = page.next === null ? '' : `\n\nThere are more: call again with cursor "${page.next}".`;
  return `${page.shown} of ${renderCount(page.total)} ${what}:\n\n${page.items.map((item) => `- ${line(item)}`).join('\n')}${more}`;
}

export function agentLine(agent: AgentView): string {
  const state = agent.state === 'active' ? '' : `, **${agent.state}**${agent.stateReason === '' ? '' : `: ${agent.stateReason}`}`;
  return `**${agent.name}** (${agent.kind}, version ${agent.version}, tier ${agent.tier}${state})${agent.description === '' ? '' : `: ${agent.description}`}`;
}

export function renderAgent(agent: AgentDetail): string {
  const { definition } = agent;
  return [
    `# ${agent.name}`,
    agent.description,
    [
      `- ${agent.state}${agent.stateReason === '' ? '' : `: ${agent.stateReason}`}; ${agent.failures} failures in a row`,
      `- version ${agent.version}, ${agent.kind}, tier ${agent.tier}, changed ${isoTime(agent.updatedAtMs)} by ${agent.by.name}`,
      ...(agent.kind === 'model' ? [`- model: ${definition.model ?? 'the default'}`, `- tools: ${definition.tools.join(', ') || 'none'}`] : []),
      `- schedules: ${agent.schedules}`,
    ].join('\n'),
    definition.instructions === '' ? '' : `## Instructions\n\n${definition.instructions}`,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

export function runLine(run: RunSummary): string {
  const waits = run.waitingFor === null ? '' : ` for ${run.waitingFor}`;
  const rehearsed = run.rehearsed ? ', rehearsed' : '';
  return `\`${run.id}\` ${run.agent}: **${run.status}**${waits}${rehearsed}, ${isoTime(run.createdAtMs)}${run.reason === '' ? '' : `: ${run.reason}`}`;
}

export function renderRun(run: RunDetail): string {
  const facts = [
    `- started ${isoTime(run.createdAtMs)} by ${run.by.name} (${run.trigger}), version ${run.version}`,
    ...(run.endedAtMs === null ? [] : [`- ended ${isoTime(run.endedAtMs)}`]),
    `- ${run.turns} turns, ${run.toolCalls} tool calls, ${run.usage.inputTokens + run.usage.outputTokens} tokens, ${money(run.cost)}`,
    ...(run.percent === null
      ? []
      : [
          `- ${run.percent} % done${run.phase === null ? '' : `, in ${run.phase}`}${run.etaMs === null ? '' : `, about ${Math.ceil(run.etaMs / 1000)} s left`}`,
        ]),
    ...(run.parent === null ? [] : [`- sub-agent of \`${run.parent}\``]),
    ...(run.labels.length === 0 ? [] : [`- labels: ${run.labels.join(', ')}`]),
  ];
  const asked = run.waitingOn.map((each) => `- \`${each.approvalId}\` (${each.kind}, ${each.tool}): ${each.question}`);
  return [
    `# ${run.agent}: ${run.status}${run.rehearsed ? ' (rehearsed)' : ''}`,
    run.reason,
    facts.join('\n'),
    asked.length === 0 ? '' : `## It asks a person\n\n${asked.join('\n')}\n\nrun_answer shows and answers it.`,
    run.answer === null ? '' : `## Answer${run.partial ? ' (partial)' : ''}\n\n${run.answer}`,
    run.escalation === null ? '' : `## Blocked\n\n${JSON.stringify(run.escalation, null, 2)}`,
    run.children.length === 0
      ? ''
      : `## Sub-agents\n\n${run.children.map((child) => `- \`${child.run}\` ${child.agent}: ${child.status}`).join('\n')}`,
    `\`${run.id}\`, ${run.headSeq} entries. ${whatNext(run)}`,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** What brings the run on, or what can be done with it now. */
export function whatNext(run: Pick<RunSummary, 'status' | 'waitingFor'>): string {
  if (RUN_STATUSES[run.status].final) return `Ended; what helps: ${RUN_STATUSES[run.status].resumedBy}.`;
  if (run.waitingFor === 'approval' || run.waitingFor === 'input' || run.waitingFor === 'outcome') return 'Waits for a person: run_answer.';
  return run.status === 'running' || run.status === 'queued' ? 'run_watch follows it.' : `Goes on by ${RUN_STATUSES[run.status].resumedBy}.`;
}

export function scheduleLine(schedule: ScheduleView): string {
  const { last, nextSlotMs } = schedule;
  const next =
    nextSlotMs === null ? 'no more due times' : `next ${isoTime(nextSlotMs)}${schedule.overdue ? ' (**overdue**: no server fires schedules)' : ''}`;
  const before =
    last === null
      ? ''
      : `; ${isoTime(last.slotMs)} ${last.outcome}${last.run === null ? '' : ` as \`${last.run}\``}${last.reason === '' ? '' : `: ${last.reason}`}`;
  return `**${schedule.agent}** ${schedule.when} (${schedule.timezone}): ${next}${before}`;
}

/** The whole of what an answer binds to: nothing is left out or shortened (spec APR-2). */
export function renderApproval(approval: ApprovalDetail): string {
  return [
    `# ${approval.question}`,
    `\`${approval.id}\` of ${approval.agent} (tier ${approval.tier}), run \`${approval.run}\`, ${approval.state}, stands until ${isoTime(approval.deadlineMs)}.`,
    `Tool \`${approval.tool}\` with exactly:\n\n${fenced(JSON.stringify(approval.args, null, 2))}`,
    approval.reason === '' ? '' : `Asked because ${approval.reason}${approval.rules.length === 0 ? '' : ` (${approval.rules.join(', ')})`}.`,
    `Hash: \`${approval.hash}\``,
    approval.story.length === 0 ? '' : `What led there:\n\n${approval.story.map((step) => `- ${step.seq}: ${step.what}`).join('\n')}`,
    approval.answer === null ? '' : `Answered **${approval.answer.answer}** by ${approval.answer.by.name}. ${approval.answer.text}`,
    approval.whyNotYou === null ? '' : `This key may not answer it: ${approval.whyNotYou}.`,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

type Stats = z.output<(typeof runOperations)['stats']['output']>;

export function renderStats(stats: Stats): string {
  const oldest = stats.oldestQueuedMs === null ? '' : `, the oldest for ${Math.ceil(stats.oldestQueuedMs / 1000)} s`;
  return [
    `- ${stats.queued} queued${oldest}, ${stats.running} running on ${stats.workers} workers, ${stats.waiting} waiting`,
    `- last hour ${stats.endedLastHour} ended, ${stats.failedLastHour} failed, ${stats.takeoversLastHour} taken over`,
  ].join('\n');
}

function money(cost: { microUsd: number; known: boolean }): string {
  const dollars = `$${(cost.microUsd / 1_000_000).toFixed(4)}`;
  if (cost.known) return dollars;
  return cost.microUsd > 0 ? `at least ${dollars}` : 'cost unknown';
}

/** A fence longer than any inside. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map((match) => match[0].length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}json\n${text}\n${fence}`;
}
