/** The audit log for people: who changed what of the organization, and whether the record is whole. Reads only; who changes writes it. */
import { AppError } from '../../kernel/errors.ts';
import type { OrgId } from '../../kernel/ids.ts';
import type { Handlers } from '../../kernel/operation.ts';
import { decodeCursor, encodeCursor } from '../../kernel/page.ts';
import type { Database } from '../../storage/database.ts';
import type { Principal } from '../identity/principal.ts';
import type { AuditEntry, auditOperations } from './contract.ts';
import type { AuditRow } from './store.ts';
import { selectAudit } from './store.ts';

export type AuditDeps = {
  db: Database;
  /** Walks a stream's chain. */
  verify: (org: OrgId, stream: string) => Promise<{ ok: boolean; entries: number; firstBad: number | null; why: string }>;
};

/** Beyond this a total is not worth the time it takes and reads "at least". */
const COUNT_MAX = 10_000;

export function auditHandlers({ db, verify }: AuditDeps): Handlers<Principal, typeof auditOperations> {
  return {
    async list({ principal: { org } }, { kind = null, actor = null, limit, cursor }) {
      const asked = { filter: { kind, actor }, before: beforeOf(cursor), limit: limit + 1, countMax: COUNT_MAX };
      const { rows, total } = await db.asOrg(org, (tx) => selectAudit(tx, org, asked));
      const items = rows.slice(0, limit).map(entryOf);
      const last = items.at(-1);
      return {
        items,
        shown: items.length,
        total: total > COUNT_MAX ? { kind: 'at_least', value: COUNT_MAX } : { kind: 'exact', value: total },
        next: rows.length > limit && last !== undefined ? encodeCursor([last.seq]) : null,
      };
    },
    verify: ({ principal: { org } }) => verify(org, org),
  };
}

type Written = { subject: string; by: { actor: string; name: string }; detail: NonNullable<AuditEntry['detail']> };

function entryOf({ payload, actor, ...row }: AuditRow): AuditEntry {
  if (payload === null) return { ...row, subject: null, by: { actor, name: actor }, detail: null };
  const { subject, by, detail } = JSON.parse(payload) as Written;
  return { ...row, subject, by: { actor: by.actor, name: by.name }, detail };
}

/** @throws AppError `invalid_input` */
function beforeOf(cursor: string | undefined): number {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER;
  const [seq] = decodeCursor(cursor) ?? [];
  if (typeof seq === 'number' && Number.isSafeInteger(seq)) return seq;
  throw new AppError('invalid_input', 'The cursor is not one of the audit log.', { next: 'Take `next` of the page before, or leave it out.' });
}
