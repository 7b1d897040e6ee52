/** Use cases of findings (spec REV-2): a person makes an issue of one, or dismisses it; whether it is resolved the next review sees. */
import { AppError } from '../../kernel/errors.ts';
import type { OrgId, ProjectId } from '../../kernel/ids.ts';
import { isId, storedId } from '../../kernel/ids.ts';
import type { Handlers } from '../../kernel/operation.ts';
import { encodeCursor } from '../../kernel/page.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Database } from '../../storage/database.ts';
import type { FindingView, findingOperations } from './contract.ts';
import * as store from './finding-store.ts';
import { findingMarkdown } from './report.ts';
import { beforeOf, countOf, findingView } from './views.ts';

export type Issue = { title: string; body: string; tags: readonly string[] };
export type FindingsDeps = {
  db: Database;
  /** Opens an issue in the project's tracker and answers its address; null when it has none here. @throws AppError when the tracker refuses */
  openIssue: (org: OrgId, project: ProjectId | null, issue: Issue) => Promise<string | null>;
};

export function createFindings({ db, openIssue }: FindingsDeps): { handlers: Handlers<Principal, typeof findingOperations> } {
  const existing = async (org: OrgId, id: string): Promise<store.FindingRow> => {
    const row = isId('fnd', id) ? await db.asOrg(org, (tx) => store.findFinding(tx, org, id)) : null;
    if (row === null)
      throw new AppError('not_found', `There is no finding ${id.slice(0, 60)}.`, { next: '`windlass review findings` shows what there is.' });
    return row;
  };
  const move = (org: OrgId, change: Parameters<typeof store.moveFinding>[2]): Promise<boolean> =>
    db.asOrg(org, (tx) => store.moveFinding(tx, org, change));
  const refuse = (row: store.FindingRow): AppError =>
    new AppError('conflict', `Finding ${row.id} is ${row.state} already.`, { next: 'Look at it again: windlass review findings' });

  return {
    handlers: {
      list: async ({ principal: { org } }, { state, source, limit, cursor }) => {
        const page = { state: state ?? null, source: source ?? null, before: beforeOf(cursor), limit: limit + 1 };
        const { rows, total } = await db.asOrg(org, (tx) => store.listFindings(tx, org, page));
        const items = rows.slice(0, limit);
        const next = rows.length > limit ? encodeCursor([items.at(-1)?.number ?? 0]) : null;
        return { items: items.map(findingView), shown: items.length, total: countOf(total), next };
      },
      approve: async ({ principal: { org, name, kind } }, { id, tags }) => {
        refuseAgents(kind);
        const row = await existing(org, id);
        if (row.state === 'issue') return findingView(row);
        const approved = { id, by: name, reason: `Approved by ${name}.` };
        // whoever moves it opens the issue: two at once make one
        if (!(await move(org, { ...approved, from: ['open'], to: 'issue' }))) throw refuse(await existing(org, id));
        try {
          const url = await openIssue(org, row.project === null ? null : storedId('prj', row.project), issueOf(findingView(row), tags));
          if (url !== null) await db.asOrg(org, (tx) => store.setIssue(tx, org, { id, issue: url }));
        } catch (error) {
          // nothing was made, so the finding is open again and can be approved again
          await move(org, { id, by: name, reason: 'The tracker refused the issue.', from: ['issue'], to: 'open' });
          throw error;
        }
        return findingView(await existing(org, id));
      },
      dismiss: async ({ principal: { org, name, kind } }, { id, reason }) => {
        refuseAgents(kind);
        await existing(org, id);
        if (!(await move(org, { id, from: ['open', 'issue'], to: 'dismissed', reason, by: name }))) throw refuse(await existing(org, id));
        return findingView(await existing(org, id));
      },
    },
  };
}

function refuseAgents(kind: Principal['kind']): void {
  if (kind === 'agent')
    throw new AppError('denied', 'What becomes of a finding is decided by people, not by agents.', { next: "Use a person's key." });
}

const TITLE_CHARS = 120;

function issueOf(finding: FindingView, tags: readonly string[]): Issue {
  const first = finding.problem.split(/(?<=[.:])\s/)[0] ?? finding.problem;
  return {
    title: `${finding.file}: ${first}`.slice(0, TITLE_CHARS),
    body: `${findingMarkdown(finding)}\n\nFinding \`${finding.id}\` of \`${finding.source}\`. The next review of this file checks whether it is resolved.`,
    tags: [...new Set(['review', finding.dimension, `severity: ${finding.severity}`, ...tags])],
  };
}
