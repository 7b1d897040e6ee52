/** The sources of a briefing in the order of their priority: what each is asked and how it is said. Text of others goes through `data` only. */
import type { Json } from '../../kernel/canonical-json.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Handlers } from '../../kernel/operation.ts';
import type { Count } from '../../kernel/page.ts';
import { PAGE_SIZE_MAX } from '../../kernel/page.ts';
import { at, data, dataBlock, dollars, fixed, joined, measured, say, startOf } from '../../kernel/say.ts';
import type { Said } from '../../kernel/say.ts';
import { nearEnds } from '../../platform/budgets/service.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { SECURITY_DAYS } from '../alerts/alert.ts';
import { HandoffPayload } from '../handoffs/contract.ts';
import { SESSION_LIMITS } from '../sessions/contract.ts';
import { newestPlan } from '../weekly-plan/store.ts';
import type { QueueView, workQueueOperations } from '../work-queue/contract.ts';
import { BRIEFING_LIMITS } from './contract.ts';
import type { Ask, Item, Source, Told } from './source.ts';
import { countOf, item } from './source.ts';
import * as store from './store.ts';

const NOTHING_TOLD: Told = { items: [], total: { kind: 'exact', value: 0 }, arrivalsMs: [] };

const LAST_HANDOFF: Source = {
  key: 'last_handoff',
  title: fixed('Last handoff'),
  budgetTokens: 550,
  fetch: fixed('tool `handoff` with action show, or `windlass handoff show`'),
  read: {
    async stored(tx, { org, project, contentBytes }) {
      const row = await store.lastHandoff(tx, org, project);
      if (row === null) return NOTHING_TOLD;
      const head = handoffItem(row, contentBytes);
      if (row.payload === null) return { items: [head], total: { kind: 'unknown', why: 'it is too long to be read here' }, arrivalsMs: [] };
      return { items: [head, ...entriesOf(row.payload, contentBytes)], total: null, arrivalsMs: [] };
    },
  },
};

const ENTRIES = [
  ['blocked', fixed('blocked')],
  ['next', fixed('next')],
  ['inProgress', fixed('in progress')],
  ['decisions', fixed('decided')],
  ['accomplished', fixed('done')],
] as const;

function entriesOf(payload: string, contentBytes: number): Item[] {
  const handoff = HandoffPayload.parse(JSON.parse(payload));
  const whence = handoff.from;
  const by = say`- left by ${data(whence.agent, 40)} on ${data(whence.machine, 60)}, branch ${whence.branch === null ? fixed('unknown') : data(whence.branch, 80)}`;
  return [
    { said: by, data: { ...whence } },
    ...ENTRIES.flatMap(([key, word]) =>
      handoff[key].map((text) => ({ said: say`- ${word}: ${data(text, charsOf(contentBytes))}`, data: { [key]: text } })),
    ),
  ];
}

function handoffItem({ id, from, status, priority, issue, summary, createdAtMs }: store.HandoffRow, contentBytes: number): Item {
  const words = (): Said => {
    const about = issue === null ? fixed('') : say` Issue ${data(issue, 40)}.`;
    return say`- ${data(id)} ${data(status.replace('_', ' '))}, priority ${data(priority)}, ${at(createdAtMs)}, from ${data(from)}.${about} ${data(summary, charsOf(contentBytes))}`;
  };
  return item(words, { id, from, status, priority, issue, summary, createdAtMs });
}

/** Of one line, where more is shown of content the more there is room for. */
function charsOf(contentBytes: number): number {
  return Math.min(4_000, Math.max(200, Math.floor(contentBytes / 4)));
}

const QUEUE: Source = {
  key: 'handoffs',
  title: fixed('Handoffs from other projects'),
  budgetTokens: 300,
  fetch: fixed('tool `handoff` with action list, or `windlass handoff list --queue`'),
  read: {
    async stored(tx, { org, project, contentBytes }) {
      const { rows, counted } = await store.queuedHandoffs(tx, org, project);
      return { items: rows.map((row) => handoffItem(row, contentBytes)), total: countOf(counted), arrivalsMs: [] };
    },
  },
};

const SESSIONS: Source = {
  key: 'sessions',
  title: fixed('Other live sessions'),
  budgetTokens: 250,
  fetch: fixed('`windlass session list`, or `GET /api/v1/sessions`'),
  read: {
    async stored(tx, { org, project, session, track }) {
      const { rows, counted } = await store.liveSessions(tx, org, { project, except: session, staleMs: SESSION_LIMITS.staleAfterMs });
      // those of the same track first: they are the ones to run into
      const ordered = track === null ? rows : [...rows.filter((row) => row.track === track), ...rows.filter((row) => row.track !== track)];
      return { items: ordered.map(sessionItem), total: countOf(counted), arrivalsMs: [] };
    },
  },
};

