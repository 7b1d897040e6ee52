/** The SQL of proposed standards and their answers. */
import type { OrgId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import type { ProposalState, ProposalView } from './contract.ts';

type Row = Omit<ProposalView, 'path' | 'proposedBy' | 'answer'> & {
  actor: string;
  actorName: string;
  answeredBy: string | null;
  answeredName: string | null;
  answeredAtMs: number | null;
  answerText: string | null;
  edited: boolean;
};

const COLUMNS = `s.id, (select code from project p where p.org_id = s.org_id and p.id = s.project_id) as project, s.domain, s.topic, s.tags, s.content,
  s.hash, s.why, s.state, s.actor_id as actor, s.actor_name as "actorName", s.at as "proposedAtMs", s.answered_by as "answeredBy",
  s.answered_name as "answeredName", s.answered_at as "answeredAtMs", s.answer_text as "answerText", s.edited, s.approval_id as approval,
  s.standard_id as standard`;

function viewOf({ actor, actorName, answeredBy, answeredName, answeredAtMs, answerText, edited, ...row }: Row): ProposalView {
  const answer =
    answeredBy === null ? null : { by: { actor: answeredBy, name: answeredName ?? '' }, atMs: answeredAtMs ?? 0, text: answerText ?? '', edited };
  return { ...row, path: `${row.domain}/${row.topic}.md`, proposedBy: { actor, name: actorName }, answer };
}

export type NewProposal = {
  id: string;
  project: string | null;
  domain: string;
  topic: string;
  tags: readonly string[];
  content: string;
  hash: string;
  why: string;
  actor: string;
  actorName: string;
  key: string;
};

export async function insertProposal(tx: Tx, org: OrgId, proposal: NewProposal): Promise<void> {
  await tx.query(
    `insert into standard_proposal (org_id, id, project_id, domain, topic, tags, content, hash, why, actor_id, actor_name, key)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      ...[org, proposal.id, proposal.project, proposal.domain, proposal.topic, proposal.tags, proposal.content, proposal.hash, proposal.why],
      ...[proposal.actor, proposal.actorName, proposal.key],
    ],
  );
}

export async function findProposal(tx: Tx, org: OrgId, id: string): Promise<ProposalView | null> {
  const [row] = await tx.query<Row>(`select ${COLUMNS} from standard_proposal s where s.org_id = $1 and s.id = $2`, [org, id]);
  return row === undefined ? null : viewOf(row);
}

/** The same text that already waits for an answer, so that proposing it twice asks once. */
export async function findOpenProposal(
  tx: Tx,
  org: OrgId,
  { hash, project }: { hash: string; project: string | null },
): Promise<ProposalView | null> {
  const [row] = await tx.query<Row>(
    `select ${COLUMNS} from standard_proposal s where s.org_id = $1 and s.hash = $2 and s.project_id is not distinct from $3 and s.state = 'open' limit 1`,
    [org, hash, project],
  );
  return row === undefined ? null : viewOf(row);
}

/** The newest proposal for a place, whatever became of it. */
export async function findProposalAt(
  tx: Tx,
  org: OrgId,
  at: { project: string | null; domain: string; topic: string },
): Promise<Pick<ProposalView, 'id' | 'state'> | null> {
  const [row] = await tx.query<Pick<ProposalView, 'id' | 'state'>>(
    `select s.id, s.state from standard_proposal s
     where s.org_id = $1 and s.project_id is not distinct from $2 and s.domain = $3 and s.topic = $4 order by s.id desc limit 1`,
    [org, at.project, at.domain, at.topic],
  );
  return row ?? null;
}

/** Reviews that end at once propose one after the other, each seeing what the one before did. */
export async function lockForReviews(tx: Tx, org: OrgId): Promise<void> {
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`standards proposed in reviews of ${org}`]);
}

/** Held against a second answer until the end of the transaction; with the ids that views do not show. */
export type LockedProposal = ProposalView & { projectId: string | null; key: string };

export async function lockProposal(tx: Tx, org: OrgId, by: { id: string } | { approval: string }): Promise<LockedProposal | null> {
  const [row] = await tx.query<Row & { projectId: string | null; key: string }>(
    `select ${COLUMNS}, s.project_id as "projectId", s.key from standard_proposal s
      where s.org_id = $1 and ($2::text is null or s.id = $2) and ($3::text is null or s.approval_id = $3) for update`,
    [org, 'id' in by ? by.id : null, 'approval' in by ? by.approval : null],
  );
  return row === undefined ? null : { ...viewOf(row), projectId: row.projectId, key: row.key };
}

export type StoredAnswer = {
  id: string;
  state: 'approved' | 'refused';
  content: string;
  hash: string;
  edited: boolean;
  text: string;
  actor: string;
  name: string;
  approval: string | null;
};

export async function answerProposal(tx: Tx, org: OrgId, answer: StoredAnswer): Promise<void> {
  await tx.query(
    `update standard_proposal set state = $3, content = $4, hash = $5, edited = $6, answer_text = $7, answered_by = $8, answered_name = $9,
       approval_id = $10, answered_at = clock_now() where org_id = $1 and id = $2`,
    [...[org, answer.id, answer.state, answer.content, answer.hash, answer.edited, answer.text, answer.actor, answer.name], ...[answer.approval]],
  );
}

export async function markWritten(tx: Tx, org: OrgId, written: { id: string; standard: string }): Promise<void> {
  await tx.query(`update standard_proposal set state = 'written', standard_id = $3 where org_id = $1 and id = $2`, [
    org,
    written.id,
    written.standard,
  ]);
}

export type ProposalPage = { state: ProposalState | null; before: string | null; limit: number };

export async function listProposals(tx: Tx, org: OrgId, page: ProposalPage): Promise<{ rows: ProposalView[]; total: number }> {
  const where = 's.org_id = $1 and ($2::text is null or s.state = $2)';
  const rows = tx.query<Row>(
    `select ${COLUMNS} from standard_proposal s where ${where} and ($3::text is null or s.id < $3) order by s.id desc limit $4`,
    [org, page.state, page.before, page.limit],
  );
  const [count] = await tx.query<{ total: number }>(`select count(*) as total from standard_proposal s where ${where}`, [org, page.state]);
  return { rows: (await rows).map(viewOf), total: count?.total ?? 0 };
}
