/** Use cases of panels (spec PER-6, REV-1): several reviewers on one input that was read once, side by side. */
import { AppError, toAppError } from '../../kernel/errors.ts';
import type { Ids, OrgId } from '../../kernel/ids.ts';
import { isId } from '../../kernel/ids.ts';
import type { Caller, Handlers } from '../../kernel/operation.ts';
import { encodeCursor } from '../../kernel/page.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Persona } from '../personas/persona.ts';
import type { PanelView, panelOperations } from './contract.ts';
import { REVIEW_LIMITS } from './contract.ts';
import type { Member } from './outcome.ts';
import * as store from './panel-store.ts';
import { writeReport } from './report.ts';
import type { Begin, Reviews, ReviewsDeps } from './service.ts';
import { jobsOfPanel } from './store.ts';
import { beforeOf, countOf, panelSummary, panelView } from './views.ts';

export type PanelsDeps = Pick<ReviewsDeps, 'db' | 'clock' | 'library' | 'settle' | 'settings' | 'version' | 'projects'> & {
  ids: Ids;
  reviews: Reviews;
};
type Handled = Handlers<Principal, typeof panelOperations>;

const POLL_MS = 250;

export function createPanels(deps: PanelsDeps): { handlers: Handled } {
  return {
    handlers: {
      start: (caller, input) => startPanel(deps, caller, input),
      get: ({ principal: { org } }, { id, waitSeconds }) => show(deps, { org, id, waitSeconds }),
      list: async ({ principal: { org } }, { project: wanted, limit, cursor }) => {
        const project = wanted === undefined ? null : await deps.projects.find(org, wanted);
        const page = { project, before: beforeOf(cursor), limit: limit + 1 };
        const { rows, total } = await deps.db.asOrg(org, (tx) => store.listPanels(tx, org, page));
        const items = rows.slice(0, limit);
        const next = rows.length > limit ? encodeCursor([items.at(-1)?.number ?? 0]) : null;
        return { items: items.map(panelSummary), shown: items.length, total: countOf(total), next };
      },
      report: async ({ principal: { org } }, { id, format }) => {
        const panel = await show(deps, { org, id, waitSeconds: 0 });
        return { format, text: writeReport(format, { kind: 'panel', panel, version: deps.version }) };
      },
    },
  };
}

type Asked = Parameters<Handled['start']>[1];

async function startPanel(deps: PanelsDeps, caller: Caller<Principal>, asked: Asked): Promise<PanelView> {
  const { personas: names, models, question, project, priority, ...target } = asked;
  const { org, actor, name: actorName } = caller.principal;
  const place = await deps.reviews.placeOf(org, project);
  const personas =
    names === undefined ? await deps.library.core() : await Promise.all([...new Set(names)].map((name) => deps.library.get(name, place.checkout)));
  const seats = personas.flatMap((persona) => [...new Set(models ?? [undefined])].map((model) => ({ persona, model })));
  if (seats.length > REVIEW_LIMITS.members) {
    throw new AppError(
      'invalid_input',
      `A panel has ${REVIEW_LIMITS.members} reviewers at most; ${personas.length} personas on each model are ${seats.length}.`,
      {
        next: 'Name fewer personas or models.',
      },
    );
  }
  const members = seats.map((seat) => memberOf(deps, seat));
  const given = await deps.reviews.read(target, place, question);
  const id = deps.ids.next('pnl');
  // written first, so that a panel whose start dies half-way is there and ends
  await deps.db.asOrg(org, (tx) =>
    store.insertPanel(tx, org, { id, project: place.project, title: given.title, question: question ?? '', members, actor, actorName }),
  );
  const started = await Promise.all(
    seats.map(async ({ persona, model }, index) => {
      const member = members[index] ?? memberOf(deps, { persona, model });
      return seat(deps, caller, { member, begin: { persona, model, given, place, priority, panel: id } });
    }),
  );
  await deps.db.asOrg(org, (tx) => store.setMembers(tx, org, { id, members: started }));
  return show(deps, { org, id, waitSeconds: 0 });
}

function memberOf(deps: PanelsDeps, { persona, model }: { persona: Persona; model: string | undefined }): Member {
  const reviewer = model === undefined ? persona.name : `${persona.name} on ${model}`;
  return { reviewer, persona: persona.name, model: deps.reviews.modelFor(persona, model), dimensions: persona.dimensions, run: null, failure: null };
}

/** A reviewer that cannot start is a gap in the panel, not its end. */
async function seat(deps: PanelsDeps, caller: Caller<Principal>, { member, begin }: { member: Member; begin: Begin }): Promise<Member> {
  try {
    return { ...member, run: await deps.reviews.begin(caller, begin) };
  } catch (thrown) {
    const error = toAppError(thrown);
    // a fault of ours must be seen, not be told as the reviewer's
    if (error.code === 'internal') throw thrown;
    return { ...member, failure: error.message };
  }
}

/** @throws AppError `not_found` */
async function show(deps: PanelsDeps, { org, id, waitSeconds }: { org: OrgId; id: string; waitSeconds: number }): Promise<PanelView> {
  const untilMs = deps.clock.nowMs() + waitSeconds * 1_000;
  let settled = false;
  for (;;) {
    const found = isId('pnl', id)
      ? await deps.db.asOrg(org, async (tx) => ({ panel: await store.findPanel(tx, org, id), jobs: await jobsOfPanel(tx, org, id) }))
      : { panel: null, jobs: [] };
    const { panel, jobs } = found;
    if (panel === null)
      throw new AppError('not_found', `There is no panel ${id.slice(0, 60)}.`, { next: '`windlass review list --panels` shows what there is.' });
    const over = panel.settledAtMs === null && jobs.every(({ endedAtMs }) => endedAtMs !== null);
    if (over && !settled) {
      await deps.settle.panel(org, id);
      settled = true;
      continue;
    }
    if (panel.settledAtMs !== null || deps.clock.nowMs() >= untilMs)
      return panelView(panel, jobs, { nowMs: deps.clock.nowMs(), workers: deps.settings.workers });
    await deps.clock.sleep(Math.min(POLL_MS, untilMs - deps.clock.nowMs()), new AbortController().signal);
    settled = false;
  }
}
