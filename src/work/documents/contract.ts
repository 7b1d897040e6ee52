/** What surfaces can ask of documents (spec DOC-1 to DOC-4). */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { PageInput, pageOf } from '../../kernel/page.ts';
import { storableText } from '../../kernel/text.ts';
import { ProjectCode } from '../../kernel/project.ts';
import { DOCUMENT_LIMITS, STALE_DAYS_DEFAULT } from './document.ts';

const Name = z
  .string()
  .max(DOCUMENT_LIMITS.nameChars)
  .regex(/^(?!\/)(?!.*(?:^|\/)\.\.?(?:\/|$))[\w@ .{}/-]+$/, 'must be a relative path of letters, digits and - _ . / without . or .. in it')
  .meta({ description: 'As in `docs/API.md`.' });
const Capability = z.string().regex(/^[a-z][a-z0-9_]{0,39}$/, 'must be lower-case letters, digits and _');
const Id = z.string().max(60);

export const DocumentSummary = z.object({
  id: z.string(),
  /** Code; null for the whole organization. */
  project: z.string().nullable(),
  name: z.string(),
  version: z.int(),
  /** SHA-256 of the content. */
  hash: z.string(),
  bytes: z.int(),
  updatedAtMs: z.int(),
});
export type DocumentSummary = z.infer<typeof DocumentSummary>;

export const VersionSummary = z.object({
  version: z.int(),
  hash: z.string(),
  bytes: z.int(),
  /** Remote of the repository it came from; null when it was written here. */
  repository: z.string().nullable(),
  path: z.string().nullable(),
  /** Files it was generated from; null when somebody wrote it or it came from a repository. */
  generatedFrom: z.array(z.string()).nullable(),
  author: z.object({ actor: z.string(), name: z.string() }),
  atMs: z.int(),
});
export type VersionSummary = z.infer<typeof VersionSummary>;

export const DocumentView = DocumentSummary.extend({ shown: VersionSummary, content: z.string() });
export type DocumentView = z.infer<typeof DocumentView>;

export const RequirementView = z.object({
  pattern: z.string(),
  /** Code; null: every project. */
  project: z.string().nullable(),
  capability: z.string().nullable(),
  staleDays: z.int(),
  /** What it can be generated as when it is missing or stale; null when nothing here can. */
  generator: z.enum(['instructions', 'api', 'schema']).nullable(),
  isDefault: z.boolean(),
});
export type RequirementView = z.infer<typeof RequirementView>;

export const AuditView = z.object({
  project: z.string(),
  capabilities: z.array(z.string()),
  overall: z.enum(['complete', 'warning', 'incomplete']),
  findings: z.array(
    z.object({
      name: z.string(),
      pattern: z.string(),
      state: z.enum(['present', 'missing', 'stale']),
      ageDays: z.int().nullable(),
      staleDays: z.int(),
      /** As what it can be generated from the repository; null when it cannot. */
      generator: z.enum(['instructions', 'api', 'schema']).nullable(),
    }),
  ),
});
export type AuditView = z.infer<typeof AuditView>;

export const SyncView = z.object({
  project: z.string(),
  results: z.array(
    z.object({
      name: z.string(),
      /** `ahead`: changed here only; `conflict`: changed in both places, nothing was written; `failed`: `reason` says why. */
      state: z.enum(['added', 'updated', 'unchanged', 'ahead', 'conflict', 'failed']),
      reason: z.string(),
    }),
  ),
  conflicts: z.int(),
  /** More files than one sync reads were left out. */
  cut: z.boolean(),
});
export type SyncView = z.infer<typeof SyncView>;

export const GenerateView = z.object({
  project: z.string(),
  /** Of the audit afterwards. */
  overall: AuditView.shape.overall,
  /** One for each document that was missing or stale. */
  results: z.array(
    z.object({
      name: z.string(),
      /**
       * `generated`: written anew; `unchanged`: still what the repository gives, and so fresh again; `taken`: the repository has it, as somebody wrote it;
       * `kept`: somebody wrote what is here, which is never overwritten; `failed`: `reason` says why.
       */
      state: z.enum(['generated', 'unchanged', 'taken', 'kept', 'failed']),
      reason: z.string(),
      /** Files it was written from. */
      sources: z.array(z.string()),
    }),
  ),
});
export type GenerateView = z.infer<typeof GenerateView>;

