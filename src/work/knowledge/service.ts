/**
 * Use cases of notes (spec KNO-1): kept at a person's explicit word, every version with its provenance, found by tag, scope and text.
 * An agent's own service account has no person's word and is refused.
 */
import { AppError } from '../../kernel/errors.ts';
import type { Ids, OrgId, ProjectId } from '../../kernel/ids.ts';
import type { Caller, Handlers } from '../../kernel/operation.ts';
import type { Count } from '../../kernel/page.ts';
import { decodeCursor, encodeCursor } from '../../kernel/page.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Embedder } from '../../runtime/models/embeddings.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { Meaning } from '../meaning/meaning.ts';
import { createMeaning, fuse } from '../meaning/meaning.ts';
import type { NoteMatch, NoteView, noteOperations } from './contract.ts';
import { isSameText, NOTE_LIMITS, tidyTags } from './note.ts';
import type { NoteChange } from './note.ts';
import { listOrgs } from '../../platform/identity/store.ts';
import * as store from './store.ts';
import type { NoteFilter, NoteRow, Writing } from './store.ts';
import type { NoteKey } from './vector-store.ts';
import { noteVectors } from './vector-store.ts';

export type NotesDeps = {
  db: Database;
  ids: Ids;
  /** By id or code. @throws AppError `not_found` */
  project: (org: OrgId, wanted: string) => Promise<ProjectId | null>;
  /** Null when no embedding model is configured: then notes are found by words. */
  embedder: Embedder | null;
};
export type Notes = {
  handlers: Handlers<Principal, typeof noteOperations>;
  /** Embeds what is new or changed. To be called every `EMBED_EVERY_MS`. */
  embed(): Promise<void>;
};
type ServiceDeps = NotesDeps & { meaning: Meaning<NoteKey> | null };

type NoteCaller = Caller<Principal>;
type Said = { word: string; source?: string | undefined };
type Change = Said & { id: string; version: number };

/** The nearest notes that are looked at by meaning, before the filter and the words. */
const NEAREST = 200;
/** Of words, before both are fused. */
const EACH = 50;
export const EMBED_EVERY_MS = 5_000;
/** Of 64 notes, in one turn of an organization. */
const BATCHES = 20;

export function createNotes(given: NotesDeps): Notes {
  const { db, embedder } = given;
  const deps: ServiceDeps = { ...given, meaning: embedder === null ? null : createMeaning({ db, embedder, store: noteVectors }) };
  return {
    async embed() {
      await deps.meaning?.catchUp(await db.asWorker((tx) => listOrgs(tx)), BATCHES);
    },
    handlers: {
      list: ({ principal }, input) => listNotes(deps, principal.org, input),
      search: ({ principal }, input) => searchNotes(deps, principal.org, input),
      get: ({ principal }, { id }) => deps.db.asOrg(principal.org, (tx) => show(tx, principal.org, id)),
      versions: ({ principal }, input) => listVersions(deps, principal.org, input),
      create: (caller, input) => createNote(deps, caller, input),
      update: async (caller, { project, ...input }) => {
        const moved = project === undefined ? {} : { project: await projectId(deps, caller.principal.org, project) };
        return changeNote(deps, caller, { ...input, change: 'updated', apply: (note) => ({ ...note, ...givenText(input), ...moved }) });
      },
      archive: (caller, input) => changeNote(deps, caller, { ...input, change: 'archived', apply: (note) => ({ ...note, archived: true }) }),
      restore: (caller, input) => changeNote(deps, caller, { ...input, change: 'restored', apply: (note) => ({ ...note, archived: false }) }),
    },
  };
}

type Filter = { project?: string | undefined; scope: 'all' | 'org'; tag?: string | undefined; archived: 'no' | 'yes' | 'all' };

async function filterOf(deps: NotesDeps, org: OrgId, input: Filter): Promise<NoteFilter> {
  if (input.project !== undefined && input.scope === 'org')
    throw new AppError('invalid_input', 'A project and scope org exclude each other.', { next: 'Give one of them.' });
  const { scope, archived } = input;
  return { scope, archived, tag: input.tag ?? null, project: await projectId(deps, org, input.project ?? null) };
}

async function projectId(deps: NotesDeps, org: OrgId, code: string | null): Promise<string | null> {
  return code === null ? null : deps.project(org, code);
}

async function listNotes(deps: NotesDeps, org: OrgId, input: Filter & { limit: number; cursor?: string | undefined }) {
  const before = cursorPart(input.cursor, 'string');
  const filter = await filterOf(deps, org, input);
  const found = await deps.db.asOrg(org, (tx) => store.listNotes(tx, org, { ...filter, before, limit: input.limit + 1 }));
  const items = found.rows.slice(0, input.limit);
  const next = found.rows.length > input.limit ? encodeCursor([items.at(-1)?.id ?? '']) : null;
  return { items, shown: items.length, total: exactly(found.total), next };
}

