/**
 * Every table of an organization is closed to the others, read from the catalogue, so that a new table cannot forget it.
 * The tests of each store try to cross with its functions; here are the rules that hold for all.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DatabaseError } from 'pg';
import type { OrgId } from '../../src/kernel/ids.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

const A = 'org_a' as OrgId;
const B = 'org_b' as OrgId;
const ROLES = ['windlass_app', 'windlass_worker', 'windlass_identity', 'windlass_search'];
/** Of no organization: the role of an organization may not reach them. */
const WITHOUT_ORG = ['schema_migration'];
/** Append-only for the role of an organization (STO-2), as far as they exist. */
const JOURNAL_TABLES = ['journal', 'journal_entry', 'payload'];
/** Other objects that the role of an organization may reach: search views, owned by windlass_search, which filter by organization. */
const VIEWS_OWNED_BY = 'windlass_search';

/** What is wrong with the catalogue, one line each. */
async function faultsOf(db: TestDatabase): Promise<string[]> {
  const tables = await db.owner<{
    name: string;
    org: boolean;
    required: boolean;
    first: boolean;
    enabled: boolean;
    forced: boolean;
    isolated: boolean;
  }>(`
    select c.relname as name, a.attname is not null as org, coalesce(a.attnotnull, false) as required,
           coalesce((select k.conkey[1] = a.attnum from pg_constraint k where k.conrelid = c.oid and k.contype = 'p'), false) as first,
           c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
           exists (select from pg_policies p where p.schemaname = n.nspname and p.tablename = c.relname and p.policyname = 'org_isolation' and p.cmd = 'ALL'
                      and p.roles = '{windlass_app}' and p.permissive = 'PERMISSIVE'
                      and p.qual = '(' || a.attname || ' = current_org())' and p.with_check = p.qual) as isolated
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      left join pg_attribute a on a.attrelid = c.oid and a.attname = case when c.relname = 'org' then 'id' else 'org_id' end
     where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition order by 1`);
  const faults = tables.flatMap((table) => {
    if (!table.org) return WITHOUT_ORG.includes(table.name) ? [] : [`${table.name}: no org_id`];
    return [
      ...(table.required ? [] : [`${table.name}: org_id may be null`]),
      ...(table.first ? [] : [`${table.name}: org_id is not first in the primary key`]),
      ...(table.enabled && table.forced ? [] : [`${table.name}: row level security is not forced`]),
      ...(table.isolated ? [] : [`${table.name}: no policy org_isolation as the convention has it`]),
    ];
  });
  const wide = await db.owner<{ line: string }>(
    `
    select tablename || ': policy ' || policyname || ' is for ' || array_to_string(roles, ', ') as line from pg_policies
     where schemaname = 'public' and policyname <> 'org_isolation' and roles && '{public,windlass_app}' and permissive = 'PERMISSIVE' -- a restrictive one only narrows
    union all
    select c.relname || ': granted to public' from pg_class c, aclexplode(c.relacl) g where c.relnamespace = 'public'::regnamespace and g.grantee = 0
    union all
    select c.relname || ': granted to windlass_app though it has no org_id' from pg_class c, aclexplode(c.relacl) g
     where c.relnamespace = 'public'::regnamespace and c.relname = any ($1) and pg_get_userbyid(g.grantee) = 'windlass_app'
    union all
    select c.relname || ': a view that is neither security_invoker nor owned by ' || $2 from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'v'
       and pg_get_userbyid(c.relowner) <> $2 and not coalesce(c.reloptions && '{security_invoker=true,security_invoker=on}', false)
    union all
    select p.proname || ': security definer as the login' from pg_proc p
     where p.pronamespace = 'public'::regnamespace and p.prosecdef and pg_get_userbyid(p.proowner) <> all ($3)
    union all
    select c.relname || ': owned by ' || pg_get_userbyid(c.relowner) from pg_class c
     where c.relkind in ('r', 'p') and pg_get_userbyid(c.relowner) = any ($3)
    union all
    select rolname || ': may log in, or past row level security' from pg_roles
     where rolname = any ($3) and (rolcanlogin or rolsuper or rolbypassrls or rolcreaterole or rolcreatedb)
    union all
    select r.rolname || ': is a member of ' || g.rolname from pg_auth_members m join pg_roles r on r.oid = m.member join pg_roles g on g.oid = m.roleid
     where r.rolname = any ($3)
    union all
    select t.name || ': windlass_app may change what is appended' from unnest($4::text[]) t (name)
     where to_regclass(t.name) is not null and (has_table_privilege('windlass_app', to_regclass(t.name), 'update, delete, truncate') or has_any_column_privilege('windlass_app', to_regclass(t.name), 'update'))`,
    [WITHOUT_ORG, VIEWS_OWNED_BY, ROLES, JOURNAL_TABLES],
  );
  return [...faults, ...wide.map((row) => row.line)];
}

