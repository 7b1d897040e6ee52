/**
 * The SQL of notes as vectors (spec KNO-1): one for each of the newest notes, of its title and the beginning of its content. What they are
 * compared with is `../meaning`.
 */
import type { VectorStore } from '../meaning/meaning.ts';
import { NOTE_LIMITS } from './note.ts';

export type NoteKey = { note: string; version: number };

export const noteVectors: VectorStore<NoteKey> = {
  async state(tx, org, model) {
    const [row] = await tx.query<{ state: string }>(
      `select count(*) || '/' || coalesce(sum(version), 0) || '/' || coalesce(max(at)::text, '') as state from note_vector where org_id = $1 and model = $2`,
      [org, model],
    );
    return row?.state ?? '';
  },
  async read(tx, org, model) {
    const rows = await tx.query<NoteKey & { project: string | null; embedding: Uint8Array }>(
      `select v.note_id as note, v.version, n.project_id as project, v.embedding from note_vector v
         join note n on n.org_id = v.org_id and n.id = v.note_id where v.org_id = $1 and v.model = $2 order by v.note_id desc limit $3`,
      [org, model, NOTE_LIMITS.embedded],
    );
    return rows.map(({ project, embedding, ...key }) => ({ key, project, embedding }));
  },
  unembedded: (tx, org, { model, limit }) =>
    tx.query(
      `select n.id as note, n.version, left(n.title || E'\\n\\n' || n.content, $4) as text
         from (select id, version, title, content from note where org_id = $1 order by id desc limit $5) n
         left join note_vector v on v.org_id = $1 and v.note_id = n.id
        where v.note_id is null or v.version <> n.version or v.model <> $2 order by n.id desc limit $3`,
      [org, model, limit, NOTE_LIMITS.embeddedChars, NOTE_LIMITS.embedded],
    ),
  async set(tx, org, { note, version, model, embedding }) {
    await tx.query(
      `insert into note_vector (org_id, note_id, version, model, embedding)
       select org_id, id, version, $4, $5 from note where org_id = $1 and id = $2 and version = $3
       on conflict (org_id, note_id) do update set version = excluded.version, model = excluded.model, embedding = excluded.embedding, at = clock_now()`,
      [org, note, version, model, Buffer.from(embedding)],
    );
  },
};