async function searchNotes(deps: ServiceDeps, org: OrgId, input: Filter & { query: string; limit: number }) {
  const search = { ...(await filterOf(deps, org, input)), query: input.query, limit: input.limit };
  const near = await deps.meaning?.nearest(org, { query: input.query, project: search.project, limit: NEAREST });
  return deps.db.asOrg(org, async (tx) => {
    const words = await store.searchWords(tx, org, near ? { ...search, limit: EACH } : search);
    if (near) {
      const nearby = await store.notesAt(tx, org, { ...search, ids: near.map(({ note }) => note) });
      const items = fused(words.rows, { nearby, order: near.map(({ note }) => note), limit: input.limit });
      const total: Count = { kind: 'unknown', why: 'a search by meaning ranks every note' };
      if (items.length > 0) return { how: 'words_and_meaning' as const, items, shown: items.length, total };
    }
    const found = words.matched > 0 ? words : await store.searchTitles(tx, org, search);
    const total: Count = found.matched >= NOTE_LIMITS.candidates ? { kind: 'at_least', value: found.matched } : exactly(found.matched);
    return { how: words.matched > 0 ? ('words' as const) : ('likeness' as const), items: found.rows, shown: found.rows.length, total };
  });
}

/** What has the words shows where; what is only near shows its beginning. */
function fused(
  words: readonly NoteMatch[],
  { nearby, order, limit }: { nearby: readonly NoteMatch[]; order: readonly string[]; limit: number },
): NoteMatch[] {
  const rows = new Map([...nearby, ...words].map((row) => [row.id, row]));
  const names = fuse([words.map(({ id }) => id), order.filter((id) => rows.has(id))], limit);
  return names.flatMap((id) => rows.get(id) ?? []);
}

async function listVersions(deps: NotesDeps, org: OrgId, input: { id: string; limit: number; cursor?: string | undefined }) {
  const before = cursorPart(input.cursor, 'number');
  return deps.db.asOrg(org, async (tx) => {
    const found = await store.listVersions(tx, org, { id: input.id, before, limit: input.limit + 1 });
    if (found.total === 0) throw unknownNote(input.id);
    const items = found.rows.slice(0, input.limit);
    const next = found.rows.length > input.limit ? encodeCursor([items.at(-1)?.version ?? 0]) : null;
    return { items, shown: items.length, total: exactly(found.total), next };
  });
}

type NewNote = Said & { title: string; content: string; tags: readonly string[]; project: string | null };

async function createNote(deps: NotesDeps, caller: NoteCaller, input: NewNote): Promise<NoteView> {
  const { org } = caller.principal;
  const writing = writingOf(caller, input);
  const project = await projectId(deps, org, input.project);
  const { title, content, tags } = input;
  const note: NoteRow = { id: deps.ids.next('note'), project, title, content, tags: tidyTags(tags), archived: false, version: 1 };
  return deps.db.asOrg(org, async (tx) => {
    await store.insertNote(tx, org, note);
    await store.insertVersion(tx, org, { note, change: 'created', writing });
    return show(tx, org, note.id);
  });
}

/** A change that changes nothing makes no version and answers the note as it is. */
async function changeNote(
  deps: NotesDeps,
  caller: NoteCaller,
  wish: Change & { change: NoteChange; apply: (note: NoteRow) => NoteRow },
): Promise<NoteView> {
  const { org } = caller.principal;
  const writing = writingOf(caller, wish);
  return deps.db.asOrg(org, async (tx) => {
    const held = await store.lockNote(tx, org, wish.id);
    if (held === null) throw unknownNote(wish.id);
    if (held.version !== wish.version) {
      throw new AppError('precondition_failed', `The note is at version ${held.version}, not ${wish.version}: somebody changed it in between.`, {
        next: 'Read it again, and make the change to what it says now.',
      });
    }
    const changed = wish.apply(held);
    if (isSameText(held, changed) && held.archived === changed.archived) return show(tx, org, wish.id);
    const note = { ...changed, version: held.version + 1 };
    await store.updateNote(tx, org, note);
    await store.insertVersion(tx, org, { note, change: wish.change, writing });
    return show(tx, org, wish.id);
  });
}

function givenText(input: { title?: string | undefined; content?: string | undefined; tags?: readonly string[] | undefined }): Partial<NoteRow> {
  return {
    ...(input.title === undefined ? {} : { title: input.title }),
    ...(input.content === undefined ? {} : { content: input.content }),
    ...(input.tags === undefined ? {} : { tags: tidyTags(input.tags) }),
  };
}

/** @throws AppError `denied` for an agent: it cannot have been told by a person in so many words. */
function writingOf({ principal, surface }: NoteCaller, said: Said): Writing {
  if (principal.kind === 'agent') {
    throw new AppError('denied', "Notes are written at a person's explicit word, and an agent acts without one.", {
      next: 'Put it into the result of the run; a person can keep it as a note.',
    });
  }
  return { word: said.word, source: said.source ?? '', surface, actor: principal.actor, name: principal.name, key: principal.fingerprint };
}

async function show(tx: Tx, org: OrgId, id: string): Promise<NoteView> {
  const found = await store.findNote(tx, org, id);
  if (found === null) throw unknownNote(id);
  return found;
}

function unknownNote(id: string): AppError {
  return new AppError('not_found', `There is no note ${id}.`, { next: '`windlass note list` shows what there is.' });
}

function exactly(value: number): Count {
  return { kind: 'exact', value };
}

function cursorPart(cursor: string | undefined, type: 'string'): string | null;
function cursorPart(cursor: string | undefined, type: 'number'): number | null;
function cursorPart(cursor: string | undefined, type: 'string' | 'number'): string | number | null {
  if (cursor === undefined) return null;
  const part = decodeCursor(cursor)?.[0];
  if (typeof part !== type || part === undefined || (type === 'number' && !Number.isSafeInteger(part)))
    throw new AppError('invalid_input', 'This cursor is not one of ours.', { next: 'Use `next` of the page before, or none.' });
  return part;
}