function sessionItem(row: store.SessionRow): Item {
  const { id, agent, machine, actor, track, branch, issue, workingOn, heartbeatAtMs, holds } = row;
  return item(() => sessionWords(row), { id, agent, machine, actor, track, branch, issue, workingOn, heartbeatAtMs, holds });
}

function sessionWords(row: store.SessionRow): Said {
  const facts = [
    ...(row.track === null ? [] : [say`track ${data(String(row.track))}`]),
    ...(row.branch === null ? [] : [say`branch ${data(row.branch, 80)}`]),
    ...(row.issue === null ? [] : [say`issue ${data(row.issue, 40)}`]),
    ...row.holds.map((held) => say`holds ${data(held, 80)}`),
    ...(row.workingOn === '' ? [] : [say`works on ${data(row.workingOn)}`]),
    say`heard of ${at(row.heartbeatAtMs)}`,
  ];
  return say`- ${data(row.agent, 40)} on ${data(row.machine, 60)} by ${data(row.actor, 60)} (${data(row.id)}): ${joined(facts, '; ')}`;
}

type ReadQueue = { handlers: Pick<Handlers<Principal, typeof workQueueOperations>, 'read'> };
/** A briefing does not wait for the forge: what comes later is there the next time. */
const FORGE_WAIT_MS = 20;

function issuesSource(workQueue: ReadQueue): Source {
  return {
    key: 'issues',
    title: fixed('Urgent issues'),
    budgetTokens: 300,
    fetch: fixed('tool `work_queue`, or `GET /api/v1/work-queue`'),
    read: {
      async elsewhere({ caller, code, track }) {
        const queue = await workQueue.handlers.read(caller, { project: code, limit: PAGE_SIZE_MAX, waitMs: FORGE_WAIT_MS });
        const failed = queue.sources.find(({ state }) => state === 'failed');
        if (failed !== undefined) throw new AppError('unavailable', failed.reason);
        if (track === null || track === 0) {
          const urgent = queue.items.filter(({ priority }) => priority === 'urgent');
          return { items: urgent.map(issueItem), total: queue.byPriority.urgent, arrivalsMs: [] };
        }
        // a session on a track sees its own issues, whatever their priority (spec SES-7)
        const own = queue.items.filter(({ labels }) => labels.some((label) => trackOfLabel(label) === track));
        const all = queue.total.kind === 'exact' && queue.total.value === queue.shown;
        const total: Count = { kind: all ? 'exact' : 'at_least', value: own.length };
        return { items: own.map(issueItem), total, arrivalsMs: [], title: say`Issues of track ${data(String(track))}` };
      },
    },
  };
}

/** `track:2`, `track-2`, `track 2`: null for another label. */
function trackOfLabel(label: string): number | null {
  const found = /^track[ :/-]?(\d{1,5})$/i.exec(label)?.[1];
  return found === undefined ? null : Number(found);
}

function issueItem({ number, title, priority, status, url, labels }: QueueView['items'][number]): Item {
  return item(() => say`- ${data(`#${number}`)} ${data(priority)}, ${data(status.replace('_', ' '))}: ${data(title)}`, {
    ...{ number, title, priority, status, url, labels },
  });
}

const ALERTS: Source = {
  key: 'alerts',
  title: fixed('Open alerts'),
  budgetTokens: 300,
  fetch: fixed('`windlass alert list`, or `GET /api/v1/alerts`'),
  read: {
    async stored(tx, { org, project }) {
      const { rows, counted } = await store.openAlerts(tx, org, { project, all: await store.isPlatform(tx, org, project) });
      const news = await store.alertNews(tx, org);
      const doubt = whyDoubtAlerts(news);
      return { items: rows.map(alertItem), total: countOf(counted), arrivalsMs: news.arrivalsMs, ...(doubt === null ? {} : { doubt }) };
    },
  },
};

/** Red and green must both have been seen: a source that only ever tells of failures resolves none, one that does not exist tells of none. */
export function whyDoubtAlerts({ sources, redAtMs, greenAtMs }: store.AlertNews): Said | null {
  if (sources === 0) return fixed('no webhook tells of alerts, so that none is seen says nothing');
  if (redAtMs !== null && greenAtMs === null) return say`failures came, the last one ${at(redAtMs)}, and never a success that would resolve one`;
  return null;
}

