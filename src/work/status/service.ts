/** The state of the server in one answer, and its figures for Prometheus. Reads only. */
import type { Clock } from '../../kernel/clock.ts';
import type { OrgId } from '../../kernel/ids.ts';
import type { Handlers } from '../../kernel/operation.ts';
import type { Count } from '../../kernel/page.ts';
import { nearEnds, reachOf } from '../../platform/budgets/service.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Blobs } from '../../storage/blobs.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { statusOperations } from './contract.ts';
import { STATUS_SHOWN, TABLES_SHOWN } from './contract.ts';
import * as store from './store.ts';

export type StatusDeps = {
  db: Database;
  clock: Clock;
  version: string;
  startedAtMs: number;
  storage: {
    embedded: boolean;
    description: string;
    blobs: Pick<Blobs, 'kind' | 'usage'> & { place: string | null };
    retention: () => { class: string; days: number | null }[];
  };
};

export type OrgFigures = { runs: { status: string; count: number }[]; questions: number; agentsInError: number; today: store.Spent };
export type Status = {
  handlers: Handlers<Principal, typeof statusOperations>;
  /** For metrics: at most this old. */
  figures(org: OrgId): Promise<OrgFigures>;
};

const DAY_MS = 86_400_000;
const FIGURES_KEPT_MS = 5_000;
const FIGURES_MAX = 100;

export function createStatus(deps: StatusDeps): Status {
  const { db, clock } = deps;
  const kept = new Map<OrgId, { atMs: number; figures: Promise<OrgFigures> }>();
  const midnight = (): number => Math.floor(clock.nowMs() / DAY_MS) * DAY_MS;
  return {
    handlers: {
      activity: ({ principal: { org } }, { since }) =>
        db.asOrg(org, async (tx) => {
          const [ended, failures, questions, agents] = await Promise.all([
            store.endedSince(tx, org, since),
            store.failuresSince(tx, org, since),
            store.questionsSince(tx, org, since),
            store.agentChangesSince(tx, org, since),
          ]);
          return { sinceMs: since, nowMs: clock.nowMs(), ended, failures, ...questions, agents };
        }),
      agents: ({ principal: { org } }, { since }) =>
        db.asOrg(org, async (tx) => ({ sinceMs: since, items: await store.figuresByAgent(tx, org, since) })),
      async storage({ principal: { org } }) {
        const { embedded, description, blobs, retention } = deps.storage;
        const [health, tables, used] = await Promise.all([
          db.health(),
          db.asOrg(org, (tx) => store.largestTables(tx, TABLES_SHOWN)),
          blobs.usage(org),
        ]);
        const { rows, bytes, total } = tables;
        return {
          database: { embedded, description, version: health.serverVersion, bytes, tables: { items: rows, shown: rows.length, total: exact(total) } },
          artefacts: { kind: blobs.kind, place: blobs.place, ...used },
          retention: retention(),
        };
      },
      async read({ principal }, { since }) {
        const { org } = principal;
        const sinceMs = since ?? midnight();
        const [health, found] = await Promise.all([
          db.health(),
          db.asOrg(org, async (tx) => {
            const [looked, near] = await Promise.all([look(tx, org, sinceMs), nearEnds(tx, org, { reach: reachOf(principal) })]);
            return { ...looked, near };
          }),
        ]);
        const { runs, questions, errors, spent, near } = found;
        return {
          server: { version: deps.version, startedAtMs: deps.startedAtMs, nowMs: clock.nowMs() },
          database: { version: health.serverVersion, roundTripMs: health.roundTripMs },
          runs: runs.map(({ status, count }) => ({ status, count: exact(count) })),
          waitingForPeople: { count: exact(questions.total), items: questions.rows },
          budgetsNearEnd: near,
          agentsInError: { count: exact(errors.total), items: errors.rows },
          spend: { ...spent, sinceMs, runs: exact(spent.runs), unknown: exact(spent.unknown), rehearsed: exact(spent.rehearsed) },
        };
      },
    },
    figures(org) {
      const known = kept.get(org);
      const nowMs = clock.nowMs();
      if (known !== undefined && nowMs - known.atMs < FIGURES_KEPT_MS) return known.figures;
      if (kept.size >= FIGURES_MAX) kept.clear();
      const figures = db.asOrg(org, async (tx) => {
        const { runs, questions, errors, spent } = await look(tx, org, midnight());
        return { runs, questions: questions.total, agentsInError: errors.total, today: spent };
      });
      kept.set(org, { atMs: nowMs, figures });
      figures.catch(() => kept.delete(org)); // the next request asks anew
      return figures;
    },
  };
}

async function look(tx: Tx, org: OrgId, sinceMs: number) {
  const [runs, questions, errors, spent] = await Promise.all([
    store.countRuns(tx, org),
    store.openQuestions(tx, org, STATUS_SHOWN),
    store.agentsInError(tx, org, STATUS_SHOWN),
    store.spentSince(tx, org, sinceMs),
  ]);
  return { runs, questions, errors, spent };
}

function exact(value: number): Count {
  return { kind: 'exact', value };
}
