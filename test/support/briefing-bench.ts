/** Much stored, for the benchmark of briefings: filled by SQL, read by the real service, counted directly. */
import type { BriefingView } from '../../src/work/briefing/contract.ts';
import { BRIEFING_LIMITS } from '../../src/work/briefing/contract.ts';
import { tokensAtMost } from '../../src/runtime/models/tokens.ts';
import type { BriefingWorld } from './briefing.ts';
import { briefingWorld } from './briefing.ts';

export type BenchWorld = {
  read(): Promise<BriefingView>;
  /** 12 KB of the newest notes, and nothing else. */
  readNotes(): Promise<unknown>;
  /** Everything that a briefing is made from, whole. */
  dump(): Promise<{ tokens: number; bytes: number }>;
  /** Briefings of a changing world, each held against direct counts. */
  cases(many: number): Promise<{ read: number; overBudget: number; overBytes: number; wrong: number; mostTokens: number }>;
  [Symbol.asyncDispose](): Promise<void>;
};

const WORDS = 'the deploy of staging waits for a key that nobody has, so the build is mended first and the site follows';

export async function benchBriefingWorld(): Promise<BenchWorld> {
  const world = await briefingWorld();
  await fill(world);
  const { db, org } = world;
  return {
    read: () => world.read(),
    readNotes: () => db.asOrg(org, (tx) => tx.query('select left(content, 12288) from note where org_id = $1 order by id desc limit 8', [org])),
    async dump() {
      let [tokens, bytes] = [0, 0];
      for (const table of ['note', 'session', 'handoff', 'document', 'alert', 'duty']) {
        for (const { line } of await db.owner<{ line: string }>(`select to_jsonb(t)::text as line from ${table} t`)) {
          tokens += tokensAtMost(line);
          bytes += Buffer.byteLength(line);
        }
      }
      return { tokens, bytes };
    },
    cases: (many) => cases(world, many),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

async function fill({ db, org, app, site, owner }: BriefingWorld): Promise<void> {
  const [words, project] = [`'${WORDS} ' || i`, `case i % 4 when 0 then '${app}' when 1 then '${site}' end`];
  await db.owner(`insert into note (org_id, id, project_id, title, content, tags, updated_at)
    select '${org}', 'note_' || lpad(i::text, 26, '0'), ${project}, ${words}, repeat(${words} || ' ', 1 + i % 40),
      case when i % 50 = 0 then '{executive-summary}' else '{prd}' end::text[], clock_now() - i * interval '1 min' from generate_series(1, 50000) i`);
  await db.owner(`insert into session (org_id, project_id, actor_id, actor_name, agent, repository, machine, client_session, id, working_on, state, end_reason, ended_at, started_at)
    select '${org}', coalesce(${project}, '${app}'), '${owner.actor}', 'Tess', 'claude', '', 'm' || i, '', 'sess_' || lpad(i::text, 26, '0'), ${words},
      case when i > 9950 then 'active' else 'ended' end, case when i > 9950 then null else 'manual' end, case when i > 9950 then null else clock_now() - interval '1 day' end,
      clock_now() - interval '2 days' from generate_series(1, 10000) i`);
  await db.owner(`insert into handoff (org_id, id, session_id, from_project, to_project, status, priority, summary, schema_version, payload, sha256, bytes, queue)
    select '${org}', 'ho_' || lpad(i::text, 26, '0'), 'sess_' || lpad(i::text, 26, '0'), case when i % 10 = 0 then '${site}' else '${app}' end, '${app}', 'done', 'normal', ${words}, 1,
      jsonb_build_object('schema', 1, 'status', 'done', 'summary', ${words}, 'accomplished', array[${words}], 'inProgress', '{}'::text[], 'blocked', '{}'::text[],
        'next', array[${words}], 'decisions', '{}'::text[], 'priority', 'normal', 'to', 'app', 'from', jsonb_build_object('session', 's', 'project', 'app', 'actor', 'Tess',
        'agent', 'claude', 'machine', 'm', 'branch', null, 'commit', null))::text,
      md5(i::text) || md5(i::text), 2, case when i % 10 = 0 then 'open' end from generate_series(1, 1000) i`);
  await db.owner(`insert into document (org_id, id, project_id, name, version, hash, bytes, updated_at)
    select '${org}', 'doc_' || lpad(i::text, 26, '0'), case when i % 5 < 4 then '${app}' end, 'docs/' || i || '.md', 1, repeat('a', 64), 3, clock_now() - i * interval '1 h'
    from generate_series(1, 270) i`);
  await db.owner(`insert into duty (org_id, id, project_id, title, interval_days, created_at)
    select '${org}', 'duty_' || lpad(i::text, 26, '0'), '${app}', ${words}, 1, clock_now() - i * interval '1 day' from generate_series(1, 60) i`);
  await db.owner(`insert into webhook_source (org_id, id, kind, name, owner_id, signing_key, last_red_at, last_green_at)
    values ('${org}', 'whs_1', 'github', 'hub', '${owner.actor}', 'x', clock_now(), clock_now())`);
  await db.owner(`insert into alert (org_id, id, source_id, fold_key, project_id, kind, severity, title) select '${org}', 'alrt_' || lpad(i::text, 26, '0'), 'whs_1', i::text,
    '${app}', 'ci', 'high', ${words} from generate_series(1, 270) i`);
  await db.owner('analyze');
}

const COUNTS = {
  handoffs: (org: string, app: string) =>
    `select count(*)::int as count from handoff where org_id = '${org}' and to_project = '${app}' and queue = 'open'`,
  sessions: (org: string, app: string) =>
    `select count(*)::int as count from session where org_id = '${org}' and project_id = '${app}' and state = 'active' and heartbeat_at >= clock_now() - interval '45 min'`,
  alerts: (org: string, app: string) =>
    `select count(*)::int as count from alert where org_id = '${org}' and project_id = '${app}' and state = 'open'`,
  notes: (org: string) => `select count(*)::int as count from note where org_id = '${org}' and not archived and tags @> '{executive-summary}'`,
  documents: (org: string, app: string) =>
    `select count(*)::int as count from document where org_id = '${org}' and (project_id = '${app}' or project_id is null)`,
} as const;

async function cases(world: BriefingWorld, many: number) {
  const { db, org, app } = world;
  const seen = { read: 0, overBudget: 0, overBytes: 0, wrong: 0, mostTokens: 0 };
  const id = (prefix: string, number: number): string => `${prefix}_${String(number).padStart(26, '0')}`;
  // a small generator of its own: the same cases every time
  let state = 20261121;
  const next = (below: number): number => (state = (state * 48271) % 2147483647) % below;
  for (let i = 0; i < many; i += 1) {
    await db.owner(`update alert set state = case when state = 'open' then 'resolved' else 'open' end, resolved_at = case when state = 'open' then clock_now() end
      where id = '${id('alrt', 1 + next(270))}'`);
    await db.owner(`update note set archived = not archived where id = '${id('note', 50 * (1 + next(1_000)))}'`);
    await db.owner(`update session set heartbeat_at = clock_now() - interval '1 min' * ${next(90)} where id = '${id('sess', 9_951 + next(50))}'`);
    const view = await world.read();
    seen.read += 1;
    if (view.tokens > BRIEFING_LIMITS.budgetTokens) seen.overBudget += 1;
    const notes = /## Executive notes[^]*?(?=\n## )/.exec(view.markdown)?.[0] ?? '';
    if (Buffer.byteLength(notes) > BRIEFING_LIMITS.noteBytes + 200) seen.overBytes += 1;
    for (const [key, count] of Object.entries(COUNTS)) {
      const [direct] = await db.owner<{ count: number }>(count(org, app));
      const total = view.parts.find((part) => part.key === key)?.total;
      if (total?.kind !== 'exact' || total.value !== direct?.count) seen.wrong += 1;
    }
    seen.mostTokens = Math.max(seen.mostTokens, view.tokens);
  }
  return seen;
}
