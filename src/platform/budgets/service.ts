/** Use cases of budgets: set, change, ask for more, grant, tell (spec BUD-3, BUD-4, BUD-9). Reserving and settling are the ledger's. */
import { AppError } from '../../kernel/errors.ts';
import type { Ids, OrgId } from '../../kernel/ids.ts';
import type { Handlers } from '../../kernel/operation.ts';
import type { Count } from '../../kernel/page.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { RecordAdmin } from '../identity/admin-event.ts';
import type { Principal } from '../identity/principal.ts';
import { byOf } from '../identity/principal.ts';
import type { Log } from '../telemetry/log.ts';
import { budgetText, nearEndText } from './budget.ts';
import type { BudgetScope, budgetOperations, BudgetView, NearEnds } from './contract.ts';
import * as store from './store.ts';

export type BudgetsDeps = {
  db: Database;
  ids: Ids;
  recordAdmin: RecordAdmin;
  log: Log;
  /**
   * In the transaction of what may make room: tells runs that wait for this budget, or for any; what it answers is called once that has
   * committed.
   */
  tellWaiting(tx: Tx, org: OrgId, word: { budget: string | null; by: Principal; reason: string }): Promise<() => void>;
  /** Providers whose key is there. */
  providers: () => string[];
};

export type Budgets = {
  handlers: Handlers<Principal, typeof budgetOperations>;
  /** The operator's plan: with a number the organization is on `try`, else on `builder`. */
  ensurePlan(org: OrgId, tokensPerDay: number | null): Promise<void>;
  /** Tells, once each, which budgets went beyond 80% and which were used up: in the journal of the organization and the log. */
  tell(): Promise<void>;
};

const GRANTS_SHOWN = 50;
const TOLD_ORGS = 100;
/** A grant on what never resets lasts so long, unless it says otherwise. */
const GRANT_MS = 7 * 86_400_000;
const SYSTEM = { actor: 'system', name: 'Windlass' };
const exact = (value: number): Count => ({ kind: 'exact', value });

export function createBudgets(deps: BudgetsDeps): Budgets {
  return { handlers: { ...reading(deps), ...changing(deps), ...asking(deps) }, ensurePlan: ensurePlan(deps), tell: () => tell(deps) };
}

type Reading = Pick<Budgets['handlers'], 'list' | 'get' | 'requests' | 'plan'>;

function reading({ db, providers }: BudgetsDeps): Reading {
  return {
    list: ({ principal }, { scope, limit }) =>
      db.asOrg(principal.org, async (tx) => {
        const { org } = principal;
        const reach = reachOf(principal);
        const [{ rows, total }, near] = await Promise.all([
          store.listBudgets(tx, org, { scope: scope ?? null, limit, reach }),
          nearEnds(tx, org, { reach }),
        ]);
        return { items: rows, shown: rows.length, total: exact(total), next: null, nearEnd: near };
      }),
    get: ({ principal }, { id }) =>
      db.asOrg(principal.org, async (tx) => {
        const { org } = principal;
        const budget = await shown(tx, principal, id);
        const [grants, requests] = await Promise.all([
          store.listGrants(tx, org, { budget: id, limit: GRANTS_SHOWN }),
          store.listRequests(tx, org, { budget: id, state: null, limit: GRANTS_SHOWN, reach: null }),
        ]);
        return { ...budget, grants, requests: requests.rows };
      }),
    requests: ({ principal }, { state, limit }) =>
      db.asOrg(principal.org, async (tx) => {
        const wanted = { budget: null, state: state ?? null, limit, reach: reachOf(principal) };
        const { rows, total } = await store.listRequests(tx, principal.org, wanted);
        return { items: rows, shown: rows.length, total: exact(total), next: null };
      }),
    plan: ({ principal: { org } }) =>
      db.asOrg(org, async (tx) => {
        const tried = await store.findPlanBudget(tx, org);
        const keys = providers();
        if (tried !== null) {
          const message = `Models are paid by the operator's key, ${tried.limit.toLocaleString('en-US')} tokens a day. For more, set a key of your own and start without a daily budget for trying (plan builder).`;
          return { plan: 'try', tokensPerDay: tried.limit, leftTokens: tried.left, resetsAtMs: tried.resetsAtMs, providers: keys, message };
        }
        const message =
          keys.length > 0
            ? 'Your own keys pay for models, within your own budgets: windlass budget set'
            : 'No provider has a key yet. Set one (ANTHROPIC_API_KEY, OPENAI_API_KEY, …) and start again; until then models are rehearsed.';
        return { plan: 'builder', tokensPerDay: null, leftTokens: null, resetsAtMs: null, providers: keys, message };
      }),
  };
}

