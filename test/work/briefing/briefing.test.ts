/** Briefings on a real database: whole, true to direct counts, with a source failing, by index, closed to others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { authorise } from '../../../src/platform/identity/permissions.ts';
import { briefingOperations } from '../../../src/work/briefing/contract.ts';
import * as store from '../../../src/work/briefing/store.ts';
import { HandoffParts } from '../../../src/work/handoffs/contract.ts';
import type { QueueView } from '../../../src/work/work-queue/contract.ts';
import type { BriefingWorld } from '../../support/briefing.ts';
import { briefingWorld } from '../../support/briefing.ts';
import { callerOf, testOwner, testPrincipal } from '../../support/identity.ts';
import { APP_REMOTE, START_MS } from '../../support/sessions.ts';

const DAY_MS = 86_400_000;
const WORD = { word: 'Keep this.' };

function leave(world: BriefingWorld, session: string, over: object = {}) {
  const parts = HandoffParts.parse({ status: 'in_progress', summary: 'The build is half mended.' });
  return world.handoffs.handlers.write(callerOf(world.owner), { ...parts, session, under: [], ...over });
}

const note = (world: BriefingWorld, over: object) =>
  world.notes.handlers.create(callerOf(world.owner), {
    title: 'Vision',
    content: 'We build mills.',
    tags: ['executive-summary'],
    project: 'app',
    ...WORD,
    ...over,
  });

test('one call tells where you are, what was left, who else works, what is due and what changed [BRF-1]', async () => {
  await using world = await briefingWorld();
  const me = callerOf(world.owner);
  await world.db.setTime(START_MS);
  const before = await world.start({ branch: 'old', issue: '12' });
  await leave(world, before.session.id, { next: ['Mend the other half.'], blocked: ['No key for the deploy.'] });
  await world.cadence.handlers.add(me, { title: 'Rotate keys', intervalDays: 1, project: 'app' });
  await world.cadence.handlers.add(me, { title: 'Read the budget', intervalDays: 1, project: null });
  await world.cadence.handlers.add(me, { title: 'Of the site', intervalDays: 1, project: 'site' });
  await world.db.setTime(START_MS + 3 * DAY_MS);
  const other = await world.start({ machine: 'desk', branch: 'topic', workingOn: 'the parser', track: 2 });
  await world.sessions.handlers.claim(me, { id: other.session.id, kind: 'file', name: 'src/parser.ts', onHeld: 'warn' });
  const site = await world.start({ project: 'site' });
  await leave(world, site.session.id, { to: 'app', priority: 'low', summary: 'Rename the field.' });
  await leave(world, site.session.id, { to: 'app', priority: 'urgent', summary: 'The API is down.' });
  await note(world, {});
  await note(world, { title: 'Elsewhere', project: 'site' });
  await note(world, { title: 'For all', project: null });
  await note(world, { title: 'No summary', tags: ['prd'] });
  await world.documents.handlers.put(me, { name: 'docs/API.md', project: 'app', content: '# API' });
  await world.documents.handlers.put(me, { name: 'house.md', project: null, content: '# House' });
  const mine = await world.start({ repository: APP_REMOTE, branch: 'main', issue: '13' });
  const view = await world.read({ project: undefined, session: mine.session.id });
  const { markdown } = view;
  assert.deepEqual([view.project.code, view.session, view.faults], ['app', mine.session.id, []]);
  for (const expected of [
    /^# Briefing: `app`\n/,
    /branch `main`/,
    /Environment `production`/,
    /issue `13`/,
    /## Boundary[^]*out of bounds: 1\./,
    /BLOCKED: [^]*TRIED: [^]*NEED: /,
    /## Last handoff\n\n- `ho_\w+` `in progress`[^\n]*Issue `12`[^\n]*half mended/,
    /- blocked: `No key for the deploy\.`\n- next: `Mend the other half\.`/,
    /## Handoffs from other projects: 2\n\n[^\n]*The API is down[^\n]*\n[^\n]*Rename the field/,
    /## Other live sessions: 1\n\n- `claude` on `desk` by `owner` \(`sess_\w+`\): track `2`; branch `topic`; holds `file src\/parser\.ts`; works on `the parser`/,
    /## Overdue duties and events of this week: 2\n\n- `Rotate keys` was due[^\n]*\n- `Read the budget` was due[^\n]*org-wide/,
    /## Since your last session here[^]*: 2 handoffs, 1 changed documents, 2 changed notes, 1 sessions begun\./,
    /## Executive notes: 3\n\n- `Vision`[^]*- `Elsewhere`[^]*- `For all`/,
    /## Documents: 2\n\n- `docs\/API\.md`[^]*- `house\.md`[^\n]*org-wide/,
    /Sources that answered: 11\./,
  ])
    assert.match(markdown, expected);
  assert.doesNotMatch(markdown, /Of the site|No summary/);
  assert.ok(view.tokens <= 3_000);
  const full = await world.read({ view: 'full' });
  assert.match(full.markdown, /- `docs\/API\.md`[^\n]*:\n\n```text\n# API\n```/);
});

test('org-wide duties are shown in the platform project only [CAD-1]', async () => {
  await using world = await briefingWorld();
  await world.db.setTime(START_MS);
  await world.cadence.handlers.add(callerOf(world.owner), { title: 'Read the budget', intervalDays: 1, project: null });
  await world.db.setTime(START_MS + 2 * DAY_MS);
  const due = async (project: string) => (await world.read({ project })).parts.find(({ key }) => key === 'duties')?.total;
  assert.deepEqual(
    [await due('app'), await due('site')],
    [
      { kind: 'exact', value: 1 },
      { kind: 'exact', value: 0 },
    ],
  );
  await world.db.owner("update project set capabilities = '{platform}' where code = 'site'");
  assert.deepEqual(
    [await due('app'), await due('site')],
    [
      { kind: 'exact', value: 0 },
      { kind: 'exact', value: 1 },
    ],
  );
});

test('alerts, urgent issues and the weekly plan are told, doubts about them as well, on a track its issues [BRF-1, BRF-7, SES-7]', async () => {
  await using world = await briefingWorld({ queue: queueOf() });
  const { db, org, app, site, owner } = world;
  await db.setTime(START_MS);
  const alerts = async () => (await world.read()).sources.find(({ name }) => name === 'alerts');
  assert.equal((await alerts())?.state, 'doubtful');
  await db.owner(`insert into webhook_source (org_id, id, kind, name, owner_id, signing_key, last_red_at)
    values ('${org}', 'whs_1', 'github', 'hub', '${owner.actor}', 'x', clock_now())`);
  assert.match((await alerts())?.why ?? '', /never a success/);
  await db.owner('update webhook_source set last_green_at = clock_now()');
  assert.equal((await alerts())?.state, 'ok');
  const alert = (id: string, project: string, rest: string) =>
    db.owner(`insert into alert (org_id, id, source_id, fold_key, project_id, kind, severity, title, owner_id, count, first_at)
    values ('${org}', '${id}', 'whs_1', '${id}', ${project}, ${rest})`);
  await alert('alrt_1', `'${app}'`, `'ci', 'medium', 'CI failed on main', null, 3, clock_now()`);
  await alert(
    'alrt_2',
    'null',
    `'security', 'critical', 'Leaked key
# Stop rules', '${owner.actor}', 1, clock_now() - interval '90 days'`,
  );
  await alert('alrt_3', `'${site}'`, `'other', 'high', 'Of the site', null, 1, clock_now()`);
  await db.owner(`insert into weekly_plan (org_id, version, priority_project, goals, notes, author_id, author_name, at)
    values ('${org}', 1, '${site}', '{Ship it}', '', '${owner.actor}', 'Tess', clock_now() - interval '9 days')`);
  const { markdown } = await world.read({ project: 'site' });
  assert.match(
    markdown,
    /## Open alerts: 2\n\n- `high` `other`: `Of the site`[^\n]*\n- `critical` `security`: `Leaked key # Stop rules`[^\n]*owner `owner`; OVERDUE/,
  );
  assert.match((await world.read()).markdown, /## Open alerts: 3\n\n- `medium` `ci`: `CI failed on main` \(`alrt_1`; 3 times; open for 0 days\)/);
  assert.match(markdown, /## Weekly plan\n\n- STALE, 9 days old[^\n]*priority is `site`\n- goal: `Ship it`/);
  assert.match(markdown, /## Urgent issues: 1 of at least 1\n\n- `#7` `urgent`, `open`: `Down`/);
  const { session } = await world.start({ track: 2 });
  assert.match(
    (await world.read({ session: session.id })).markdown,
    /track `2`: its issues only[^]*## Issues of track `2`: 1 of at least 1\n\n- `#8`/,
  );
});

function queueOf(): QueueView {
  const [one, none] = [{ kind: 'at_least', value: 1 } as const, { kind: 'exact', value: 0 } as const];
  const issue = { project: 'app', url: '', status: 'open', updatedAtMs: START_MS } as const;
  return {
    sources: [],
    items: [
      { ...issue, number: 7, title: 'Down', priority: 'urgent', labels: [], assignees: [] },
      { ...issue, number: 8, title: 'Slow', priority: 'low', labels: ['track:2'], assignees: [] },
    ],
    ...{ shown: 2, total: { kind: 'at_least', value: 2 }, byPriority: { urgent: one, high: none, normal: none, low: one } },
    byStatus: { in_progress: none, ready: none, open: one, blocked: none },
  };
}

test('every count equals a direct count [BRF-3]', async () => {
  await using world = await briefingWorld();
  const { db, org, app, site } = world;
  const actor = world.owner.actor;
  const counts = fc.record({
    queue: fc.nat(60),
    live: fc.nat(60),
    stale: fc.nat(9),
    due: fc.nat(60),
    notes: fc.nat(60),
    archived: fc.nat(9),
    documents: fc.nat(90),
  });
  const numbered = (many: number): string => `from generate_series(1, ${many}) i`;
  await fc.assert(
    fc.asyncProperty(counts, async (has) => {
      await db.owner('truncate handoff, duty_done, duty, note_version, note, document_version, document, session_claim, session cascade');
      const place = `'${org}', '${app}', '${actor}', 'Tess', 'claude', '', 'm' || i, ''`;
      const into = 'session (org_id, project_id, actor_id, actor_name, agent, repository, machine, client_session, id';
      await db.owner(`insert into ${into}) select ${place}, 'sess_live' || i ${numbered(has.live)}`);
      await db.owner(
        `insert into ${into}, heartbeat_at) select ${place.replace("'m'", "'s'")}, 'sess_stale' || i, clock_now() - interval '46 min' ${numbered(has.stale)}`,
      );
      await db.owner(`insert into ${into}) values ('${org}', '${site}', '${actor}', 'Tess', 'claude', '', 'm', '', 'sess_site')`);
      await db.owner(`insert into handoff (org_id, id, session_id, from_project, to_project, status, priority, summary, schema_version, payload, sha256, bytes, queue)
        select '${org}', 'ho_' || i, 'sess_site', '${site}', '${app}', 'done', 'normal', 'x', 1, '{}', md5(i::text) || md5(i::text), 2, 'open' ${numbered(has.queue)}`);
      await db.owner(`insert into duty (org_id, id, project_id, title, interval_days, created_at)
        select '${org}', 'duty_' || i, '${app}', 'x', 1, clock_now() - interval '2 days' ${numbered(has.due)}`);
      await db.owner(`insert into note (org_id, id, project_id, title, content, tags, archived)
        select '${org}', 'note_' || i, case i % 3 when 0 then '${app}' when 1 then '${site}' end, 'x', repeat('word ', i), '{executive-summary}', i > ${has.notes}
        ${numbered(has.notes + has.archived)}`);
      await db.owner(`insert into document (org_id, id, project_id, name, version, hash, bytes)
        select '${org}', 'doc_' || i, case when i % 4 > 0 then '${app}' end, 'd' || i, 1, repeat('a', 64), 3 ${numbered(has.documents)}`);
      const view = await world.read();
      const totals = Object.fromEntries(view.parts.map(({ key, total }) => [key, total]));
      const exact = (value: number) => ({ kind: 'exact', value });
      assert.deepEqual(
        [totals['handoffs'], totals['sessions'], totals['duties'], totals['notes'], totals['documents']],
        [has.queue, has.live, has.due, has.notes, has.documents].map(exact),
      );
      assert.ok(view.tokens <= 3_000 && view.faults.length === 0);
    }),
    { numRuns: 25 },
  );
});

test('beyond what is counted a count says at least [BRF-3]', async () => {
  await using world = await briefingWorld();
  await world.db.owner(`insert into note (org_id, id, project_id, title, content, tags)
    select '${world.org}', 'note_' || i, '${world.app}', 'x', 'y', '{executive-summary}' from generate_series(1, 10001) i`);
  const view = await world.read();
  assert.match(view.markdown, /## Executive notes: \d+ of at least 10000/);
});

test('a source that fails is named, not zero, and fails nothing else; one gone silent is named [BRF-3, BRF-7]', async () => {
  await using world = await briefingWorld();
  await world.db.setTime(START_MS);
  const before = (await world.read()).sources.filter(({ state }) => state !== 'ok');
  assert.deepEqual(
    before.map(({ name }) => name),
    ['alerts'],
    'no webhook',
  );
  await world.db.owner('alter table duty rename to elsewhere');
  await world.db.setTime(START_MS + DAY_MS);
  const view = await world.read();
  const state = Object.fromEntries(view.sources.map((each) => [each.name, [each.state, each.lastSuccessAtMs]]));
  assert.deepEqual(
    [state['duties'], state['notes'], state['handoffs']],
    [
      ['failed', START_MS],
      ['ok', START_MS + DAY_MS],
      ['ok', START_MS + DAY_MS],
    ],
  );
  assert.match(view.markdown, /## Overdue duties and events of this week: unknown\n\nFailed, which is not the same as none: `an internal fault/);
  assert.match(view.markdown, /Sources that answered: 10 of 11\.[^]*- `duties` `failed`: it last answered 2026-11-21 12:00Z/);
  assert.doesNotMatch(view.markdown, /relation|elsewhere/);
  assert.equal(world.logged.length, 1);
  await world.db.owner('alter table elsewhere rename to duty');
  await world.db.owner(`insert into document (org_id, id, project_id, name, version, hash, bytes, synced_hash, updated_at)
    select '${world.org}', 'doc_' || i, '${world.app}', 'd' || i, 1, repeat('a', 64), 3, 'x', clock_now() - i * interval '1 hour' from generate_series(30, 36) i`);
  const silent = (await world.read()).sources.find(({ name }) => name === 'documents');
  assert.deepEqual([silent?.state, silent?.lagMs], ['silent', 30 * 3_600_000]);
});

test('no project, an unknown one, an unknown remote, two of one remote, an unknown session [BRF-1]', async () => {
  await using world = await briefingWorld();
  await assert.rejects(world.read({ project: undefined }), { code: 'not_found', message: /Neither a project nor a repository/ });
  await assert.rejects(world.read({ project: 'nowhere' }), { code: 'not_found' });
  await assert.rejects(world.read({ project: undefined, repository: 'https://github.com/acme/other' }), { code: 'not_found' });
  await assert.rejects(world.read({ project: undefined, session: 'sess_01jd2m7x9c4qf8w3v5k6t1z0ab' }), { code: 'not_found' });
  assert.equal((await world.read({ project: undefined, repository: APP_REMOTE })).project.code, 'app');
  assert.match((await world.read({ project: 'site', repository: APP_REMOTE })).markdown, /- Warning: `The repository belongs to the project app/);
  await world.db.owner("update project set remote = 'git@github.com:acme/app' where code = 'site'");
  await assert.rejects(world.read({ project: undefined, repository: APP_REMOTE }), { code: 'invalid_input' });
});

test('another organization, and a key without the permission, are told nothing [BRF-1]', async () => {
  await using world = await briefingWorld();
  const { session } = await world.start();
  const { owner: stranger } = await testOwner(world.identity, 'Other');
  await assert.rejects(world.read({}, stranger), { code: 'not_found' });
  await assert.rejects(world.read({ project: undefined, session: session.id }, stranger), { code: 'not_found' });
  const runner = await testPrincipal(world.identity, world.owner, { role: 'member', scopes: ['run'] });
  assert.throws(() => authorise(runner, briefingOperations.read.permission), { code: 'denied' });
  const viewer = await testPrincipal(world.identity, world.owner, { role: 'viewer' });
  authorise(viewer, briefingOperations.read.permission);
});

test('with much stored every source reads by an index, as the role of the application [BRF-6]', async () => {
  await using world = await briefingWorld();
  const { db, org, app, site } = world;
  const actor = world.owner.actor;
  await db.owner(`insert into session (org_id, project_id, actor_id, actor_name, agent, repository, machine, client_session, id, state, end_reason, ended_at, started_at)
    select '${org}', case when i % 2 = 0 then '${app}' else '${site}' end, '${actor}', 'Tess', 'claude', '', 'm', '', 'sess_' || lpad(i::text, 26, '0'), 'ended', 'manual',
      clock_now() - i * interval '1 min', clock_now() - i * interval '1 min' from generate_series(1, 6000) i`);
  await db.owner(`insert into handoff (org_id, id, session_id, from_project, to_project, status, priority, summary, schema_version, payload, sha256, bytes, queue)
    select '${org}', 'ho_' || i, 'sess_' || lpad(i::text, 26, '0'), case when i % 2 = 0 then '${app}' else '${site}' end, '${app}', 'done', 'normal', 'x', 1, '{}',
      md5(i::text) || md5(i::text), 2, case when i % 2 = 1 then 'taken' end from generate_series(1, 3000) i where i % 2 = 0`);
  await db.owner(`insert into note (org_id, id, project_id, title, content, tags)
    select '${org}', 'note_' || i, case i % 3 when 0 then '${app}' when 1 then '${site}' end, 'x', 'y', case when i % 20 = 0 then '{executive-summary}' else '{prd}' end::text[]
    from generate_series(1, 20000) i`);
  await db.owner(`insert into document (org_id, id, project_id, name, version, hash, bytes)
    select '${org}', 'doc_' || i, case when i % 50 = 0 then '${app}' else '${site}' end, 'd' || i, 1, repeat('a', 64), 3 from generate_series(1, 10000) i`);
  await db.owner(`insert into duty (org_id, id, project_id, title, interval_days) select '${org}', 'duty_' || i, case when i % 20 = 0 then '${app}' else '${site}' end, 'x', 1
    from generate_series(1, 3000) i`);
  await db.owner('analyze');
  const plans: readonly [string, string, readonly unknown[], RegExp][] = [
    ['queue', store.QUEUED, [org, app], /handoff_queue/],
    ['live', store.LIVE, [org, app, null, 2_700_000], /session_live|session_by_place/],
    ['duties', store.DUE, [org, app, false], /duty_by_project/],
    ['notes', store.NOTES, [org, app, 8, 1_500], /note_executive[^]*note_executive_fresh|note_executive_fresh[^]*note_executive/],
    ['documents', store.DOCUMENTS, [org, app, 0, 150], /document_by_project/],
    ['changes', store.CHANGES, [org, app, actor, null, 2_700_000], /document_by_project[^]*note_by_change/],
  ];
  for (const [what, text, values, index] of plans) {
    const rows = await db.asOrg(org, (tx) => tx.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values));
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    assert.match(plan, index, what);
    // how many of the sessions are since then nobody knows when the plan is made
    if (what !== 'changes') assert.doesNotMatch(plan, /Seq Scan on (?:session|note|document|duty)\b/, `${what}:\n${plan}`);
  }
});

test('costs of today are those of runs and of the gateway together, with the part of the project, and unknown where a price is [BRF-1, BRF-3]', async () => {
  await using world = await briefingWorld();
  const spend = (day: string, project: string, over: { microUsd: number; rehearsed?: boolean; unpriced?: number }) =>
    world.db.owner(
      `insert into spend_day (org_id, day, project_id, agent_id, key_id, model, actor_id, rehearsed, calls, failed, estimated, unpriced, outside, input_tokens,
         cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, micro_usd)
       values ($1, (clock_now() at time zone 'UTC')::date + $2::int, $3, '', gen_random_uuid()::text, 'm', '', $4, 3, 0, 0, $5, 0, 1, 0, 0, 1, 0, $6)`,
      [world.org, day, project, over.rehearsed ?? false, over.unpriced ?? 0, over.microUsd],
    );
  await spend('0', world.app, { microUsd: 250_000 });
  await spend('0', '', { microUsd: 1_000_000 });
  await spend('0', world.app, { microUsd: 0, rehearsed: true });
  await spend('-1', world.app, { microUsd: 9_000_000 });
  const costs = async () => (await world.read()).parts.find(({ key }) => key === 'costs')?.items[0] as Record<string, unknown>;
  const { calls, unpriced, microUsd, ownMicroUsd } = await costs();
  assert.deepEqual([calls, unpriced, microUsd, ownMicroUsd], [{ kind: 'exact', value: 6 }, { kind: 'exact', value: 0 }, 1_250_000, 250_000]);
  assert.match(
    (await world.read()).markdown,
    /by runs and through the gateway: 6, \$1\.25[^,]*, of that \$0\.25[^;]* by this project; without a price: 0\./,
  );
  await spend('0', world.app, { microUsd: 0, unpriced: 1 });
  assert.match((await world.read()).markdown, /without a price: 1\./);
});
