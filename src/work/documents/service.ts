/** Use cases of documents: kept with every version, compared, audited against what a project must have, taken from its checkout. */
import { sha256Hex } from '../../kernel/canonical-json.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Ids, OrgId } from '../../kernel/ids.ts';
import type { Handlers } from '../../kernel/operation.ts';
import { decodeCursor, encodeCursor } from '../../kernel/page.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Database, Tx } from '../../storage/database.ts';
import { refuseDeclared } from '../projects/registry.ts';
import type { CheckoutFile, CheckoutFiles } from './checkout-files.ts';
import type { AuditView, DocumentView, documentOperations, RequirementView, SyncView } from './contract.ts';
import { auditDocuments, decideSync, DEFAULT_REQUIREMENTS, diffLines, DOCUMENT_LIMITS, effectiveRequirements } from './document.ts';
import { generatorOf } from './generate.ts';
import { heal } from './heal.ts';
import type { OpenRepository } from '../inspection/repository.ts';
import { textFault } from '../../kernel/text.ts';
import * as store from './store.ts';
import type { ProjectRow } from './store.ts';

export type DocumentsDeps = {
  db: Database;
  ids: Ids;
  /** The store's, which the age of documents is told by. */
  clock: Pick<Clock, 'nowMs'>;
  /** Null when the checkout cannot be read. */
  readCheckout: (top: string) => Promise<CheckoutFiles | null>;
  openRepository: OpenRepository;
};
export type Documents = { handlers: Handlers<Principal, typeof documentOperations> };

export function createDocuments(deps: DocumentsDeps): Documents {
  const { db } = deps;
  return {
    handlers: {
      list: ({ principal }, input) => listDocuments(deps, principal.org, input),
      put: ({ principal }, input) => putDocument(deps, principal, input),
      get: ({ principal }, { id, version }) => db.asOrg(principal.org, (tx) => show(tx, principal.org, { id, version: version ?? null })),
      versions: ({ principal }, input) => listVersions(deps, principal.org, input),
      diff: ({ principal: { org } }, { id, from, to }) =>
        db.asOrg(org, async (tx) => {
          const [before, after] = [await show(tx, org, { id, version: from }), await show(tx, org, { id, version: to })];
          return { lines: diffLines(before.content, after.content) };
        }),
      requirements: ({ principal }) => db.asOrg(principal.org, (tx) => requirements(tx, principal.org)),
      require: ({ principal }, input) => require(deps, principal.org, input),
      capabilities: ({ principal: { org } }, { code, capabilities }) =>
        db.asOrg(org, async (tx) => {
          const project = await projectOf(tx, org, code);
          refuseDeclared(project);
          await store.setCapabilities(tx, org, { id: project.id, capabilities: [...new Set(capabilities)].toSorted() });
          return audit(deps, tx, { org, code });
        }),
      audit: ({ principal: { org } }, { code }) => db.asOrg(org, (tx) => audit(deps, tx, { org, code })),
      sync: ({ principal }, input) => sync(deps, principal, input),
      generate: ({ principal }, input) => heal({ ...deps, projectOf, audit }, principal, input),
    },
  };
}

async function listDocuments(deps: DocumentsDeps, org: OrgId, input: { project?: string | undefined; limit: number; cursor?: string | undefined }) {
  const [name = null, id = null] = input.cursor === undefined ? [] : (decodeCursor(input.cursor) ?? [0, 0]);
  if (input.cursor !== undefined && (typeof name !== 'string' || typeof id !== 'string')) throw foreignCursor();
  return deps.db.asOrg(org, async (tx) => {
    const project = input.project === undefined ? null : (await projectOf(tx, org, input.project)).id;
    const after = name === null || id === null ? null : ([String(name), String(id)] as const);
    const found = await store.listDocuments(tx, org, { project, after, limit: input.limit + 1 });
    const items = found.rows.slice(0, input.limit);
    const last = items.at(-1);
    const next = found.rows.length > input.limit && last !== undefined ? encodeCursor([last.name, last.id]) : null;
    return { items, shown: items.length, total: { kind: 'exact' as const, value: found.total }, next };
  });
}