/** A key that is bound sees and sets the budgets within what it is bound to, and no other (spec POL-4). */
export function reachOf({ project, spendAgent, key }: Principal): store.Reach {
  return project === null && spendAgent === null ? null : { project, agent: spendAgent, key };
}

const NEAR_SHOWN = 20;

/** For every screen that says what needs people. */
export async function nearEnds(tx: Tx, org: OrgId, of: { reach?: store.Reach; project?: string } = {}): Promise<NearEnds> {
  const { reach = null, project = null } = of;
  const { rows, total } = await store.nearEnds(tx, org, { reach, project, limit: NEAR_SHOWN });
  return { items: rows.map((row) => ({ ...row, text: nearEndText(row) })), shown: rows.length, total: exact(total) };
}

type Changing = Pick<Budgets['handlers'], 'set' | 'change' | 'remove'>;

function changing(deps: BudgetsDeps): Changing {
  const { db, ids } = deps;
  return {
    async set({ principal }, { scope, subject: name, unit, period, limit }) {
      refuseAgent(principal);
      const { org } = principal;
      return committed(db, org, async (tx) => {
        const subject = await subjectOf(tx, org, { scope, name });
        if (!(await store.reaches(tx, org, { scope, subject, reach: reachOf(principal) })))
          throw new AppError('denied', 'This key is bound: it sets budgets within its project and agent alone.', {
            next: 'Set the budget of what it is bound to, or use a key that is not bound.',
          });
        if (scope === 'run' && period !== 'run' && period !== 'total')
          throw new AppError('invalid_input', 'A run has one budget for all of its life.', { next: 'Take period total.' });
        if (scope === 'run' && unit === 'runs')
          throw new AppError('invalid_input', 'A budget of one run cannot be in runs.', { next: 'Take calls, tokens or micro_usd.' });
        const put = { id: ids.next('bud'), scope, subject, unit, period, limit, by: principal.actor, plan: null };
        const { id, before } = await store.putBudget(tx, org, put);
        const detail = { scope, subject, unit, period, limit, before };
        await deps.recordAdmin(tx, org, { type: 'budget.set', subject: id, by: byOf(principal), detail });
        // a new one in tokens may be what a model without a price waits for
        const after = await deps.tellWaiting(tx, org, { budget: before === null ? null : id, by: principal, reason: 'a budget was set' });
        return { view: await shown(tx, principal, id), after };
      });
    },
    async change({ principal }, { id, limit }) {
      refuseAgent(principal);
      const { org } = principal;
      return committed(db, org, async (tx) => {
        await lockOwn(tx, org, id);
        const before = await shown(tx, principal, id);
        await store.changeLimit(tx, org, { id, limit });
        await deps.recordAdmin(tx, org, { type: 'budget.changed', subject: id, by: byOf(principal), detail: { limit, before: before.limit } });
        const after = await deps.tellWaiting(tx, org, { budget: id, by: principal, reason: 'its budget was changed' });
        return { view: await shown(tx, principal, id), after };
      });
    },
    async remove({ principal }, { id }) {
      refuseAgent(principal);
      const { org } = principal;
      return committed(db, org, async (tx) => {
        await lockOwn(tx, org, id);
        const view = await shown(tx, principal, id);
        await store.deleteBudget(tx, org, id);
        await deps.recordAdmin(tx, org, { type: 'budget.removed', subject: id, by: byOf(principal), detail: { limit: view.limit } });
        const after = await deps.tellWaiting(tx, org, { budget: id, by: principal, reason: 'its budget was removed' });
        return { view, after };
      });
    },
  };
}

