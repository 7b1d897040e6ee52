/**
 * Writes down a schema as its catalogue has it: tables, keys, indexes, policies, grants, views, functions. The text is
 * for reading and for comparing, not for making a database from; migrations do that. Deterministic for one PostgreSQL version.
 */
import type { Client } from 'pg';

type Section = { readonly title: string; readonly sql: string };
type Line = { line: string };

/** Each query gives finished lines in a column `line`, ordered, with C collation so that every machine sorts alike. */
const TABLES = `
  select c.oid::int as id, c.relname as name, c.relkind as kind, c.relrowsecurity as secured, c.relforcerowsecurity as forced,
         c.relpersistence = 'u' as unlogged, case when c.relkind = 'v' then pg_get_viewdef(c.oid, true) end as definition, r.rolname as owner
    from pg_class c join pg_roles r on r.oid = c.relowner
   where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
   order by c.relname collate "C"`;
const COLUMNS = `
  select '  ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
         || case when a.attnotnull then ' not null' else '' end
         || case when a.attidentity <> '' then ' generated identity' else '' end
         || coalesce(case when a.attgenerated <> '' then ' generated as ' else ' default ' end || pg_get_expr(d.adbin, d.adrelid), '') as line
    from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
   where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped
   order by a.attnum`;
const OF_TABLE: readonly Section[] = [
  {
    title: 'constraints',
    // not-null is said with the column, and only PostgreSQL 18 lists it here
    sql: `select '  ' || conname || ' ' || pg_get_constraintdef(oid) as line from pg_constraint
           where conrelid = $1 and contype <> 'n' order by contype, conname collate "C"`,
  },
  {
    title: 'indexes',
    sql: `select '  ' || replace(pg_get_indexdef(i.indexrelid), 'public.', '') as line
            from pg_index i join pg_class c on c.oid = i.indexrelid
           where i.indrelid = $1 and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.conrelid = i.indrelid)
           order by c.relname collate "C"`,
  },
  {
    title: 'policies',
    sql: `select '  ' || policyname || ' for ' || lower(cmd) || ' to ' || array_to_string(roles, ', ')
                 || coalesce(' using ' || qual, '') || coalesce(' with check ' || with_check, '') as line
            from pg_policies where schemaname = 'public' and tablename = (select relname from pg_class where oid = $1)
           order by policyname collate "C"`,
  },
  {
    title: 'grants',
    sql: `select '  ' || coalesce(r.rolname, 'public') || ': ' || string_agg(lower(g.privilege_type) || coalesce(' (' || g.attname || ')', ''), ', ' order by g.privilege_type collate "C", g.attname collate "C") as line
            from (select a.grantee, a.privilege_type, null::name as attname from pg_class c, aclexplode(c.relacl) a where c.oid = $1 and a.grantee <> c.relowner
                  union all
                  select a.grantee, a.privilege_type, t.attname from pg_attribute t, pg_class c, aclexplode(t.attacl) a
                   where t.attrelid = $1 and c.oid = $1 and not t.attisdropped and a.grantee <> c.relowner) g
            left join pg_roles r on r.oid = g.grantee
           group by r.rolname order by coalesce(r.rolname, 'public')::text collate "C"`,
  },
  {
    title: 'triggers',
    sql: `select '  ' || replace(pg_get_triggerdef(oid), 'public.', '') as line from pg_trigger
           where tgrelid = $1 and not tgisinternal order by tgname collate "C"`,
  },
];
const FUNCTIONS = `
  select pg_get_functiondef(p.oid) || '-- owner '
         || case when r.rolname like 'windlass\\_%' then r.rolname::text else 'login' end
         || coalesce('; execute: ' || (select string_agg(coalesce(g.rolname, 'public'), ', ' order by coalesce(g.rolname, 'public')::text collate "C")
                       from aclexplode(p.proacl) a left join pg_roles g on g.oid = a.grantee where a.grantee <> p.proowner), '; execute: public') as line
    from pg_proc p join pg_roles r on r.oid = p.proowner
   where p.pronamespace = 'public'::regnamespace and p.prokind in ('f', 'p')
     and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
   order by p.proname collate "C", pg_get_function_identity_arguments(p.oid) collate "C"`;
const OTHERS: readonly Section[] = [
  {
    title: 'extensions',
    sql: `select '  ' || extname as line from pg_extension where extname <> 'plpgsql' order by extname collate "C"`,
  },
  {
    title: 'sequences',
    sql: `select '  ' || relname as line from pg_class where relnamespace = 'public'::regnamespace and relkind = 'S' order by relname collate "C"`,
  },
];

type Relation = {
  id: number;
  name: string;
  kind: string;
  secured: boolean;
  forced: boolean;
  unlogged: boolean;
  definition: string | null;
  owner: string;
};

/** The schema `public` of a connected owner's database as text. */
export async function schemaText(client: Client): Promise<string> {
  const parts = ['-- Generated by `npm run schema` from a migrated database; do not edit. Not a script: migrations make the schema.'];
  for (const section of OTHERS) parts.push(...(await describe(client, section, [])));
  const { rows: relations } = await client.query<Relation>(TABLES);
  for (const relation of relations) parts.push(await describeRelation(client, relation));
  const { rows: functions } = await client.query<Line>(FUNCTIONS);
  parts.push(...functions.map((row) => row.line.replaceAll('public.', '')));
  return `${parts.join('\n\n')}\n`;
}

async function describeRelation(client: Client, relation: Relation): Promise<string> {
  if (relation.kind === 'v') {
    const grants = await Promise.all(
      OF_TABLE.filter((section) => section.title === 'grants').map((section) => describe(client, section, [relation.id])),
    );
    const owner = relation.owner.startsWith('windlass_') ? relation.owner : 'login';
    return [`view ${relation.name} (owner ${owner}) as`, relation.definition ?? '', ...grants.flat()].join('\n');
  }
  const security = relation.secured ? `, row level security ${relation.forced ? 'forced' : 'enabled, not forced'}` : '';
  const { rows: columns } = await client.query<Line>(COLUMNS, [relation.id]);
  const lines = [`table ${relation.name}${relation.unlogged ? ', unlogged' : ''}${security}`, ...columns.map((row) => row.line)];
  for (const section of OF_TABLE) lines.push(...(await describe(client, section, [relation.id])));
  return lines.join('\n');
}

async function describe(client: Client, section: Section, values: readonly unknown[]): Promise<string[]> {
  const { rows } = await client.query<Line>(section.sql, [...values]);
  return rows.length === 0 ? [] : [` ${section.title}\n${rows.map((row) => row.line).join('\n')}`];
}