async function listVersions(deps: DocumentsDeps, org: OrgId, input: { id: string; limit: number; cursor?: string | undefined }) {
  const before = input.cursor === undefined ? null : (decodeCursor(input.cursor)?.[0] ?? '');
  if (before !== null && (typeof before !== 'number' || !Number.isInteger(before) || Math.abs(before) > 2 ** 31 - 1)) throw foreignCursor();
  return deps.db.asOrg(org, async (tx) => {
    const found = await store.listVersions(tx, org, { id: input.id, before, limit: input.limit + 1 });
    if (found.total === 0) throw unknownDocument(input.id);
    const items = found.rows.slice(0, input.limit);
    const next = found.rows.length > input.limit ? encodeCursor([items.at(-1)?.version ?? 0]) : null;
    return { items, shown: items.length, total: { kind: 'exact' as const, value: found.total }, next };
  });
}

type Put = { name: string; project: string | null; content: string; base?: number | undefined };

/** The same content again makes no version. */
async function putDocument(deps: DocumentsDeps, { org, actor, name: author }: Principal, input: Put): Promise<DocumentView> {
  const hash = sha256Hex(input.content);
  return deps.db.asOrg(org, async (tx) => {
    const project = input.project === null ? null : (await projectOf(tx, org, input.project)).id;
    const held = await store.lockDocument(tx, org, { project, name: input.name });
    const version = held?.version ?? 0;
    if (input.base !== undefined && input.base !== version) {
      throw new AppError('precondition_failed', `${input.name} is at version ${version}, not ${input.base}: somebody changed it in between.`, {
        next: 'Read it again, and make the change to what it says now.',
      });
    }
    const id = held?.id ?? deps.ids.next('doc');
    if (held?.hash !== hash) {
      const make = held === null ? { project, name: input.name } : null;
      const source = { repository: null, path: null, generatedFrom: null };
      await store.writeVersion(tx, org, { id, version: version + 1, content: input.content, hash, ...source, actor, name: author, make });
    }
    return show(tx, org, { id, version: null });
  });
}

async function require(
  deps: DocumentsDeps,
  org: OrgId,
  input: { pattern: string; project: string | null; capability: string | null; staleDays: number },
): Promise<{ items: RequirementView[] }> {
  return deps.db.asOrg(org, async (tx) => {
    const project = input.project === null ? null : (await projectOf(tx, org, input.project)).id;
    await store.putRequirement(tx, org, { ...input, project });
    const listed = await requirements(tx, org);
    if (listed.items.filter(({ isDefault }) => !isDefault).length > DOCUMENT_LIMITS.requirements)
      throw new AppError('conflict', `There are ${DOCUMENT_LIMITS.requirements} requirements already, the most there may be.`);
    return listed;
  });
}

async function requirements(tx: Tx, org: OrgId): Promise<{ items: RequirementView[] }> {
  const own = await store.listRequirements(tx, org, { project: null, limit: DOCUMENT_LIMITS.requirements + 1 });
  const patterns = new Set(own.map(({ pattern }) => pattern));
  const defaults = DEFAULT_REQUIREMENTS.filter(({ pattern }) => !patterns.has(pattern));
  const all = [...defaults.map((each) => ({ ...each, project: null, isDefault: true })), ...own];
  return { items: all.map((each) => ({ ...each, generator: generatorOf(each.pattern) })) };
}

export async function audit(deps: Pick<DocumentsDeps, 'clock'>, tx: Tx, { org, code }: { org: OrgId; code: string }): Promise<AuditView> {
  const project = await projectOf(tx, org, code);
  const own = await store.listRequirements(tx, org, { project: project.id, limit: DOCUMENT_LIMITS.requirements });
  const wanted = effectiveRequirements(own);
  const names = wanted.map(({ pattern }) => pattern.replaceAll('{project}', code));
  const docs = await store.namesOf(tx, org, { project: project.id, names });
  const { overall, findings } = auditDocuments(project, docs, { requirements: wanted, nowMs: deps.clock.nowMs() });
  return {
    project: code,
    capabilities: project.capabilities,
    overall,
    findings: findings.map((each) => ({ ...each, generator: generatorOf(each.name) })),
  };
}

