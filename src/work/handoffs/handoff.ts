/** Handoffs, pure: sealing the payload, its Markdown copy, a draft from what happened. */
import { canonicalJson, sha256Hex } from '../../kernel/canonical-json.ts';
import { AppError } from '../../kernel/errors.ts';
import type { SessionView } from '../sessions/contract.ts';
import type { HandoffParts, HandoffPayload, Proposal } from './contract.ts';
import { HANDOFF_LIMITS } from './contract.ts';

export type Sealed = { text: string; sha256: string; bytes: number };

/**
 * Canonical JSON (RFC 8785) with its digest and size in bytes (spec HND-1).
 * @throws AppError `invalid_input` for what is no JSON, `too_large` beyond 800 KB
 */
export function sealPayload(payload: HandoffPayload): Sealed {
  let text: string;
  try {
    text = canonicalJson(payload);
  } catch (error) {
    // numbers that are none and functions come only from a caller in this process
    throw new AppError('invalid_input', 'The handoff holds something that is no JSON.', { cause: error });
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > HANDOFF_LIMITS.payloadBytes) {
    throw new AppError('too_large', `The handoff has ${bytes} bytes, ${HANDOFF_LIMITS.payloadBytes} at most.`, {
      next: 'Keep what is long in the repository or a document, and name it.',
    });
  }
  return { text, sha256: sha256Hex(text), bytes };
}

const SECTIONS = [
  ['accomplished', 'Accomplished'],
  ['inProgress', 'In progress'],
  ['blocked', 'Blocked'],
  ['next', 'Next'],
  ['decisions', 'Decisions'],
] as const satisfies readonly (readonly [keyof HandoffParts, string])[];

/** The copy for the repository. The words stay as they are; their lines cannot become headings of ours. */
export function renderMarkdown(payload: HandoffPayload, kept: { id: string; sha256: string; createdAtMs: number }): string {
  const { from } = payload;
  const at = from.branch === null ? (from.commit ?? 'an unknown commit') : `${from.branch}${from.commit === null ? '' : ` at ${from.commit}`}`;
  const facts = [
    `- Status: ${payload.status.replace('_', ' ')}, priority ${payload.priority}`,
    `- From: ${from.agent} on ${from.machine} in ${from.project}, ${at}`,
    ...(payload.to === from.project ? [] : [`- To: ${payload.to}`]),
    ...(payload.issue === undefined ? [] : [`- Issue: ${payload.issue}`]),
    ...(payload.confirmed === true ? ['- Confirmed by a person'] : []),
    `- Written: ${new Date(kept.createdAtMs).toISOString()}`,
    `- Payload: SHA-256 ${kept.sha256}`,
  ];
  const sections = SECTIONS.flatMap(([part, title]) =>
    payload[part].length === 0 ? [] : ['', `## ${title}`, '', ...payload[part].map((item) => `- ${indented(item, '  ')}`)],
  );
  const details = payload.details === undefined ? [] : ['', '## Details', '', indented(`    ${JSON.stringify(payload.details, null, 2)}`, '    ')];
  return [`# Handoff ${kept.id}`, '', ...facts, '', `> ${indented(payload.summary, '> ')}`, ...sections, ...details, ''].join('\n');
}

function indented(text: string, indent: string): string {
  return text.replaceAll(/\r\n?|\n/g, `\n${indent}`);
}

export function fileNameOf(kept: { id: string; createdAtMs: number }): string {
  return `${new Date(kept.createdAtMs).toISOString().slice(0, 10)}-${kept.id}.md`;
}

/** A draft from what happened; says nothing that did not, and leaves next steps and decisions to who confirms it. */
export function draftOf(session: SessionView, happened: Pick<Proposal, 'commits' | 'pulls' | 'runs' | 'notes'>): HandoffParts {
  const commits = happened.commits.items.map(({ id, subject }) => `${subject} (${id.slice(0, 12)})`);
  const ended = happened.runs.items.filter(({ status }) => status === 'succeeded').map(runLine);
  const failed = happened.runs.items.filter(({ status }) => ['failed', 'halted', 'limited'].includes(status)).map(runLine);
  const going = happened.runs.items.filter(({ status }) => ['queued', 'running', 'waiting'].includes(status)).map(runLine);
  const counts = [counted(happened.commits, 'commit'), counted(happened.runs, 'run')].join(', ');
  const pulls = (of: readonly string[]): string[] =>
    happened.pulls.items.filter(({ state }) => of.includes(state)).map(({ number, title, state }) => `Pull request #${number}, ${state}: ${title}`);
  const notes = happened.notes.items.map(({ id, title }) => `Note kept: ${title} (${id})`);
  const on = session.workingOn === '' ? '' : ` Worked on: ${session.workingOn}.`;
  return {
    status: failed.length > 0 ? 'blocked' : 'in_progress',
    summary: `${session.agent} on ${session.machine}${session.branch === null ? '' : `, branch ${session.branch}`}: ${counts}.${on}`.slice(
      0,
      HANDOFF_LIMITS.summaryChars,
    ),
    accomplished: [...commits, ...pulls(['merged']), ...ended, ...notes].map(bounded),
    inProgress: [...pulls(['open']), ...going].map(bounded),
    blocked: failed.map(bounded),
    next: [],
    decisions: [],
    priority: 'normal',
    ...(session.issue === null ? {} : { issue: session.issue }),
  };
}

function counted({ total, fault }: Proposal['commits' | 'runs'], word: string): string {
  if (total.kind === 'unknown' || fault !== null) return `${word}s unknown`;
  return `${total.kind === 'at_least' ? 'at least ' : ''}${total.value} ${word}${total.value === 1 ? '' : 's'}`;
}

function runLine(run: Proposal['runs']['items'][number]): string {
  return `Run ${run.id} of ${run.agent}: ${run.status}${run.reason === '' ? '' : `, ${run.reason}`}`;
}

function bounded(text: string): string {
  return text.slice(0, HANDOFF_LIMITS.itemChars);
}
