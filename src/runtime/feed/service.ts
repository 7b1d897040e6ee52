/**
 * The feed of changes, by cursor and as it grows. The cursor is the truth and a wake-up only a hint: administrative events send none, so
 * the journal is looked at again after a while.
 */
import type { Clock } from '../../kernel/clock.ts';
import type { OrgId } from '../../kernel/ids.ts';
import type { Handlers } from '../../kernel/operation.ts';
import { allows } from '../../platform/identity/permissions.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Database } from '../../storage/database.ts';
import type { FeedItem, feedOperations } from './contract.ts';
import { headPosition, itemsAfter } from './store.ts';

export type FeedDeps = {
  db: Database;
  clock: Clock;
  /** Calls `on` when any run of the organization may have news; returns what ends the listening. */
  onAnyNews: (org: OrgId, on: () => void) => () => void;
};

export type FeedFrame = { kind: 'items'; items: FeedItem[]; position: number } | { kind: 'idle' };
export type FeedRequest = { principal: Principal; after: number | null; signal: AbortSignal };
export type Feed = {
  handlers: Handlers<Principal, typeof feedOperations>;
  /** The first frame says where it begins. */
  follow: (request: FeedRequest) => AsyncIterable<FeedFrame>;
};

const BATCH = 500;
const LOOK_AGAIN_MS = 1_000;
/** News that come together are read together. */
const GATHER_MS = 100;
/** A frame at least this often, so that a proxy or a reader sees that the stream lives. */
const IDLE_MS = 15_000;

export function createFeed({ db, clock, onAnyNews }: FeedDeps): Feed {
  const read = async (principal: Principal, after: number | null, limit: number) => {
    const from = after ?? (await headPosition(db, principal.org));
    const found = after === null ? [] : await itemsAfter(db, principal.org, { after: from, limit });
    return { items: found.filter((item) => maySee(principal, item)), position: found.at(-1)?.position ?? from, more: found.length === limit };
  };
  return {
    handlers: { read: ({ principal }, { after, limit }) => read(principal, after ?? null, limit) },
    async *follow({ principal, after, signal }) {
      const news = { at: new AbortController() };
      const stop = onAnyNews(principal.org, () => news.at.abort());
      try {
        let { position } = await read(principal, after, 1);
        position = after ?? position;
        yield { kind: 'items', items: [], position };
        let quietMs = 0;
        while (!signal.aborted) {
          news.at = new AbortController();
          const found = await read(principal, position, BATCH);
          position = found.position;
          if (found.items.length > 0) yield { kind: 'items', items: found.items, position };
          if (found.more) continue;
          quietMs = found.items.length > 0 ? 0 : quietMs + LOOK_AGAIN_MS;
          if (quietMs >= IDLE_MS) {
            quietMs = 0;
            yield { kind: 'idle' };
          }
          await clock.sleep(LOOK_AGAIN_MS, AbortSignal.any([signal, news.at.signal]));
          if (news.at.signal.aborted) await clock.sleep(GATHER_MS, signal);
        }
      } finally {
        stop();
      }
    },
  };
}

/** What was done to keys and the like is for who may read the audit; that an agent changed is for everybody who may see agents. */
function maySee(principal: Principal, item: FeedItem): boolean {
  return item.kind !== 'org' || item.type.startsWith('agent.') || allows(principal, 'audit.read');
}