type Prefer = Readonly<Record<string, 'repository' | 'store'>>;

type Sync = { code: string; prefer: Prefer; files?: readonly { name: string; content: string }[] | undefined };

async function sync(deps: DocumentsDeps, principal: Principal, input: Sync): Promise<SyncView> {
  const { org } = principal;
  const project = await deps.db.asOrg(org, (tx) => projectOf(tx, org, input.code));
  const read = input.files === undefined ? await checkoutOf(deps, project) : { files: input.files.map(sentFile), cut: false };
  const results: SyncView['results'] = [];
  for (const file of read.files) results.push(await syncFile(deps, { principal, project, file, prefer: input.prefer[file.name] ?? null }));
  return { project: input.code, results, conflicts: results.filter(({ state }) => state === 'conflict').length, cut: read.cut };
}

async function checkoutOf(deps: DocumentsDeps, { code, path }: ProjectRow): Promise<CheckoutFiles> {
  if (path === null)
    throw new AppError('not_found', `${code} has no checkout on this server.`, {
      next: 'Register one with `windlass project add PATH`, or send the files.',
    });
  const read = await deps.readCheckout(path);
  if (read !== null) return read;
  throw new AppError('not_found', `The checkout of ${code} cannot be read: it was moved, or the server may not.`, {
    next: `Put it back at ${path}, or register where it is now.`,
  });
}

function sentFile({ name, content }: { name: string; content: string }): CheckoutFile {
  const fault = content === '' ? 'is empty' : textFault(content, DOCUMENT_LIMITS.contentBytes);
  return fault === null ? { name, text: content, reason: '' } : { name, text: null, reason: `It ${fault}.` };
}

type FileSync = { principal: Principal; project: ProjectRow; file: CheckoutFile; prefer: 'repository' | 'store' | null };

/** One transaction for each file, so that one that fails takes no other with it. */
async function syncFile(deps: DocumentsDeps, { principal, project, file, prefer }: FileSync): Promise<SyncView['results'][number]> {
  const { org, actor, name: author } = principal;
  const { name, text } = file;
  if (text === null) return { name, state: 'failed', reason: file.reason };
  if (name.length > DOCUMENT_LIMITS.nameChars) return { name, state: 'failed', reason: 'Its name is too long.' };
  const hash = sha256Hex(text);
  return deps.db.asOrg(org, async (tx) => {
    const held = await store.lockDocument(tx, org, { project: project.id, name });
    const state = decideSync({ file: hash, stored: held?.hash ?? null, base: held?.base ?? null }, prefer);
    const id = held?.id ?? deps.ids.next('doc');
    if (state === 'added' || state === 'updated') {
      const make = held === null ? { project: project.id, name } : null;
      const version = (held?.version ?? 0) + 1;
      const source = { repository: project.remote, path: name, generatedFrom: null };
      await store.writeVersion(tx, org, { id, version, content: text, hash, ...source, actor, name: author, make });
    }
    if (state !== 'conflict' && held?.base !== hash) await store.setBase(tx, org, { id, base: hash });
    const reason = state === 'conflict' ? 'It changed here and in the repository since both agreed; say which to take.' : '';
    return { name, state, reason };
  });
}

export async function projectOf(tx: Tx, org: OrgId, code: string): Promise<ProjectRow> {
  const found = await store.findProject(tx, org, code);
  if (found === null) throw new AppError('not_found', `There is no project ${code}.`, { next: '`windlass project list` shows what there is.' });
  return found;
}

async function show(tx: Tx, org: OrgId, wanted: { id: string; version: number | null }): Promise<DocumentView> {
  const found = await store.findDocument(tx, org, wanted);
  if (found === null) throw unknownDocument(wanted.version === null ? wanted.id : `${wanted.id} with a version ${wanted.version}`);
  return found;
}

function unknownDocument(what: string): AppError {
  return new AppError('not_found', `There is no document ${what}.`, { next: '`windlass doc list` shows what there is.' });
}

function foreignCursor(): AppError {
  return new AppError('invalid_input', 'This cursor is not one of ours.', { next: 'Use `next` of the page before, or none.' });
}
