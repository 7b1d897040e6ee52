/** Reviews and panels as text: Markdown for people, JSON and SARIF for programs. Pure. */
import { canonicalJson, sha256Hex } from '../../kernel/canonical-json.ts';
import type { Format, JobDetail, PanelView } from './contract.ts';
import type { Finding } from './finding.ts';
import { sarifOf } from './sarif.ts';

export type Reported = ({ kind: 'job'; job: JobDetail } | { kind: 'panel'; panel: PanelView }) & { version: string };

export function writeReport(format: Format, reported: Reported): string {
  if (format === 'json') return JSON.stringify(reported.kind === 'job' ? reported.job : reported.panel, null, 2);
  if (format === 'sarif') return JSON.stringify(sarif(reported), null, 2);
  return reported.kind === 'job' ? jobMarkdown(reported.job) : panelMarkdown(reported.panel);
}

/** The same finding in the next review, wherever its line has moved to. */
export function fingerprintOf({ file, dimension, evidence }: Pick<Finding, 'file' | 'dimension' | 'evidence'>): string {
  return sha256Hex(canonicalJson([file, dimension, evidence.replaceAll(/\s+/g, '')]));
}

function sarif(reported: Reported): object {
  const shared = { version: reported.version, fingerprint: fingerprintOf };
  if (reported.kind === 'job') {
    const { findings, persona, model, rehearsed, ended, message, id } = reported.job;
    const failed = ended && reported.job.status === 'succeeded' ? [] : [persona];
    return sarifOf({ ...shared, findings, failed, properties: { review: id, persona, model, rehearsed, message } });
  }
  const { findings, coverage, card, rehearsed, id, dropped } = reported.panel;
  return sarifOf({
    ...shared,
    findings,
    failed: coverage.failed,
    properties: { panel: id, overall: card?.overall ?? null, dimensions: card?.dimensions ?? [], rehearsed, dropped },
  });
}

const REHEARSED = '*Rehearsed: found by fixed rules or recorded answers, no model judged it.*';

export function jobMarkdown(job: JobDetail): string {
  const { persona, title, model, status, findings, summary, message, specialists } = job;
  if (!job.ended) {
    const eta = job.etaMs === null ? 'longer than was thought' : `about ${Math.ceil(job.etaMs / 1000)} s to go`;
    return `# ${persona} on ${plain(title)}: ${status}\n\n\`${job.id}\` ${job.phase}, ${job.percent} %, ${eta}: ${message}.`;
  }
  return parts([
    `# ${persona} on ${plain(title)}`,
    job.rehearsed ? REHEARSED : `By ${model}.`,
    status === 'succeeded' ? plain(summary) : `**No answer** (${status}): ${plain(message)}`,
    job.leftOut,
    droppedText(job.dropped),
    ...findings.map((finding) => findingMarkdown(finding)),
    status === 'succeeded' && findings.length === 0 ? 'No findings.' : '',
    specialists.length === 0 ? '' : `Ask next: ${specialists.join(', ')}.`,
    ...(job.proposal === null ? [] : [proposalText(job.proposal)]),
    job.proposalRefused === null ? '' : `A standard that it proposed was not taken: ${plain(job.proposalRefused)}.`,
  ]);
}

export function panelMarkdown(panel: PanelView): string {
  const { coverage, card, findings } = panel;
  const gaps = panel.members.filter(({ failure }) => failure !== null).map(({ reviewer, failure }) => `- ${reviewer}: ${plain(failure ?? '')}`);
  const state = panel.ended
    ? card?.overall === null || card === null
      ? 'not graded'
      : `**${card.overall}** (${panel.trend ?? 'new'})`
    : `${panel.percent} %`;
  const grades = card?.dimensions.map(({ dimension, grade, findings: count, why }) => `| ${dimension} | ${grade ?? '-'} | ${count} | ${why} |`) ?? [];
  return parts([
    `# Review of ${plain(panel.title)}: ${state}`,
    panel.rehearsed ? REHEARSED : '',
    `${coverage.answered} of ${coverage.of} reviewers answered.${gaps.length === 0 ? '' : ` Without an answer:\n\n${gaps.join('\n')}`}`,
    panel.leftOut,
    grades.length === 0 || card?.overall === null
      ? ''
      : `| dimension | grade | findings | why |\n| --- | --- | --- | --- |\n${grades.join('\n')}\n\nBy thresholds of version ${card?.thresholds ?? 0}.`,
    droppedText(panel.dropped),
    panel.resolved.length === 0 ? '' : `Resolved since: ${panel.resolved.join(', ')}.`,
    ...findings.map((finding) => findingMarkdown(finding)),
    panel.ended && findings.length === 0 && coverage.answered > 0 ? 'No findings.' : '',
    ...panel.proposals.map(proposalText),
  ]);
}

function proposalText({ id, path }: NonNullable<JobDetail['proposal']>): string {
  return `Proposes the standard ${path}; a person reads and answers it: \`windlass standard show ${id}\`.`;
}

type Shown = Finding & { confidence?: number; votes?: readonly { reviewer: string }[]; marks?: readonly { dimension: string }[] };

export function findingMarkdown(finding: Shown): string {
  const { severity, dimension, rule, file, line, evidence, problem, fix, standard, confidence, votes, marks = [] } = finding;
  const sides = [dimension, ...marks.map((mark) => mark.dimension).filter((each) => each !== dimension)].join(' and ');
  const who = votes === undefined ? '' : `, said by ${votes.map(({ reviewer }) => reviewer).join(', ')} (${Math.round((confidence ?? 0) * 100)} %)`;
  return parts([
    `## ${severity}: ${file}${line === null ? '' : `:${line}`}`,
    plain(problem),
    fenced(evidence),
    fix === '' ? '' : `Do: ${plain(fix)}`,
    `${sides}${rule === null ? '' : `, ${rule}`}${standard === null ? '' : `, by ${standard}`}${who}`,
  ]);
}

function droppedText({ invalid, file, evidence }: JobDetail['dropped']): string {
  const kinds = [
    ...(evidence > 0 ? [`${evidence} quoted what is not in the source`] : []),
    ...(file > 0 ? [`${file} named files that were not seen`] : []),
    ...(invalid > 0 ? [`${invalid} had not the form of a finding`] : []),
  ];
  return kinds.length === 0 ? '' : `Thrown away: ${kinds.join(', ')}.`;
}

const parts = (texts: readonly string[]): string => texts.filter((text) => text !== '').join('\n\n');

/** A model's words stay text: no heading, image or fence of theirs. */
function plain(text: string): string {
  return text.replaceAll(/^(\s*)(#|>|```)/gm, '$1\\$2').replaceAll('![', '!\\[');
}

/** A fence longer than any inside. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map((match) => match[0].length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
}
