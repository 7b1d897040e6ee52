/**
 * The tools that reviewers have beside git and files: `review_scan` over their own input, `document_search` over the stored documents.
 * Both only read. Standards come through a port, so that who keeps them can change.
 */
import { z } from 'zod';
import type { Entry } from '../../kernel/events.ts';
import type { OrgId, ProjectId, RunId } from '../../kernel/ids.ts';
import type { Tool, ToolContext, ToolOutcome } from '../../runtime/tools/tool.ts';
import { readMaterial } from './material.ts';
import type { Scan } from './scan.ts';
import { scanFiles } from './scan.ts';

export type Passage = { path: string; line: number; text: string };
export type SearchPort = (place: { org: OrgId; project: ProjectId | null }, query: string, limit: number) => Promise<Passage[]>;
export type ReviewToolsDeps = {
  /** The first entry of a run's journal. */
  readEntries: (org: OrgId, run: RunId, range: { afterSeq: number; limit: number }) => Promise<Entry[]>;
  personaOf: (agent: string) => string;
  documents: SearchPort;
  /** Null as long as nobody keeps standards: then the tool is not there. */
  standards: SearchPort | null;
};

/** Names of the tools that every reviewer has. */
export function reviewerTools(standards: boolean): string[] {
  const files = ['git_log', 'git_diff', 'git_show', 'git_blame', 'git_status', 'file_read', 'file_list', 'file_search'];
  return ['review_scan', ...files, 'document_search', ...(standards ? ['standards_search'] : [])];
}

const PASSAGES = 20;

export function createReviewTools(deps: ReviewToolsDeps): Tool[] {
  return [
    readTool({
      name: 'review_scan',
      description: 'Suspicious lines of what you were given to review, by fixed rules: candidates to judge in their context, not verdicts.',
      input: z.strictObject({}),
      run: (_args, context) => scan(deps, context),
    }),
    searchTool('document_search', 'Passages of the documents kept for this project that hold these words.', deps.documents),
    ...(deps.standards === null
      ? []
      : [searchTool('standards_search', 'Passages of written standards that concern this: rules that a change must keep.', deps.standards)]),
  ];
}

async function scan(deps: ReviewToolsDeps, { org, run, agent }: ToolContext): Promise<ToolOutcome> {
  const [first] = await deps.readEntries(org, run, { afterSeq: 0, limit: 1 });
  const input = first?.event?.type === 'run.queued' ? first.event.input : null;
  const files = typeof input === 'string' ? readMaterial(input) : [];
  if (files.length === 0) return { ok: false, class: 'invalid_input', message: 'This run was given no files or changes to review.' };
  const found = scanFiles(files, deps.personaOf(agent));
  return { ok: true, text: scanText(found), structured: { ...found, summary: scanSummary(found), specialists: [] } };
}

function scanSummary({ findings, more, lines, files }: Scan): string {
  const beyond = more.reduce((sum, { count }) => sum + count, 0);
  const what = `${lines} line${lines === 1 ? '' : 's'} in ${files} file${files === 1 ? '' : 's'}`;
  if (findings.length === 0) return `Fixed rules over ${what} found nothing; what no rule knows was not looked for.`;
  const worst = findings
    .slice(0, 3)
    .map((finding) => `${finding.file}${finding.line === null ? '' : `:${finding.line}`} (${finding.rule ?? 'no rule'})`);
  return `Fixed rules over ${what} found ${findings.length}${beyond > 0 ? ` and ${beyond} more of the same kinds` : ''}. Worst first: ${worst.join(', ')}.`;
}

function scanText(found: Scan): string {
  const rows = found.findings.map((each) => `${each.file}:${each.line ?? 0} ${each.severity} ${each.rule ?? ''}: ${each.evidence}`);
  const more = found.more.map(({ rule, count }) => `[${count} more of ${rule}]`);
  return [scanSummary(found), ...rows, ...more].join('\n');
}

function searchTool(name: string, description: string, search: SearchPort): Tool {
  return readTool({
    name,
    description,
    input: z.strictObject({ query: z.string().min(1).max(300), limit: z.int().min(1).max(PASSAGES).default(8) }),
    async run({ query, limit }, { org, project }) {
      const passages = await search({ org, project }, query, limit);
      const text = passages.map((each) => `${each.path}:${each.line}: ${each.text}`).join('\n');
      return { ok: true, text: passages.length === 0 ? 'Nothing matches.' : text, structured: { matches: passages } };
    },
  });
}

type Reading<S extends z.ZodType> = {
  name: string;
  description: string;
  input: S;
  run: (args: z.infer<S>, context: ToolContext) => Promise<ToolOutcome>;
};

function readTool<S extends z.ZodType>({ name, description, input, run }: Reading<S>): Tool {
  const { $schema: _dialect, ...inputSchema } = z.toJSONSchema(input, { io: 'input' });
  return {
    spec: {
      ...{ name, description, inputSchema: inputSchema as Tool['spec']['inputSchema'], kind: 'call', sideEffect: 'read', taints: ['private'] },
      ...{ recovery: 'none', timeoutMs: 30_000, settleMs: 0, shownChars: 30_000, realm: '', source: 'builtin' },
    },
    call: async (args, context) => run(input.parse(args), context),
  };
}