export const documentOperations = {
  list: operation({
    name: 'documents.list',
    permission: 'context.read',
    method: 'GET',
    path: '/documents',
    summary: 'Lists documents by name, without their content.',
    input: PageInput.extend({ project: ProjectCode.optional().meta({ description: 'Only of this project.' }) }),
    output: pageOf(DocumentSummary),
  }),
  put: operation({
    name: 'documents.put',
    permission: 'context.write',
    method: 'PUT',
    path: '/documents',
    summary: 'Stores a document under its name: a new one, or a new version of the one that is there.',
    input: z.object({
      name: Name,
      project: ProjectCode.nullable().default(null),
      content: storableText(DOCUMENT_LIMITS.contentBytes),
      base: z.int().min(0).optional().meta({ description: 'The version that was read, 0 for none: another one is refused.' }),
    }),
    output: DocumentView,
  }),
  get: operation({
    name: 'documents.get',
    permission: 'context.read',
    method: 'GET',
    path: '/documents/{id}',
    summary: 'Shows a document as it is, or as it was in a version.',
    input: z.object({ id: Id, version: z.coerce.number().int().min(1).optional() }),
    output: DocumentView,
  }),
  versions: operation({
    name: 'documents.versions',
    permission: 'context.read',
    method: 'GET',
    path: '/documents/{id}/versions',
    summary: 'Lists the versions of a document, the newest first.',
    input: PageInput.extend({ id: Id }),
    output: pageOf(VersionSummary),
  }),
  diff: operation({
    name: 'documents.diff',
    permission: 'context.read',
    method: 'GET',
    path: '/documents/{id}/diff',
    summary: 'Shows line by line what differs between two versions.',
    input: z.object({ id: Id, from: z.coerce.number().int().min(1), to: z.coerce.number().int().min(1) }),
    output: z.object({ lines: z.array(z.object({ how: z.enum(['same', 'removed', 'added']), text: z.string() })) }),
  }),
  requirements: operation({
    name: 'documents.requirements',
    permission: 'context.read',
    method: 'GET',
    path: '/document-requirements',
    summary: 'Lists which documents projects must have: the own requirements and the defaults they do not replace.',
    input: z.object({}),
    output: z.object({ items: z.array(RequirementView) }),
  }),
  require: operation({
    name: 'documents.require',
    permission: 'projects.write',
    method: 'PUT',
    path: '/document-requirements',
    summary: 'Sets the requirement of a name pattern.',
    input: z.object({
      pattern: Name.meta({ description: 'A name, with `{project}` for the code of the project.' }),
      project: ProjectCode.nullable().default(null),
      capability: Capability.nullable().default(null),
      staleDays: z.int().min(1).max(3_650).default(STALE_DAYS_DEFAULT),
    }),
    output: z.object({ items: z.array(RequirementView) }),
  }),
  capabilities: operation({
    name: 'documents.capabilities',
    permission: 'projects.write',
    method: 'PUT',
    path: '/projects/{code}/capabilities',
    summary: 'Sets what a project has (has_api, has_database, has_ui, own ones): it decides what documents it must have.',
    input: z.object({ code: ProjectCode, capabilities: z.array(Capability).max(DOCUMENT_LIMITS.capabilities) }),
    output: AuditView,
  }),
  audit: operation({
    name: 'documents.audit',
    permission: 'context.read',
    method: 'GET',
    path: '/projects/{code}/documents',
    summary: 'Says which documents that a project must have are present, missing or stale.',
    input: z.object({ code: ProjectCode }),
    output: AuditView,
  }),
  sync: operation({
    name: 'documents.sync',
    permission: 'context.write',
    method: 'POST',
    path: '/projects/{code}/documents/sync',
    summary: "Takes the Markdown of a project's repository into its documents; what changed in both places is shown and left.",
    input: z.object({
      code: ProjectCode,
      prefer: z
        .record(Name, z.enum(['repository', 'store']))
        .default({})
        .meta({ description: 'By name, which side a conflict is settled with.' }),
      files: z
        .array(z.object({ name: Name, content: z.string().max(DOCUMENT_LIMITS.contentBytes) }))
        .max(DOCUMENT_LIMITS.syncFiles)
        .optional()
        .meta({ description: "What the repository has, sent from elsewhere; the server's checkout is read when left out." }),
    }),
    output: SyncView,
  }),
  generate: operation({
    name: 'documents.generate',
    permission: 'context.write',
    method: 'POST',
    path: '/projects/{code}/documents/generate',
    summary:
      'Writes what a project must have and lacks, or has stale, from what its repository really has; what somebody wrote is never overwritten.',
    input: z.object({
      code: ProjectCode,
      name: Name.optional().meta({ description: 'Only this one; all that are missing or stale when left out.' }),
    }),
    output: GenerateView,
  }),
};
