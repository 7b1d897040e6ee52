/**
 * The SQL of notes. One note is read from its table under row level security; many are read from `note_search`, the view that
 * filters by organization itself so that the indexes over tags and words are used (migration 0012).
 */
import type { OrgId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import type { NoteMatch, NoteSummary, NoteVersionView, NoteView } from './contract.ts';
import { NOTE_LIMITS } from './note.ts';
import type { NoteChange } from './note.ts';

export type NoteFilter = { project: string | null; scope: 'all' | 'org'; tag: string | null; archived: 'no' | 'yes' | 'all' };
export type Writing = { word: string; source: string; surface: 'http' | 'mcp'; actor: string; name: string; key: string };
export type NoteRow = {
  id: string;
  project: string | null;
  title: string;
  content: string;
  tags: readonly string[];
  archived: boolean;
  version: number;
};

const SUMMARY = `n.id, (select code from project p where p.org_id = n.org_id and p.id = n.project_id) as project, n.title, n.tags, n.archived,
  n.version, octet_length(n.content) as bytes, n.created_at as "createdAtMs", n.updated_at as "updatedAtMs"`;

const WRITTEN = `json_build_object('by', json_build_object('actor', v.actor_id, 'name', v.actor_name, 'key', v.key), 'surface', v.surface,
  'word', v.word, 'source', v.source, 'atMs', (extract(epoch from v.at) * 1000)::bigint) as written`;

/** Of `note_search`: $1 organization, $2 project, $3 scope, $4 tag, $5 archived. A null says nothing. */
const MATCHES_FILTER = `n.org_id = $1 and ($2::text is null or n.project_id = $2) and ($3 = 'all' or n.project_id is null)
  and ($4::text is null or n.tags @> array[$4]) and ($5 = 'all' or n.archived = ($5 = 'yes'))`;

function filterValues(org: OrgId, filter: NoteFilter): unknown[] {
  return [org, filter.project, filter.scope, filter.tag, filter.archived];
}

export type NotePage = NoteFilter & { before: string | null; limit: number };

export async function listNotes(tx: Tx, org: OrgId, page: NotePage): Promise<{ rows: NoteSummary[]; total: number }> {
  const rows = tx.query<NoteSummary>(
    `select ${SUMMARY} from note_search n where ${MATCHES_FILTER} and ($6::text is null or n.id < $6) order by n.id desc limit $7`,
    [...filterValues(org, page), page.before, page.limit],
  );
  const [count] = await tx.query<{ total: number }>(`select count(*) as total from note_search n where ${MATCHES_FILTER}`, filterValues(org, page));
  return { rows: await rows, total: count?.total ?? 0 };
}

export type NoteSearch = NoteFilter & { query: string; limit: number };
type Found = { rows: NoteMatch[]; matched: number };
type FoundRow = NoteMatch & { matched: number };

/** Enough words to know a note by. No marks around what matched: who shows it sets its own. */
const EXCERPT = 'MaxFragments=1, MaxWords=24, MinWords=10, StartSel="", StopSel=""';

/** Parts of the statement, for its plan as well. */
export function wordSearch(org: OrgId, search: NoteSearch): { text: string; values: unknown[] } {
  return {
    text: `with matching as (
        select id, ts_rank_cd(words, websearch_to_tsquery('english', $6)) as rank from (
          select n.id, n.words from note_search n where ${MATCHES_FILTER} and n.words @@ websearch_to_tsquery('english', $6) limit $8
        ) matches),
      best as (select id, rank, count(*) over () as matched from matching order by rank desc, id desc limit $7)
      select ${SUMMARY}, ts_headline('english', n.content, websearch_to_tsquery('english', $6), '${EXCERPT}') as excerpt, best.matched
        from best join note n on n.org_id = $1 and n.id = best.id order by best.rank desc, n.id desc`,
    values: [...filterValues(org, search), search.query, search.limit, NOTE_LIMITS.candidates],
  };
}

/** `matched` counts up to NOTE_LIMITS.candidates. */
export async function searchWords(tx: Tx, org: OrgId, search: NoteSearch): Promise<Found> {
  const { text, values } = wordSearch(org, search);
  return foundOf(await tx.query<FoundRow>(text, values));
}

/** How alike a word of the title must be: a letter or two may differ. */
const LIKENESS = '0.45';

/** Notes with a title like the query, when no note has its words: names and typing mistakes. */
export async function searchTitles(tx: Tx, org: OrgId, search: NoteSearch): Promise<Found> {
  void tx.query(`select set_config('pg_trgm.word_similarity_threshold', $1, true)`, [LIKENESS]);
  const rows = await tx.query<FoundRow>(
    `with matching as (
        select n.id, word_similarity($6, n.title) as likeness from note_search n where ${MATCHES_FILTER} and $6 <% n.title limit $8),
      best as (select id, likeness, count(*) over () as matched from matching order by likeness desc, id desc limit $7)
      select ${SUMMARY}, left(n.content, 200) as excerpt, best.matched
        from best join note n on n.org_id = $1 and n.id = best.id order by best.likeness desc, n.id desc`,
    [...filterValues(org, search), search.query, search.limit, NOTE_LIMITS.candidates],
  );
  return foundOf(rows);
}

/** Of these notes those that the filter lets through, in no order. */
export async function notesAt(tx: Tx, org: OrgId, wanted: NoteFilter & { ids: readonly string[] }): Promise<NoteMatch[]> {
  return tx.query(`select ${SUMMARY}, left(n.content, 200) as excerpt from note_search n where ${MATCHES_FILTER} and n.id = any ($6)`, [
    ...filterValues(org, wanted),
    wanted.ids,
  ]);
}

function foundOf(rows: readonly FoundRow[]): Found {
  return { rows: rows.map(({ matched: _, ...row }) => row), matched: rows[0]?.matched ?? 0 };
}

export async function findNote(tx: Tx, org: OrgId, id: string): Promise<NoteView | null> {
  const [row] = await tx.query<NoteView>(
    `select ${SUMMARY}, n.content, ${WRITTEN} from note n
       join note_version v on v.org_id = n.org_id and v.note_id = n.id and v.version = n.version where n.org_id = $1 and n.id = $2`,
    [org, id],
  );
  return row ?? null;
}

/** The note, held against other changes until the end of the transaction; `project` is the id. */
export async function lockNote(tx: Tx, org: OrgId, id: string): Promise<NoteRow | null> {
  const [row] = await tx.query<NoteRow>(
    `select id, project_id as project, title, content, tags, archived, version from note where org_id = $1 and id = $2 for update`,
    [org, id],
  );
  return row ?? null;
}

export async function listVersions(
  tx: Tx,
  org: OrgId,
  page: { id: string; before: number | null; limit: number },
): Promise<{ rows: NoteVersionView[]; total: number }> {
  const rows = tx.query<NoteVersionView>(
    `select v.version, v.change, (select code from project p where p.org_id = v.org_id and p.id = v.project_id) as project, v.title, v.content, v.tags,
       ${WRITTEN} from note_version v where v.org_id = $1 and v.note_id = $2 and ($3::int is null or v.version < $3) order by v.version desc limit $4`,
    [org, page.id, page.before, page.limit],
  );
  const [count] = await tx.query<{ total: number }>('select count(*) as total from note_version where org_id = $1 and note_id = $2', [org, page.id]);
  return { rows: await rows, total: count?.total ?? 0 };
}

export async function insertNote(tx: Tx, org: OrgId, note: NoteRow): Promise<void> {
  await tx.query(`insert into note (org_id, id, project_id, title, content, tags) values ($1, $2, $3, $4, $5, $6)`, [
    ...[org, note.id, note.project, note.title, note.content],
    note.tags,
  ]);
}

export async function updateNote(tx: Tx, org: OrgId, note: NoteRow): Promise<void> {
  await tx.query(
    `update note set project_id = $3, title = $4, content = $5, tags = $6, archived = $7, version = $8, updated_at = clock_now()
      where org_id = $1 and id = $2`,
    [org, note.id, note.project, note.title, note.content, note.tags, note.archived, note.version],
  );
}

export async function insertVersion(tx: Tx, org: OrgId, version: { note: NoteRow; change: NoteChange; writing: Writing }): Promise<void> {
  const { note, change, writing } = version;
  await tx.query(
    `insert into note_version (org_id, note_id, version, change, title, content, tags, project_id, word, source, surface, actor_id, actor_name, key)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [
      ...[org, note.id, note.version, change, note.title, note.content, note.tags, note.project],
      ...[writing.word, writing.source, writing.surface, writing.actor, writing.name, writing.key],
    ],
  );
}
