/**
 * The start of a session: resume or create, in one transaction (spec SES-1). The unique index on the place of an active session
 * decides between many at once: one inserts, the others wait for its commit and find it.
 */
import { AppError } from '../../kernel/errors.ts';
import type { Ids, OrgId } from '../../kernel/ids.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Tx } from '../../storage/database.ts';
import type { StartInput, StartOutput } from './contract.ts';
import type { Place } from './session.ts';
import { decideStart } from './session.ts';
import type { SessionRow } from './store.ts';
import * as store from './store.ts';
import type { TransitionDeps } from './transitions.ts';
import { beat, change, close, metadataText, record } from './transitions.ts';

export type Started = { row: SessionRow; outcome: StartOutput['outcome']; closed: StartOutput['closed'] };
type Begin = { principal: Principal; place: Place; input: StartInput };

/** Each round means that a session of this place began and ended just now: more than a few do not happen. */
const ROUNDS_MAX = 5;

export async function resumeOrCreate(deps: TransitionDeps & { ids: Ids }, tx: Tx, begin: Begin): Promise<Started> {
  const { principal, place, input } = begin;
  const { org, actor } = principal;
  const closed: Started['closed'] = [];
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const found = await store.lockAtPlace(tx, org, { place, staleMs: deps.staleMs });
    const decision = decideStart(found);
    if (found !== null && decision === 'resume') {
      const target = { org, actor, row: found };
      await change(deps, tx, { ...target, changes: input });
      await beat(deps, tx, target);
      return { row: await read(deps, tx, { org, id: found.id }), outcome: 'resumed', closed };
    }
    if (found !== null) {
      await close(deps, tx, { org, actor, row: found, reason: 'stale', handoff: null });
      closed.push({ id: found.id, reason: 'stale' });
    }
    const id = await create(deps, tx, begin);
    if (id === null) continue;
    closed.push(...(await supersede(deps, tx, begin)));
    return { row: await read(deps, tx, { org, id }), outcome: 'created', closed };
  }
  throw new AppError('unavailable', 'Sessions of this place begin and end faster than one can be started.', { next: 'Try again.' });
}

async function create(deps: TransitionDeps & { ids: Ids }, tx: Tx, { principal, place, input }: Begin): Promise<string | null> {
  const id = deps.ids.next('sess');
  const [branch, commit, issue] = [input.branch ?? null, input.commit ?? null, input.issue ?? null];
  const { org, actor, name: actorName } = principal;
  const fields = { branch, commit, issue, workingOn: input.workingOn ?? '', metadata: metadataText(input.metadata) };
  if (!(await store.insertSession(tx, org, { id, place, actorName, ...fields }))) return null;
  const { project, agent, machine, track } = place;
  await record(deps, tx, {
    ...{ org, id, actor },
    events: [{ type: 'session.started', project, agent, machine, by: actorName, branch, commit, issue, track }],
  });
  return id;
}

/**
 * A session that began here before the CLI's own id was known (its launcher's, say) is the same working period twice: the one
 * with the id goes on.
 */
async function supersede(deps: TransitionDeps, tx: Tx, { principal, place }: Begin): Promise<Started['closed']> {
  if (place.clientSession === '') return [];
  const { org, actor } = principal;
  const double = await store.lockAtPlace(tx, org, { place: { ...place, clientSession: '' }, staleMs: deps.staleMs });
  if (double === null) return [];
  const reason = double.state === 'active' ? 'superseded' : 'stale';
  await close(deps, tx, { org, actor, row: double, reason, handoff: null });
  return [{ id: double.id, reason }];
}

async function read(deps: TransitionDeps, tx: Tx, { org, id }: { org: OrgId; id: string }): Promise<SessionRow> {
  const row = await store.getSession(tx, org, { id, staleMs: deps.staleMs });
  if (row === null) throw new AppError('internal', 'Broken invariant: a session that was just written is there');
  return row;
}