type Asking = Pick<Budgets['handlers'], 'request' | 'grant' | 'refuse'>;

function asking(deps: BudgetsDeps): Asking {
  const { db, ids } = deps;
  return {
    request: ({ principal }, { id, amount, reason }) =>
      db.asOrg(principal.org, async (tx) => {
        const { org, actor, name } = principal;
        await lockOwn(tx, org, id);
        await refuseUnasked(tx, principal, id);
        const request = await store.insertRequest(tx, org, { id: ids.next('ask'), budget: id, amount, reason, actor, name });
        if (request === undefined) throw unknown(id);
        await deps.recordAdmin(tx, org, {
          type: 'budget.requested',
          subject: id,
          by: byOf(principal),
          detail: { request: request.id, amount, reason },
        });
        return request;
      }),
    async grant({ principal }, { id, amount, reason, request, untilMs }) {
      refuseAgent(principal);
      const { org, actor, name } = principal;
      return committed(db, org, async (tx) => {
        await lockOwn(tx, org, id);
        const budget = await shown(tx, principal, id);
        const until = untilMs ?? budget.resetsAtMs ?? (await store.databaseMs(tx)) + GRANT_MS;
        const grant = { id: ids.next('grt'), budget: id, amount, reason, request: request ?? null, actor, name, untilMs: until };
        if (request !== undefined) await answer(tx, org, { id: request, budget: id, state: 'granted', by: name, text: reason });
        const view = await store.insertGrant(tx, org, grant);
        if (view === null) throw new AppError('invalid_input', 'A grant ends in the future.', { next: 'Give a later time, or none.' });
        const detail = { grant: view.id, amount, reason, request: request ?? null, untilMs: until };
        await deps.recordAdmin(tx, org, { type: 'budget.granted', subject: id, by: byOf(principal), detail });
        return { view, after: await deps.tellWaiting(tx, org, { budget: id, by: principal, reason: reason || 'more was granted' }) };
      });
    },
    async refuse({ principal }, { id, reason }) {
      refuseAgent(principal);
      const { org } = principal;
      return db.asOrg(org, async (tx) => {
        const asked = await store.findRequest(tx, org, id);
        const within = asked !== null && (await store.findBudget(tx, org, { id: asked.budget, reach: reachOf(principal) })) !== null;
        if (!within) throw unknownRequest(id);
        const request = await answer(tx, org, { id, budget: null, state: 'refused', by: principal.name, text: reason });
        const detail = { request: id, reason };
        await deps.recordAdmin(tx, org, { type: 'budget.refused', subject: request.budget, by: byOf(principal), detail });
        return request;
      });
    },
  };
}

/** What follows a commit is done after it, and only then. */
async function committed<T>(db: Database, org: OrgId, work: (tx: Tx) => Promise<{ view: T; after: () => void }>): Promise<T> {
  const { view, after } = await db.asOrg(org, work);
  after();
  return view;
}

/** An agent may ask; it cannot give itself more, whatever its key's role. */
function refuseAgent({ agent }: Principal): void {
  if (agent === null) return;
  throw new AppError('denied', 'An agent cannot set or raise budgets.', { next: 'Ask for more with budget_request; a person grants it.' });
}

async function subjectOf(tx: Tx, org: OrgId, { scope, name }: { scope: BudgetScope; name: string | undefined }): Promise<string> {
  if (scope === 'org') {
    if (name === undefined || name === org) return org;
    throw new AppError('invalid_input', 'A budget of the organization names no subject.', { next: 'Leave subject out, or choose another scope.' });
  }
  if (name === undefined) {
    throw new AppError('invalid_input', `Which ${scope} it is for is missing.`, { next: `Give subject: the ${scope}'s ${NAMES[scope]}.` });
  }
  const subject = await store.findSubject(tx, org, { scope, name });
  if (subject === null) throw new AppError('not_found', `There is no ${scope} ${name}.`, { next: `Look at: windlass ${LISTS[scope]}` });
  return subject;
}

const NAMES = { project: 'code or id', agent: 'name or id', key: 'id or fingerprint', run: 'id' } as const;
const LISTS = { project: 'project list', agent: 'agent list', key: 'key list', run: 'runs' } as const;

