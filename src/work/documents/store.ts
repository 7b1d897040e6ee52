/** The SQL of documents, their versions, requirements, and the capabilities of projects. */
import type { OrgId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import type { DocumentSummary, DocumentView, RequirementView, VersionSummary } from './contract.ts';

export type ProjectRow = { id: string; code: string; path: string | null; remote: string | null; capabilities: string[]; declared: boolean };
/** `generated`: the current version was, and may be written anew. */
export type HeldDocument = { id: string; version: number; hash: string; base: string | null; generated: boolean };
export type NewVersion = {
  id: string;
  version: number;
  content: string;
  hash: string;
  repository: string | null;
  path: string | null;
  /** Null for what nobody generated. */
  generatedFrom: readonly string[] | null;
  actor: string;
  name: string;
};

const SUMMARY = `d.id, (select code from project p where p.org_id = d.org_id and p.id = d.project_id) as project, d.name, d.version, d.hash, d.bytes,
  d.updated_at as "updatedAtMs"`;
const VERSION = `v.version, v.hash, v.bytes, v.repository, v.path, v.generated_from as "generatedFrom", v.author_id as actor, v.author_name as "authorName", v.at as "atMs"`;
type VersionRow = Omit<VersionSummary, 'author'> & { actor: string; authorName: string };

function versionOf({ actor, authorName, version, hash, bytes, repository, path, generatedFrom, atMs }: VersionRow): VersionSummary {
  return { version, hash, bytes, repository, path, generatedFrom, atMs, author: { actor, name: authorName } };
}

export async function findProject(tx: Tx, org: OrgId, code: string): Promise<ProjectRow | null> {
  const [row] = await tx.query<ProjectRow>('select id, code, path, remote, capabilities, declared from project where org_id = $1 and code = $2', [
    org,
    code,
  ]);
  return row ?? null;
}

export async function setCapabilities(tx: Tx, org: OrgId, project: { id: string; capabilities: readonly string[] }): Promise<void> {
  await tx.query('update project set capabilities = $3 where org_id = $1 and id = $2', [org, project.id, project.capabilities]);
}

export type DocumentPage = { project: string | null; after: readonly [string, string] | null; limit: number };

export async function listDocuments(tx: Tx, org: OrgId, page: DocumentPage): Promise<{ rows: DocumentSummary[]; total: number }> {
  const rows = tx.query<DocumentSummary>(
    `select ${SUMMARY} from document d where d.org_id = $1 and ($2::text is null or d.project_id = $2)
       and ($3::text is null or (d.name, d.id) > ($3, $4)) order by d.name, d.id limit $5`,
    [org, page.project, page.after?.[0] ?? null, page.after?.[1] ?? null, page.limit],
  );
  const [count] = await tx.query<{ total: number }>(
    'select count(*) as total from document where org_id = $1 and ($2::text is null or project_id = $2)',
    [org, page.project],
  );
  return { rows: await rows, total: count?.total ?? 0 };
}

/** Names and times of what a project has, at most `limit`. */
export async function namesOf(
  tx: Tx,
  org: OrgId,
  wanted: { project: string; names: readonly string[] },
): Promise<{ name: string; updatedAtMs: number }[]> {
  return tx.query(`select name, updated_at as "updatedAtMs" from document where org_id = $1 and coalesce(project_id, '') = $2 and name = any ($3)`, [
    org,
    wanted.project,
    wanted.names,
  ]);
}

/** Of the version asked for, or the current one. */
export async function findDocument(tx: Tx, org: OrgId, wanted: { id: string; version: number | null }): Promise<DocumentView | null> {
  const [row] = await tx.query<DocumentSummary>(`select ${SUMMARY} from document d where d.org_id = $1 and d.id = $2`, [org, wanted.id]);
  if (row === undefined) return null;
  const [found] = await tx.query<VersionRow & { content: string }>(
    `select ${VERSION}, v.content from document_version v where v.org_id = $1 and v.document_id = $2 and v.version = $3`,
    [org, wanted.id, wanted.version ?? row.version],
  );
  return found === undefined ? null : { ...row, shown: versionOf(found), content: found.content };
}

export async function listVersions(tx: Tx, org: OrgId, page: { id: string; before: number | null; limit: number }) {
  const rows = tx.query<VersionRow>(
    `select ${VERSION} from document_version v where v.org_id = $1 and v.document_id = $2 and ($3::int is null or v.version < $3)
      order by v.version desc limit $4`,
    [org, page.id, page.before, page.limit],
  );
  const [count] = await tx.query<{ total: number }>('select count(*) as total from document_version where org_id = $1 and document_id = $2', [
    org,
    page.id,
  ]);
  return { rows: (await rows).map(versionOf), total: count?.total ?? 0 };
}

/** The document of that name, held against other changes until the end of the transaction; made empty-handed callers wait their turn. */
export async function lockDocument(tx: Tx, org: OrgId, key: { project: string | null; name: string }): Promise<HeldDocument | null> {
  // two that make the same name at once: the second waits here and then finds it
  await tx.query(`select pg_advisory_xact_lock(hashtextextended($1, 13))`, [`${org} ${key.project ?? ''} ${key.name}`]);
  const [row] = await tx.query<HeldDocument>(
    `select d.id, d.version, d.hash, d.synced_hash as base, (select v.generated_from is not null from document_version v where v.org_id = d.org_id
       and v.document_id = d.id and v.version = d.version) as generated
     from document d where d.org_id = $1 and coalesce(d.project_id, '') = $2 and d.name = $3 for update of d`,
    [org, key.project ?? '', key.name],
  );
  return row ?? null;
}

/** Writes a version and makes it the current one; with `make` the document itself as well. */
export async function writeVersion(tx: Tx, org: OrgId, wish: NewVersion & { make: { project: string | null; name: string } | null }): Promise<void> {
  const bytes = Buffer.byteLength(wish.content);
  if (wish.make === null) {
    await tx.query('update document set version = $3, hash = $4, bytes = $5, updated_at = clock_now() where org_id = $1 and id = $2', [
      ...[org, wish.id, wish.version, wish.hash, bytes],
    ]);
  } else {
    await tx.query('insert into document (org_id, id, project_id, name, version, hash, bytes) values ($1, $2, $3, $4, $5, $6, $7)', [
      ...[org, wish.id, wish.make.project, wish.make.name, wish.version, wish.hash, bytes],
    ]);
  }
  await tx.query(
    `insert into document_version (org_id, document_id, version, content, hash, bytes, repository, path, author_id, author_name, generated_from)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [org, wish.id, wish.version, wish.content, wish.hash, bytes, wish.repository, wish.path, wish.actor, wish.name, wish.generatedFrom],
  );
}

/** It was looked over and is still right: as fresh as a new version. */
export async function touchDocument(tx: Tx, org: OrgId, id: string): Promise<void> {
  await tx.query('update document set updated_at = clock_now() where org_id = $1 and id = $2', [org, id]);
}

export async function setBase(tx: Tx, org: OrgId, doc: { id: string; base: string }): Promise<void> {
  await tx.query('update document set synced_hash = $3 where org_id = $1 and id = $2', [org, doc.id, doc.base]);
}

/** Of every project, or those that apply to one. */
export async function listRequirements(
  tx: Tx,
  org: OrgId,
  filter: { project: string | null; limit: number },
): Promise<Omit<RequirementView, 'generator'>[]> {
  return tx.query(
    `select r.pattern, (select code from project p where p.org_id = r.org_id and p.id = r.project_id) as project, r.capability,
       r.stale_days as "staleDays", false as "isDefault"
     from document_requirement r where r.org_id = $1 and ($2::text is null or r.project_id is null or r.project_id = $2) order by r.pattern limit $3`,
    [org, filter.project, filter.limit],
  );
}

export async function putRequirement(
  tx: Tx,
  org: OrgId,
  wish: { pattern: string; project: string | null; capability: string | null; staleDays: number },
): Promise<void> {
  await tx.query(
    `insert into document_requirement (org_id, pattern, project_id, capability, stale_days) values ($1, $2, $3, $4, $5)
     on conflict (org_id, pattern) do update set project_id = excluded.project_id, capability = excluded.capability, stale_days = excluded.stale_days`,
    [org, wish.pattern, wish.project, wish.capability, wish.staleDays],
  );
}

/**
 * Lines of the newest versions that hold the words, the lines with most of them first; of a project and org-wide. Documents are few, so they
 * are looked through. At most `limit` lines of at most DOCUMENTS_SEARCHED documents.
 */
export async function searchContents(
  tx: Tx,
  org: OrgId,
  wanted: { project: string | null; query: string; limit: number },
): Promise<{ path: string; line: number; text: string }[]> {
  const words = [...new Set(wanted.query.toLowerCase().match(/[\p{L}\p{N}_]{2,}/gu) ?? [])].slice(0, SEARCH_WORDS);
  if (words.length === 0) return [];
  const rows = await tx.query<{ name: string; content: string }>(
    `select d.name, v.content from document d join document_version v on v.org_id = d.org_id and v.document_id = d.id and v.version = d.version
     where d.org_id = $1 and (d.project_id is null or d.project_id = $2)
       and exists (select from unnest($3::text[]) w (word) where position(w.word in lower(v.content)) > 0) order by d.name limit $4`,
    [org, wanted.project, words, DOCUMENTS_SEARCHED],
  );
  const lines = rows.flatMap(({ name, content }) =>
    content.split('\n').flatMap((text, index) => {
      const held = words.filter((word) => text.toLowerCase().includes(word)).length;
      return held === 0 ? [] : [{ path: name, line: index + 1, text: text.trim().slice(0, LINE_CHARS), held }];
    }),
  );
  return lines
    .toSorted((a, b) => b.held - a.held)
    .slice(0, wanted.limit)
    .map(({ path, line, text }) => ({ path, line, text }));
}

const SEARCH_WORDS = 10;
const DOCUMENTS_SEARCHED = 200;
const LINE_CHARS = 500;