test('every table of an organization is isolated, and no role is wider than it says [STO-2]', async () => {
  await using db = await testDatabase();
  assert.deepEqual(await faultsOf(db), []);
});

test('the check of the catalogue bites: tables, views, functions and grants that leave a gap are found [STO-2]', async () => {
  await using db = await testDatabase();
  await db.owner(`
    create table gap_bare (id text primary key);
    create table gap_open (org_id text, id text, primary key (id));
    create table gap_unforced (org_id text not null, id text, primary key (org_id, id));
    alter table gap_unforced enable row level security;
    create policy org_isolation on gap_unforced for all to windlass_app using (org_id = current_org());
    create table gap_wide (org_id text not null, id text, primary key (org_id, id));
    alter table gap_wide enable row level security;
    alter table gap_wide force row level security;
    create policy org_isolation on gap_wide for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
    create policy everybody on gap_wide for select using (true);
    create view gap_view as select * from project;
    create function gap_definer() returns int language sql security definer as 'select 1';
    grant select on schema_migration to windlass_app;
    grant select on gap_wide to public;`);
  assert.deepEqual((await faultsOf(db)).toSorted(), [
    'gap_bare: no org_id',
    'gap_definer: security definer as the login',
    'gap_open: no policy org_isolation as the convention has it',
    'gap_open: org_id is not first in the primary key',
    'gap_open: org_id may be null',
    'gap_open: row level security is not forced',
    'gap_unforced: no policy org_isolation as the convention has it',
    'gap_unforced: row level security is not forced',
    'gap_view: a view that is neither security_invoker nor owned by windlass_search',
    'gap_wide: granted to public',
    'gap_wide: policy everybody is for public',
    'schema_migration: granted to windlass_app though it has no org_id',
  ]);
});

test('one organization reads, changes and removes nothing of another, and cannot write into it [STO-2]', async () => {
  await using db = await testDatabase();
  await db.addOrg(A);
  await db.addOrg(B);
  await db.asOrg(A, (tx) => tx.query("insert into project (org_id, id, code, name) values ($1, 'prj_1', 'one', 'One')", [A]));
  const asB = (text: string) => db.asOrg(B, (tx) => tx.query(text));
  assert.deepEqual(await asB('select * from project'), []);
  assert.deepEqual(await asB("select * from org where id = 'org_a'"), []);
  assert.deepEqual(await asB("update project set name = 'taken' returning id"), []);
  assert.deepEqual(await asB('delete from project returning id'), []);
  await assert.rejects(asB("insert into project (org_id, id, code, name) values ('org_a', 'prj_2', 'two', 'Two')"), /row-level security/);
  assert.equal((await db.asOrg(A, (tx) => tx.query('select * from project'))).length, 1);
});

test('without an organization there are no rows, and no role reaches beyond its grants [STO-2]', async () => {
  await using db = await testDatabase();
  await db.addOrg(A);
  await db.asOrg(A, (tx) => tx.query("insert into project (org_id, id, code, name) values ($1, 'prj_1', 'one', 'One')", [A]));
  assert.deepEqual(await db.asOrg('' as OrgId, (tx) => tx.query('select * from project')), []);
  const denied = (error: unknown): boolean => error instanceof DatabaseError && error.code === '42501';
  await assert.rejects(
    db.asIdentity((tx) => tx.query('select * from project')),
    denied,
  );
  await assert.rejects(
    db.asWorker((tx) => tx.query("update project set name = 'x'")),
    denied,
  );
  await assert.rejects(
    db.asOrg(A, (tx) => tx.query('select * from schema_migration')),
    denied,
  );
  await assert.rejects(
    db.asOrg(A, (tx) => tx.query('alter table project no force row level security')),
    denied,
  );
  assert.equal((await db.asWorker((tx) => tx.query('select * from project'))).length, 1);
});