function alertItem(row: store.AlertRow): Item {
  const { id, project, kind, severity, title, count, owner, firstAtMs, lastAtMs, ageDays } = row;
  const overdue = kind === 'security' && ageDays > SECURITY_DAYS[severity];
  const words = (): Said => {
    const facts = [
      ...(project === null ? [] : [say`of ${data(project)}`]),
      ...(count > 1 ? [say`${{ kind: 'exact', value: count }} times`] : []),
      say`open for ${measured(ageDays, 'days')}`,
      ...(owner === null ? [] : [say`owner ${data(owner, 60)}`]),
      ...(overdue ? [fixed('OVERDUE')] : []),
    ];
    return say`- ${data(severity)} ${data(kind)}: ${data(title)} (${data(id)}; ${joined(facts, '; ')})`;
  };
  return item(words, { id, project, kind, severity, title, count, owner, firstAtMs, lastAtMs, ageDays, overdue });
}

const WEEKLY_PLAN: Source = {
  key: 'weekly_plan',
  title: fixed('Weekly plan'),
  budgetTokens: 200,
  fetch: fixed('tool `weekly_plan`, or `GET /api/v1/weekly-plan`'),
  read: {
    async stored(tx, { org }) {
      const plan = await newestPlan(tx, org);
      if (plan === null) return NOTHING_TOLD;
      const { priorityProject, goals, ageDays, stale, atMs, version } = plan;
      const age = stale ? say`STALE, ${measured(ageDays, 'days')} old: ask before you rely on it` : say`written ${at(atMs)}`;
      const priority = priorityProject === null ? fixed('no project has priority') : say`priority is ${data(priorityProject)}`;
      const head: Item = { said: say`- ${age}; ${priority}`, data: { version, priorityProject, ageDays, stale, atMs } };
      return { items: [head, ...goals.map((goal) => ({ said: say`- goal: ${data(goal)}`, data: { goal } }))], total: null, arrivalsMs: [] };
    },
  },
};

const DUTIES: Source = {
  key: 'duties',
  title: fixed('Overdue duties and events of this week'),
  budgetTokens: 200,
  fetch: fixed('tool `cadence`, or `windlass cadence list`'),
  read: {
    async stored(tx, { org, project }) {
      const { rows, counted } = await store.dueDuties(tx, org, { project, orgWide: await store.isPlatform(tx, org, project) });
      return { items: rows.map(dutyItem), total: countOf(counted), arrivalsMs: [] };
    },
  },
};

function dutyItem({ id, title, dueAtMs, isPlanned, isOrgWide, lastAtMs }: store.DutyRow): Item {
  const words = (): Said => {
    const scope = isOrgWide ? fixed(', org-wide') : fixed('');
    if (isPlanned) return say`- ${data(title)} is planned for ${at(dueAtMs)}${scope} (${data(id)})`;
    const last = lastAtMs === null ? fixed('never done') : say`last done ${at(lastAtMs)}`;
    return say`- ${data(title)} was due ${at(dueAtMs)}${scope}; ${last} (${data(id)})`;
  };
  return item(words, { id, title, dueAtMs, isPlanned, isOrgWide, lastAtMs });
}

const CHANGES: Source = {
  key: 'changes',
  title: fixed('Since your last session here'),
  budgetTokens: 150,
  fetch: fixed('`windlass handoff list`, `windlass doc list`, `windlass note list`, `windlass session list`'),
  read: {
    async stored(tx, { org, project, actor, session }) {
      const row = await store.changesSince(tx, org, { project, actor, session, staleMs: SESSION_LIMITS.staleAfterMs });
      if (row === null)
        return { items: [{ said: fixed('- None of yours has ended here before.'), data: { first: true } }], total: null, arrivalsMs: [] };
      const counts = {
        handoffs: countOf(row.handoffs),
        documents: countOf(row.documents),
        notes: countOf(row.notes),
        sessions: countOf(row.sessions),
      };
      const said = say`- Since ${data(row.session)} was last at work, ${at(row.sinceMs)}: ${counts.handoffs} handoffs, ${counts.documents} changed documents, ${counts.notes} changed notes, ${counts.sessions} sessions begun.`;
      return { items: [{ said, data: { session: row.session, sinceMs: row.sinceMs, ...jsonOf(counts) } }], total: null, arrivalsMs: [] };
    },
  },
};

