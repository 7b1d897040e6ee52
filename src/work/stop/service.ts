/**
 * Stops everything that agents do, by what stops one: agents first, so that nothing new begins, then the runs that live. Not the kill
 * switches of a part (spec KIL-1), and not the gateway, whose clients are no agents of ours.
 */
import { toAppError } from '../../kernel/errors.ts';
import type { Bound, Caller, Handlers } from '../../kernel/operation.ts';
import { bind } from '../../kernel/operation.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { runOperations } from '../../runtime/runs/contract.ts';
import type { agentOperations } from '../agents/contract.ts';
import type { Stopped } from './contract.ts';
import { stopOperations } from './contract.ts';

export type StopDeps = {
  agents: { handlers: Pick<Handlers<Principal, typeof agentOperations>, 'list' | 'pause'> };
  runs: { handlers: Pick<Handlers<Principal, typeof runOperations>, 'list' | 'cancel'> };
};

const PAGE = 200;
/** So many of each at most; who has more asks again. */
const PAGES_MAX = 50;
const AT_ONCE = 8;

/** The operations, ready to be served. */
export function stopping(deps: StopDeps): Bound<Principal>[] {
  return bind<Principal, typeof stopOperations>(stopOperations, {
    async all(caller, { reason }) {
      const why = reason === '' ? 'everything was stopped' : `everything was stopped: ${reason}`;
      const agents = await pauseAll(deps, caller, why);
      const runs = await cancelAll(deps, caller, why);
      return { agents: agents.done, runs: runs.done.length, failed: [...agents.failed, ...runs.failed] };
    },
  });
}

type Done = { done: string[]; failed: Stopped['failed'] };

async function pauseAll({ agents }: StopDeps, caller: Caller<Principal>, reason: string): Promise<Done> {
  const active = await everyPage((cursor) => agents.handlers.list(caller, { limit: PAGE, ...cursor }));
  const names = active.filter(({ state }) => state === 'active').map(({ name }) => name);
  return each(names, async (name) => void (await agents.handlers.pause(caller, { name, reason })));
}

async function cancelAll({ runs }: StopDeps, caller: Caller<Principal>, reason: string): Promise<Done> {
  const live = await everyPage((cursor) => runs.handlers.list(caller, { limit: PAGE, live: true, ...cursor }));
  return each(
    live.map(({ id }) => id),
    async (id) => void (await runs.handlers.cancel(caller, { id, reason })),
  );
}

async function everyPage<T>(read: (cursor: { cursor?: string }) => Promise<{ items: T[]; next: string | null }>): Promise<T[]> {
  const all: T[] = [];
  let cursor: { cursor?: string } = {};
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const { items, next } = await read(cursor);
    all.push(...items);
    if (next === null) break;
    cursor = { cursor: next };
  }
  return all;
}

/** One that fails, such as a run that has ended meanwhile, keeps nothing else from being stopped. */
async function each(wanted: readonly string[], stop: (what: string) => Promise<void>): Promise<Done> {
  const done: Done = { done: [], failed: [] };
  const left = [...wanted];
  const work = async (): Promise<void> => {
    for (let what = left.shift(); what !== undefined; what = left.shift()) {
      try {
        await stop(what);
        done.done.push(what);
      } catch (thrown) {
        const { code, message } = toAppError(thrown);
        if (code !== 'conflict') done.failed.push({ what, why: message }); // ended by itself
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { ...done, done: done.done.toSorted() };
}
