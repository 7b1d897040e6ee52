/** The SQL that finds passages of standards: by words through the view that keeps its index, by title, and what the vectors of passages are. */
import type { OrgId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import type { VectorStore } from '../meaning/meaning.ts';
import type { StandardMatch } from './contract.ts';
import { STANDARD_LIMITS } from './standard.ts';

export type PassageSearch = { query: string; project: string | null; limit: number };
export type PassageKey = { standard: string; position: number };
export type FoundPassage = StandardMatch & PassageKey & { matched: number };

const MATCH = `p.standard_id as id, p.standard_id as standard, p.position,
  (select code from project j where j.org_id = p.org_id and j.id = p.project_id) as project, p.path, p.title, p.heading, p.line, p.text as passage`;
/** Of `standard_passage_search`: $1 organization, $2 project, whose standards come beside those of the whole organization. */
const IN_SCOPE = 'p.org_id = $1 and ($2::text is null or p.project_id is null or p.project_id = $2)';
/** Any of the words: the more of them a passage has, and the closer, the better it ranks. */
const ANY_WORD = `replace(plainto_tsquery('english', $3)::text, '&', '|')::tsquery`;

/** Parts of the statement, for its plan as well. */
export function wordSearch(org: OrgId, search: PassageSearch): { text: string; values: unknown[] } {
  return {
    text: `with matching as (
        select p.standard_id, p.position, ts_rank_cd(p.words, ${ANY_WORD}, 4) + ts_rank(p.words, ${ANY_WORD}) as rank
          from standard_passage_search p where ${IN_SCOPE} and p.words @@ ${ANY_WORD} limit $5),
      best as (select standard_id, position, rank, count(*) over () as matched from matching order by rank desc, standard_id, position limit $4)
      select ${MATCH}, best.matched from best join standard_passage_search p on p.standard_id = best.standard_id and p.position = best.position
       order by best.rank desc, p.standard_id, p.position`,
    values: [org, search.project, search.query, search.limit, STANDARD_LIMITS.candidates],
  };
}

export async function searchWords(tx: Tx, org: OrgId, search: PassageSearch): Promise<FoundPassage[]> {
  const { text, values } = wordSearch(org, search);
  return tx.query<FoundPassage>(text, values);
}

/** The first passage of standards whose title is like the query: names and typing mistakes. */
export async function searchTitles(tx: Tx, org: OrgId, search: PassageSearch): Promise<FoundPassage[]> {
  return tx.query<FoundPassage>(
    `select ${MATCH}, count(*) over () as matched from standard_passage_search p
      where ${IN_SCOPE} and p.position = 0 and word_similarity($3, p.title || ' ' || p.path) > 0.45
      order by word_similarity($3, p.title || ' ' || p.path) desc, p.standard_id limit $4`,
    [org, search.project, search.query, search.limit],
  );
}

export async function passagesAt(tx: Tx, org: OrgId, at: { project: string | null; keys: readonly PassageKey[] }): Promise<FoundPassage[]> {
  return tx.query<FoundPassage>(
    `select ${MATCH}, 0 as matched from standard_passage_search p
       join unnest($3::text[], $4::int[]) as k (standard, position) on k.standard = p.standard_id and k.position = p.position where ${IN_SCOPE}`,
    [org, at.project, at.keys.map(({ standard }) => standard), at.keys.map(({ position }) => position)],
  );
}

export const passageVectors: VectorStore<PassageKey> = {
  async read(tx, org, model) {
    const rows = await tx.query<PassageKey & { project: string | null; embedding: Uint8Array }>(
      `select p.standard_id as standard, p.position, s.project_id as project, p.embedding from standard_passage p
         join standard s on s.org_id = p.org_id and s.id = p.standard_id where p.org_id = $1 and p.embedding_model = $2`,
      [org, model],
    );
    return rows.map(({ project, embedding, ...key }) => ({ key, project, embedding }));
  },
  async state(tx, org, model) {
    const [row] = await tx.query<{ state: string }>(
      `select count(*) filter (where p.embedding_model = $2) || '/' || coalesce(max(s.indexed_at)::text, '') as state
         from standard s left join standard_passage p on p.org_id = s.org_id and p.standard_id = s.id where s.org_id = $1`,
      [org, model],
    );
    return row?.state ?? '';
  },
  unembedded: (tx, org, { model, limit }) =>
    tx.query(
      `select standard_id as standard, position, heading || E'\\n' || text as text from standard_passage
        where org_id = $1 and embedding_model is distinct from $2 order by standard_id, position limit $3`,
      [org, model, limit],
    ),
  async set(tx, org, { standard, position, embedding, model, text }) {
    await tx.query(
      `update standard_passage set embedding = $4, embedding_model = $5
        where org_id = $1 and standard_id = $2 and position = $3 and heading || E'\\n' || text = $6`,
      [org, standard, position, Buffer.from(embedding), model, text],
    );
  },
};
