/**
 * Administrative events: what people and programs change of an organization itself (keys, agents, policy), as opposed to
 * what runs do. They go into the organization's own stream of the journal, in the transaction of the change.
 */
import type { Json } from '../../kernel/canonical-json.ts';
import type { By } from '../../kernel/events.ts';
import type { OrgId, RandomBytes } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import { appendToStream } from '../../storage/journal-store.ts';

/** `type` as in `key.created`; `subject` is the id of what was changed. */
export type AdminEvent = {
  readonly type: `${string}.${string}`;
  readonly subject: string;
  readonly by: By;
  readonly detail: { readonly [name: string]: Json };
};

/** Port: appends one event to the administration stream, as part of `tx`. */
export type RecordAdmin = (tx: Tx, org: OrgId, event: AdminEvent) => Promise<void>;

const ADMIN_EVENT_VERSION = 1;

/** The journal's way to record one: the stream of the organization has its id. */
export function createRecordAdmin(deps: { randomBytes: RandomBytes }): RecordAdmin {
  return async (tx, org, event) => {
    const stream = { org, id: org, kind: 'org', actor: event.by.actor, version: ADMIN_EVENT_VERSION } as const;
    await appendToStream(tx, stream, { drafts: [{ payload: event, effectId: null }], randomBytes: deps.randomBytes });
  };
}
