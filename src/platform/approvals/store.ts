/** All SQL of approvals. The question is the worker's and never changes; the answer is written once. */
import { canonicalJson } from '../../kernel/canonical-json.ts';
import type { JsonObject } from '../../kernel/canonical-json.ts';
import { isoTime } from '../../kernel/clock.ts';
import type { By, EventOf } from '../../kernel/events.ts';
import type { AgentId, OrgId, RunId } from '../../kernel/ids.ts';
import { storedId } from '../../kernel/ids.ts';
import type { Database, Sql, Tx } from '../../storage/database.ts';
import type { Answer, ApprovalState } from './approval.ts';
import type { ApprovalView } from './contract.ts';

export type ApprovalRow = ApprovalView & { runId: RunId; root: RunId; callId: string; afterSeq: number };

export type NewApproval = {
  org: OrgId;
  run: RunId;
  root: RunId;
  agent: AgentId;
  agentName: string;
  afterSeq: number;
  asked: EventOf<'approval.asked'>;
};

type Row = {
  id: string;
  run_id: string;
  root_id: string;
  agent_name: string;
  after_seq: number;
  call_id: string;
  kind: ApprovalView['kind'];
  tool: string;
  args: string;
  hash: string;
  question: string;
  choices: string[];
  reason: string;
  rules: string[];
  asked_at: number;
  deadline_at: number;
  on_expiry: 'deny' | 'halt';
  shown_state: ApprovalState;
  answer: Answer['answer'] | null;
  answer_args: string | null;
  answer_text: string | null;
  answered_by: string | null;
  answered_name: string | null;
  answered_key: string | null;
  answered_at: number | null;
};

/** A question past its deadline is expired whether or not the sweep has come by. */
const STATE = `case when state = 'open' and deadline_at <= clock_now() then 'expired' else state end`;
const COLUMNS = `id, run_id, root_id, agent_name, after_seq, call_id, kind, tool, args, hash, question, choices, reason, rules, asked_at, deadline_at,
  on_expiry, ${STATE} as shown_state, answer, answer_args, answer_text, answered_by, answered_name, answered_key, answered_at`;