/** Holds its row, so that a change and a grant do not pass each other. @throws AppError `not_found`; `denied` for the plan's. */
async function lockOwn(tx: Tx, org: OrgId, id: string): Promise<void> {
  const row = await store.lockBudget(tx, org, id);
  if (row === null) throw unknown(id);
  if (row.plan === null) return;
  throw new AppError('denied', "This budget is the operator's plan for trying: it cannot be changed or raised here.", {
    next: 'Set a key of your own and start without WINDLASS_TRY_TOKENS_PER_DAY (plan builder).',
  });
}

/** @throws AppError `not_found`, also for what lies beyond a key's reach. */
async function shown(tx: Tx, principal: Principal, id: string): Promise<BudgetView> {
  const budget = await store.findBudget(tx, principal.org, { id, reach: reachOf(principal) });
  if (budget === null) throw unknown(id);
  return budget;
}

type Answer = Parameters<typeof store.answerRequest>[2];

async function answer(tx: Tx, org: OrgId, given: Answer): Promise<NonNullable<Awaited<ReturnType<typeof store.answerRequest>>>> {
  const answered = await store.answerRequest(tx, org, given);
  if (answered !== null) return answered;
  const known = await store.findRequest(tx, org, given.id);
  if (known === null) throw unknownRequest(given.id);
  if (known.state !== 'open')
    throw new AppError('conflict', `The request was ${known.state} already.`, { next: 'Look at: windlass budget requests' });
  throw new AppError('invalid_input', 'The request is for another budget.', { next: 'Grant on the budget that it names.' });
}

/** Who is refused by a budget may ask for more of it, though it lies beyond the reach of the key. @throws AppError `not_found` for others. */
async function refuseUnasked(tx: Tx, principal: Principal, id: string): Promise<void> {
  const reach = reachOf(principal);
  const budget = reach === null ? null : await store.findBudget(tx, principal.org, { id, reach: null });
  if (budget === null || budget.scope === 'org' || budget.subject === reach?.project || budget.subject === reach?.agent) return;
  await shown(tx, principal, id);
}

function unknownRequest(id: string): AppError {
  return new AppError('not_found', `There is no request ${id}.`, { next: 'Look at: windlass budget requests' });
}

function unknown(id: string): AppError {
  return new AppError('not_found', `There is no budget ${id}.`, { next: 'Look at: windlass budget list' });
}

function ensurePlan({ db, ids, log }: BudgetsDeps): Budgets['ensurePlan'] {
  return (org, tokensPerDay) =>
    db.asOrg(org, async (tx) => {
      if (tokensPerDay === null) return store.deletePlanBudget(tx, org);
      const budget = { scope: 'org', subject: org, unit: 'tokens', period: 'day', limit: tokensPerDay, by: SYSTEM.actor, plan: 'try' } as const;
      await store.putBudget(tx, org, { id: ids.next('bud'), ...budget });
      log('info', 'Models can be tried within a daily budget.', { tokensPerDay });
    });
}

async function tell({ db, recordAdmin, log }: BudgetsDeps): Promise<void> {
  for (const org of await store.untoldOrgs(db, TOLD_ORGS)) {
    await db.asOrg(org, async (tx) => {
      for (const { id, warned, exhausted } of await store.takeUntold(tx, org)) {
        const budget = await store.findBudget(tx, org, { id, reach: null });
        if (budget === null || !(warned || exhausted)) continue;
        const { scope, subject, unit, period, limit, granted, spent, reserved, resetsAtMs } = budget;
        const what = exhausted ? 'exhausted' : 'warned';
        const detail = { scope, subject, unit, period, limit: limit + granted, spent, reserved, resetsAtMs };
        await recordAdmin(tx, org, { type: `budget.${what}`, subject: id, by: SYSTEM, detail });
        const text = budgetText({ scope, unit, period, limit: limit + granted });
        log('warn', exhausted ? `The budget of ${text} is used up.` : `At least 80% of the budget of ${text} is spent.`, {
          budget: id,
          name: budget.name,
        });
      }
    });
  }
}