function jsonOf(counts: Readonly<Record<string, Count>>): Record<string, Json> {
  return Object.fromEntries(Object.entries(counts).map(([key, count]) => [key, { ...count }]));
}

const COSTS: Source = {
  key: 'costs',
  title: fixed('Costs today'),
  budgetTokens: 100,
  fetch: fixed('`windlass budget spend`, or `GET /api/v1/spend`'),
  read: {
    async stored(tx, { org, project }) {
      const [{ calls, unpriced, microUsd, ownMicroUsd, sinceMs }, near] = await Promise.all([
        store.costsToday(tx, org, project),
        nearEnds(tx, org, { project }),
      ]);
      const counts = { calls: { kind: 'exact', value: calls }, unpriced: { kind: 'exact', value: unpriced } } as const;
      const known = unpriced === 0;
      const said = say`- Model calls of the organization since ${at(sinceMs)}, by runs and through the gateway: ${counts.calls}, ${dollars({ microUsd, known })}, of that ${dollars({ microUsd: ownMicroUsd, known })} by this project; without a price: ${counts.unpriced}.`;
      const budgets = near.items.map(({ id, state, text }): Item => ({ said: say`- ${data(text)} (${data(id)})`, data: { id, state, text } }));
      return { items: [{ said, data: { sinceMs, microUsd, ownMicroUsd, ...jsonOf(counts) } }, ...budgets], total: null, arrivalsMs: [] };
    },
  },
};

const NOTES: Source = {
  key: 'notes',
  title: fixed('Executive notes'),
  budgetTokens: 600,
  maxBytes: BRIEFING_LIMITS.noteBytes,
  fetch: fixed('tool `notes`, or `windlass note list --tag executive-summary`'),
  read: {
    async stored(tx, { org, project, rows: most, contentBytes }) {
      const { rows, counted } = await store.executiveNotes(tx, org, { project, rows: most, contentChars: contentBytes });
      return { items: rows.map((row) => noteItem(row, contentBytes)), total: countOf(counted), arrivalsMs: [] };
    },
  },
};

function noteItem({ id, project, title, bytes, updatedAtMs, content }: store.NoteRow, contentBytes: number): Item {
  const start = startOf(content, contentBytes);
  const shown = Buffer.byteLength(start.text);
  const words = (): Said => {
    const size = shown < bytes ? say`the first ${measured(shown, 'bytes')} of ${measured(bytes, 'bytes')}` : measured(bytes, 'bytes');
    const scope = project === null ? fixed('org-wide') : data(project);
    return say`- ${data(title)} (${data(id)}, ${scope}, ${at(updatedAtMs)}, ${size}):\n\n${dataBlock(start.text)}\n`;
  };
  return item(words, { id, project, title, bytes, updatedAtMs, shownBytes: shown });
}

const DOCUMENTS: Source = {
  key: 'documents',
  title: fixed('Documents'),
  budgetTokens: 300,
  fetch: fixed('tool `doc`, or `windlass doc list` and `windlass doc show`'),
  read: {
    async stored(tx, ask) {
      const { org, project } = ask;
      const [{ rows, counted }, arrivalsMs] = await Promise.all([
        store.documents(tx, org, { project, contentChars: ask.full ? ask.contentBytes : 0, rows: ask.lines }),
        store.documentArrivals(tx, org, project),
      ]);
      return { items: rows.map((row) => documentItem(row, ask)), total: countOf(counted), arrivalsMs };
    },
  },
};

function documentItem({ id, name, version, bytes, updatedAtMs, isOrgWide, content }: store.DocumentRow, { contentBytes }: Ask): Item {
  const words = (): Said => {
    const scope = isOrgWide ? fixed(', org-wide') : fixed('');
    const line = say`- ${data(name, 100)} (${data(id)}, version ${data(String(version))}, ${measured(bytes, 'bytes')}, ${at(updatedAtMs)}${scope})`;
    const text: Said = content === null ? fixed('') : say`:\n\n${dataBlock(startOf(content, contentBytes).text)}\n`;
    return say`${line}${text}`;
  };
  return item(words, { id, name, version, bytes, updatedAtMs, isOrgWide });
}

/** In the order of priority. */
export function briefingSources(deps: { workQueue: ReadQueue }): readonly Source[] {
  return [LAST_HANDOFF, QUEUE, issuesSource(deps.workQueue), ALERTS, SESSIONS, DUTIES, WEEKLY_PLAN, CHANGES, COSTS, NOTES, DOCUMENTS];
}
