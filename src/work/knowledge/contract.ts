/** What surfaces can ask of notes (spec KNO-1). Each write carries the word of the person who asked for it. */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { Count, PageInput, pageOf } from '../../kernel/page.ts';
import { storableText } from '../../kernel/text.ts';
import { ProjectCode } from '../../kernel/project.ts';
import { NOTE_LIMITS, RECOMMENDED_TAGS } from './note.ts';

const Tag = z
  .string()
  .max(NOTE_LIMITS.tagChars)
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be lower-case letters, digits and single dashes')
  .meta({ description: `Recommended: ${RECOMMENDED_TAGS.join(', ')}; others of the same form may be used.` });
const Tags = z.array(Tag).max(NOTE_LIMITS.tags);
const Title = storableText(NOTE_LIMITS.titleBytes).refine((text) => text.trim() !== '' && !/[\r\n]/.test(text), 'must be one line that is not blank');
const Content = storableText(NOTE_LIMITS.contentBytes);
const Id = z.string().max(60);
const SetProject = ProjectCode.nullable().meta({ description: 'Code of the project it belongs to; null: the whole organization.' });

/** What every write must bring: notes are written at a person's explicit word only. */
const Provenance = {
  word: storableText(NOTE_LIMITS.wordBytes).meta({
    description: 'What the person said that asked for this, as they said it. Without it nothing is written.',
  }),
  source: storableText(NOTE_LIMITS.sourceBytes).optional().meta({ description: 'Where the content is from: a meeting, a page, a conversation.' }),
};

const Written = z.object({
  by: z.object({ actor: z.string(), name: z.string(), key: z.string() }),
  surface: z.enum(['http', 'mcp']),
  word: z.string(),
  /** Empty when nobody said. */
  source: z.string(),
  atMs: z.int(),
});

export const NoteSummary = z.object({
  id: z.string(),
  /** Code; null for the whole organization. */
  project: z.string().nullable(),
  title: z.string(),
  tags: z.array(z.string()),
  archived: z.boolean(),
  version: z.int(),
  bytes: z.int(),
  createdAtMs: z.int(),
  updatedAtMs: z.int(),
});
export type NoteSummary = z.infer<typeof NoteSummary>;

export const NoteView = NoteSummary.extend({ content: z.string(), written: Written });
export type NoteView = z.infer<typeof NoteView>;

export const NoteVersionView = z.object({
  version: z.int(),
  change: z.enum(['created', 'updated', 'archived', 'restored']),
  project: z.string().nullable(),
  title: z.string(),
  content: z.string(),
  tags: z.array(z.string()),
  written: Written,
});
export type NoteVersionView = z.infer<typeof NoteVersionView>;

export const NoteMatch = NoteSummary.extend({
  /** The words around the match. */
  excerpt: z.string(),
});
export type NoteMatch = z.infer<typeof NoteMatch>;

const Filter = {
  project: ProjectCode.optional().meta({ description: 'Only of this project.' }),
  scope: z.enum(['all', 'org']).default('all').meta({ description: '`org`: only what belongs to no project.' }),
  tag: Tag.optional(),
  archived: z.enum(['no', 'yes', 'all']).default('no'),
};

const Changed = { id: Id, version: z.int().min(1).meta({ description: 'The version that was read; another one is refused.' }) };

export const noteOperations = {
  list: operation({
    name: 'notes.list',
    permission: 'context.read',
    method: 'GET',
    path: '/notes',
    summary: 'Lists notes, the newest first, without their content.',
    input: PageInput.extend(Filter),
    output: pageOf(NoteSummary),
  }),
  search: operation({
    name: 'notes.search',
    permission: 'context.read',
    method: 'GET',
    path: '/notes/search',
    summary: 'Finds notes by their words and, where embeddings are configured, by meaning, best first; else by titles that look alike.',
    input: z.object({
      query: z
        .string()
        .trim()
        .min(1)
        .max(NOTE_LIMITS.queryChars)
        .refine((text) => !text.includes('\u0000') && text.isWellFormed(), 'must be valid text')
        .meta({ description: 'Words, "a phrase", or, -not.' }),
      limit: z.coerce.number().int().min(1).max(50).default(20),
      ...Filter,
    }),
    output: z.object({
      /** `words`: full text alone; `words_and_meaning`: both, fused; `likeness`: titles like the query, because no note has its words. */
      how: z.enum(['words', 'words_and_meaning', 'likeness']),
      items: z.array(NoteMatch),
      shown: z.int(),
      total: Count,
    }),
  }),
  get: operation({
    name: 'notes.get',
    permission: 'context.read',
    method: 'GET',
    path: '/notes/{id}',
    summary: 'Shows one note with its content and where it came from.',
    input: z.object({ id: Id }),
    output: NoteView,
  }),
  versions: operation({
    name: 'notes.versions',
    permission: 'context.read',
    method: 'GET',
    path: '/notes/{id}/versions',
    summary: 'Shows every version of a note, the newest first: what it said, who wrote it, at whose word.',
    input: PageInput.extend({ id: Id, limit: z.coerce.number().int().min(1).max(20).default(10) }),
    output: pageOf(NoteVersionView),
  }),
  create: operation({
    name: 'notes.create',
    permission: 'context.write',
    method: 'POST',
    path: '/notes',
    summary: "Keeps a note at a person's explicit word.",
    input: z.object({ title: Title, content: Content, tags: Tags.default([]), project: SetProject.default(null), ...Provenance }),
    output: NoteView,
    status: 201,
  }),
  update: operation({
    name: 'notes.update',
    permission: 'context.write',
    method: 'PUT',
    path: '/notes/{id}',
    summary: 'Changes what is given of a note, as a new version; the ones before are kept.',
    input: z.object({
      ...Changed,
      title: Title.optional(),
      content: Content.optional(),
      tags: Tags.optional(),
      project: SetProject.optional(),
      ...Provenance,
    }),
    output: NoteView,
  }),
  archive: operation({
    name: 'notes.archive',
    permission: 'context.write',
    method: 'POST',
    path: '/notes/{id}/archive',
    summary: 'Takes a note out of lists and searches; it can still be read and restored.',
    input: z.object({ ...Changed, ...Provenance }),
    output: NoteView,
  }),
  restore: operation({
    name: 'notes.restore',
    permission: 'context.write',
    method: 'POST',
    path: '/notes/{id}/restore',
    summary: 'Takes an archived note back into lists and searches.',
    input: z.object({ ...Changed, ...Provenance }),
    output: NoteView,
  }),
};
