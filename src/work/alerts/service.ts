/** Use cases of alerts (spec CAD-2): raised and folded, resolved by the matching green event or by hand, given an owner. */
import { AppError } from '../../kernel/errors.ts';
import type { Ids, OrgId, ProjectId } from '../../kernel/ids.ts';
import type { Handlers } from '../../kernel/operation.ts';
import { decodeCursor, encodeCursor } from '../../kernel/page.ts';
import { getActor } from '../../platform/identity/store.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { Signal } from './alert.ts';
import type { AlertView, alertOperations } from './contract.ts';
import * as store from './store.ts';

export type AlertsDeps = {
  db: Database;
  ids: Ids;
  /** By id or code. @throws AppError `not_found` */
  project: (org: OrgId, wanted: string) => Promise<ProjectId | null>;
};

/** Where signals come from: `name` is what a green event is put down to, `owner` answers for alerts of security. */
export type SignalSource = { id: string; name: string; owner: string };
/** A signal with the project that its repository or sender names, null for none. */
export type Placed = { signal: Signal; project: string | null };
export type Taken = { raised: number; resolved: number; notes: string[] };

export type Alerts = {
  handlers: Handlers<Principal, typeof alertOperations>;
  /** Within `tx`: applies signals in their order. An event older than what is known of its alert changes nothing, and a note says so. */
  take(tx: Tx, org: OrgId, news: { source: SignalSource; placed: readonly Placed[] }): Promise<Taken>;
};

export function createAlerts({ db, ids, project }: AlertsDeps): Alerts {
  return {
    take: async (tx, org, { source, placed }) => {
      const taken: Taken = { raised: 0, resolved: 0, notes: [] };
      for (const each of placed) await takeOne(tx, org, { ...each, source, id: ids.next('alert'), taken });
      return taken;
    },
    handlers: {
      list: async ({ principal: { org } }, input) => {
        if (input.project !== undefined && input.scope === 'org')
          throw new AppError('invalid_input', 'A project and scope org exclude each other.', { next: 'Give one of them.' });
        const after = input.cursor === undefined ? null : placeOf(input.cursor);
        const filter = {
          project: input.project === undefined ? null : await project(org, input.project),
          orgOnly: input.scope === 'org',
          ...{ state: input.state, kind: input.kind ?? null, escalated: input.escalated ?? false },
        };
        const { rows, total } = await db.asOrg(org, (tx) => store.listAlerts(tx, org, { filter, after, limit: input.limit + 1 }));
        const page = rows.slice(0, input.limit);
        const last = rows.length > input.limit ? page.at(-1) : undefined;
        const next = last === undefined ? null : encodeCursor([last.rank, last.lastAtMs, last.id]);
        return { items: page.map(viewOf), shown: page.length, total: { kind: 'exact', value: total }, next };
      },
      assign: ({ principal }, { id, owner = principal.actor }) =>
        db.asOrg(principal.org, async (tx) => {
          await find(tx, principal.org, id);
          if ((await getActor(tx, principal.org, owner)) === null)
            throw new AppError('not_found', `There is no actor ${owner}.`, { next: 'GET /api/v1/actors lists them.' });
          await store.assign(tx, principal.org, { id, owner });
          return viewOf(await find(tx, principal.org, id));
        }),
      resolve: ({ principal }, { id, reason }) =>
        db.asOrg(principal.org, async (tx) => {
          const found = await find(tx, principal.org, id);
          if (found.kind === 'security' && principal.kind !== 'user')
            throw new AppError('denied', 'An alert of security is resolved by the event that mends it, or by a person.', {
              next: "Use a person's key, or assign it to somebody with `windlass alert assign`.",
            });
          await store.resolveAlert(tx, principal.org, { id, by: principal.name, reason });
          return viewOf(await find(tx, principal.org, id)); // one that was resolved before stays as it was
        }),
    },
  };
}

type One = Placed & { source: SignalSource; id: string; taken: Taken };

async function takeOne(tx: Tx, org: OrgId, { signal, project, source, id, taken }: One): Promise<void> {
  if (signal.tone === 'gone') {
    taken.resolved += await store.resolveBranch(tx, org, { ...signal, by: source.name });
    return;
  }
  const other = await store.noteSignal(tx, org, signal);
  if (signal.tone === 'green') {
    if (other !== null && other > signal.atMs) taken.notes.push('A later failure is known: this success is older.');
    else taken.resolved += await store.resolveKey(tx, org, { key: signal.key, by: source.name, reason: signal.reason });
    return;
  }
  if (other !== null && other >= signal.atMs) {
    taken.notes.push('A later success is known: this failure is over.');
    return;
  }
  await store.raise(tx, org, { id, source: source.id, project, owner: signal.kind === 'security' ? source.owner : null, signal });
  taken.raised += 1;
}

async function find(tx: Tx, org: OrgId, id: string): Promise<store.AlertRow> {
  const found = await store.findAlert(tx, org, id);
  if (found === null) throw new AppError('not_found', `There is no alert ${id}.`, { next: '`windlass alert list` shows what there is.' });
  return found;
}

function viewOf({ rank: _rank, ...view }: store.AlertRow): AlertView {
  return view;
}

function placeOf(cursor: string): { rank: number; lastAtMs: number; id: string } {
  const [rank, lastAtMs, id] = decodeCursor(cursor) ?? [];
  if (typeof rank === 'number' && Number.isInteger(rank) && Math.abs(rank) < 1_000 && typeof id === 'string')
    if (typeof lastAtMs === 'number' && Math.abs(lastAtMs) < 8e15) return { rank, lastAtMs, id };
  throw new AppError('invalid_input', 'This cursor is not one of ours.', { next: 'Use `next` of the page before, or none.' });
}