export async function insertApproval(tx: Tx, row: NewApproval): Promise<void> {
  const { asked } = row;
  await tx.query(
    `insert into approval (org_id, id, run_id, root_id, agent_id, agent_name, after_seq, call_id, kind, tool, args, hash, question, choices, reason,
       rules, deadline_at, on_expiry)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
    [
      row.org,
      asked.approvalId,
      row.run,
      row.root,
      row.agent,
      row.agentName,
      row.afterSeq,
      asked.callId,
      asked.kind,
      asked.tool,
      canonicalJson(asked.args),
      asked.hash,
      storable(asked.question),
      asked.choices.map(storable),
      storable(asked.decision.reason),
      asked.decision.rules,
      isoTime(asked.deadlineMs),
      asked.onExpiry,
    ],
  );
}

export async function getApproval(tx: Sql, org: OrgId, id: string): Promise<ApprovalRow | null> {
  const [row] = await tx.query<Row>(`select ${COLUMNS} from approval where org_id = $1 and id = $2`, [org, id]);
  return row === undefined ? null : rowOf(row);
}

/** Held until the end of the transaction: of two answers at once one waits and finds the other. */
export async function lockApproval(tx: Sql, org: OrgId, id: string): Promise<ApprovalRow | null> {
  const [row] = await tx.query<Row>(`select ${COLUMNS} from approval where org_id = $1 and id = $2 for no key update`, [org, id]);
  return row === undefined ? null : rowOf(row);
}

/** Oldest first: ids sort by time. */
export async function listApprovals(
  tx: Sql,
  org: OrgId,
  page: { state: ApprovalState; run: string | null; after: string | null; limit: number },
): Promise<{ rows: ApprovalRow[]; total: number }> {
  const filter = `org_id = $1 and ${STATE} = $2 and ($3::text is null or run_id = $3)`;
  const rows = tx.query<Row>(`select ${COLUMNS} from approval where ${filter} and ($4::text is null or id > $4) order by id limit $5`, [
    org,
    page.state,
    page.run,
    page.after,
    page.limit,
  ]);
  const [count] = await tx.query<{ total: number }>(`select count(*) as total from approval where ${filter}`, [org, page.state, page.run]);
  return { rows: (await rows).map(rowOf), total: count?.total ?? 0 };
}

export async function writeAnswer(tx: Sql, org: OrgId, given: Answer & { id: string; by: By }): Promise<void> {
  await tx.query(
    `update approval set state = 'answered', answer = $3, answer_args = $4, answer_text = $5, answered_by = $6, answered_name = $7, answered_key = $8,
       answered_at = clock_now()
      where org_id = $1 and id = $2 and state = 'open'`,
    [
      org,
      given.id,
      given.answer,
      given.args === undefined ? null : canonicalJson(given.args),
      storable(given.text),
      given.by.actor,
      given.by.name,
      given.by.key ?? null,
    ],
  );
}

/** True when it was open and its time is over. */
export async function markExpired(tx: Sql, org: OrgId, id: string): Promise<boolean> {
  const rows = await tx.query(
    "update approval set state = 'expired' where org_id = $1 and id = $2 and state = 'open' and deadline_at <= clock_now() returning 1",
    [org, id],
  );
  return rows.length > 0;
}

export async function markWithdrawn(tx: Sql, org: OrgId, id: string): Promise<void> {
  await tx.query("update approval set state = 'withdrawn' where org_id = $1 and id = $2 and state = 'open'", [org, id]);
}

/**
 * Open questions of an ended run. One that is being answered just now is left to who answers it: waiting for that would be
 * waiting in the wrong order.
 */
export async function withdrawOfRun(tx: Sql, org: OrgId, run: RunId): Promise<void> {
  await tx.query(
    `update approval set state = 'withdrawn' where org_id = $1 and id = any (array(
       select id from approval where org_id = $1 and run_id = $2 and state = 'open' for no key update skip locked))`,
    [org, run],
  );
}

/** Across organizations, the longest overdue first. */
export async function findOverdue(db: Database, limit: number): Promise<{ org: OrgId; id: string }[]> {
  const rows = await db.asWorker((tx) =>
    tx.query<{ org_id: string; id: string }>(
      "select org_id, id from approval where state = 'open' and deadline_at <= clock_now() order by deadline_at limit $1",
      [limit],
    ),
  );
  return rows.map((row) => ({ org: storedId('org', row.org_id), id: row.id }));
}

/** Text columns take neither NUL nor lone surrogates; the journal has the words as they were. */
function storable(text: string): string {
  return text.replaceAll('\0', '\u{FFFD}').toWellFormed();
}

function rowOf(row: Row): ApprovalRow {
  const by = { actor: row.answered_by ?? '', name: row.answered_name ?? '', ...(row.answered_key === null ? {} : { key: row.answered_key }) };
  const args = row.answer_args === null ? {} : { args: objectOf(row.answer_args) };
  return {
    id: row.id,
    run: row.run_id,
    runId: storedId('run', row.run_id),
    root: storedId('run', row.root_id),
    agent: row.agent_name,
    afterSeq: row.after_seq,
    callId: row.call_id,
    kind: row.kind,
    tool: row.tool,
    args: objectOf(row.args),
    question: row.question,
    choices: row.choices,
    reason: row.reason,
    rules: row.rules,
    hash: row.hash,
    state: row.shown_state,
    askedAtMs: row.asked_at,
    deadlineMs: row.deadline_at,
    onExpiry: row.on_expiry,
    answer: row.answer === null ? null : { answer: row.answer, text: row.answer_text ?? '', ...args, by, atMs: row.answered_at ?? 0 },
  };
}

function objectOf(text: string): ApprovalView['args'] {
  return JSON.parse(text) as ApprovalView['args'] & JsonObject;
}
