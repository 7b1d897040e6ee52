/**
 * Use cases of standards (spec STD-1..5): proposed by whoever sees a pattern, answered by a person, written only with that answer and never
 * over what is there. Finding them is in `search.ts`.
 */
import { AppError } from '../../kernel/errors.ts';
import type { Ids, OrgId, ProjectId } from '../../kernel/ids.ts';
import { storedId } from '../../kernel/ids.ts';
import type { Handlers } from '../../kernel/operation.ts';
import { decodeCursor, encodeCursor } from '../../kernel/page.ts';
import type { RecordAdmin } from '../../platform/identity/admin-event.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { byOf } from '../../platform/identity/principal.ts';
import { listOrgs } from '../../platform/identity/store.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { ProposalState, ProposalView, standardOperations, StandardView } from './contract.ts';
import type { StandardsFolder } from './folder.ts';
import { createFolderIndex, rowOf } from './folder-index.ts';
import { createMeaning } from '../meaning/meaning.ts';
import type { Embedder } from '../../runtime/models/embeddings.ts';
import type { Meaning } from '../meaning/meaning.ts';
import * as proposals from './proposal-store.ts';
import type { LockedProposal } from './proposal-store.ts';
import { searchStandards } from './search.ts';
import type { PassageKey } from './search-store.ts';
import { passageVectors } from './search-store.ts';
import type { StandardText } from './standard.ts';
import { bodyFaults, digestOf, pathOf, renderStandard } from './standard.ts';
import * as store from './store.ts';

export type StandardsDeps = {
  db: Database;
  ids: Ids;
  recordAdmin: RecordAdmin;
  /** By id or code. @throws AppError `not_found` */
  project: (org: OrgId, wanted: string) => Promise<ProjectId | null>;
  /** Absolute path on this machine; null when the project has none here. */
  checkoutOf: (org: OrgId, project: ProjectId) => Promise<string | null>;
  folder: StandardsFolder;
  /** Null when no embedding model is configured. */
  embedder: Embedder | null;
};
export type Standards = {
  handlers: Handlers<Principal, typeof standardOperations>;
  /** Brings the index to what the folders hold, and embeds what is new. To be called every `LOOK_EVERY_MS`. */
  look(): Promise<void>;
  /** For what searches beside the operations, such as the tools of reviewers. */
  search(org: OrgId, search: Parameters<typeof searchStandards>[2]): ReturnType<typeof searchStandards>;
};
type ServiceDeps = StandardsDeps & { meaning: Meaning<PassageKey> | null };

export function createStandards(given: StandardsDeps): Standards {
  const { db, ids, folder, embedder } = given;
  const deps: ServiceDeps = { ...given, meaning: embedder === null ? null : createMeaning({ db, embedder, store: passageVectors }) };
  const index = createFolderIndex({ db, ids, folder, checkouts: () => db.asWorker((tx) => store.listCheckouts(tx)) });
  const projectId = (org: OrgId, code: string | null | undefined) => (code === null || code === undefined ? null : deps.project(org, code));
  return {
    search: (org, search) => searchStandards(deps, org, search),
    async look() {
      await index.look();
      await deps.meaning?.catchUp(await db.asWorker((tx) => listOrgs(tx)), 1);
    },
    handlers: {
      propose: async ({ principal }, input) => propose(deps, principal, { ...input, project: await projectId(principal.org, input.project) }),
      proposals: ({ principal }, input) => listProposals(deps, principal.org, input),
      proposal: ({ principal: { org } }, { id }) => db.asOrg(org, (tx) => showProposal(tx, org, id)),
      answer: ({ principal, surface }, input) => answer(deps, principal, { ...input, surface }),
      create: ({ principal }, input) => createStandard(deps, principal, input),
      list: async ({ principal: { org } }, input) => listStandards(deps, org, { ...input, project: await projectId(org, input.project) }),
      get: ({ principal: { org } }, { id }) => db.asOrg(org, (tx) => show(tx, org, id)),
      search: async ({ principal: { org } }, input) => searchStandards(deps, org, { ...input, project: await projectId(org, input.project) }),
      metrics: ({ principal: { org } }) => db.asOrg(org, (tx) => store.readMetrics(tx, org)),
    },
  };
}

type NewProposal = StandardText & { why: string; project: ProjectId | null };

/** The same text that waits already is not asked again. */
async function propose(deps: ServiceDeps, { org, actor, name, fingerprint }: Principal, input: NewProposal): Promise<ProposalView> {
  refuseFaulty(input.content);
  const text = { ...input, tags: [...new Set(input.tags)].toSorted() };
  const hash = digestOf(text);
  return deps.db.asOrg(org, async (tx) => {
    await refuseTaken(tx, org, { project: input.project, path: pathOf(input) });
    const open = await proposals.findOpenProposal(tx, org, { hash, project: input.project });
    if (open !== null) return open;
    const id = deps.ids.next('stp');
    await proposals.insertProposal(tx, org, { ...text, id, hash, actor, actorName: name, key: fingerprint });
    return showProposal(tx, org, id);
  });
}

type Answer = {
  id: string;
  hash: string;
  answer: 'approve' | 'edit' | 'refuse';
  content?: string | undefined;
  text: string;
  write: boolean;
  surface: 'http' | 'mcp';
};

async function answer(deps: ServiceDeps, principal: Principal, wish: Answer): Promise<ProposalView> {
  const { org } = principal;
  refuseMalformed(wish);
  const written = await deps.db.asOrg(org, async (tx) => {
    const held = await proposals.lockProposal(tx, org, { id: wish.id });
    if (held === null) throw unknownProposal(wish.id);
    refuseAnswerer(principal, held, wish.surface);
    if (held.state !== 'open') {
      throw new AppError('conflict', `It was answered already: ${held.state} by ${held.answer?.by.name ?? 'somebody'}.`, {
        next: `\`windlass standard show ${held.id}\` shows the answer.`,
      });
    }
    if (held.hash !== wish.hash) {
      throw new AppError('precondition_failed', 'The answer is for another text than the proposal has.', {
        next: 'Read it again and answer what it says now.',
      });
    }
    const content = wish.content ?? held.content;
    const edited = content !== held.content;
    const hash = digestOf({ ...held, content });
    const state = wish.answer === 'refuse' ? ('refused' as const) : ('approved' as const);
    const approval = state === 'approved' ? deps.ids.next('apr') : null;
    const { actor, name } = principal;
    await proposals.answerProposal(tx, org, { id: held.id, state, content, hash, edited, text: wish.text, actor, name, approval });
    const detail = { path: held.path, hash, answer: wish.answer, approval };
    await deps.recordAdmin(tx, org, { type: 'standard.answered', subject: held.id, by: byOf(principal), detail });
    return { content, approval, domain: held.domain, topic: held.topic };
  });
  // the approval stands even when the file cannot be written now: creating it again needs no new answer
  if (wish.write && written.approval !== null) await createStandard(deps, principal, { ...written, approval: written.approval });
  return deps.db.asOrg(org, (tx) => showProposal(tx, org, wish.id));
}

function refuseMalformed({ answer: word, content, text }: Answer): void {
  if (word === 'edit' && content === undefined)
    throw new AppError('invalid_input', 'An edit needs the whole edited text.', { next: 'Send it as content.' });
  if (word !== 'edit' && content !== undefined)
    throw new AppError('invalid_input', 'Only an edit has content.', { next: 'Answer with edit, or leave it out.' });
  if (word === 'refuse' && text.trim() === '') throw new AppError('invalid_input', 'A refusal needs its reason.', { next: 'Send it as text.' });
  if (content !== undefined) refuseFaulty(content);
}

/** An answer is a person's, and never given with the actor or key that proposed the text (spec APR-1, STD-2). */
function refuseAnswerer(who: Principal, held: LockedProposal, surface: 'http' | 'mcp'): void {
  const why =
    who.kind !== 'user'
      ? "an answer is a person's, and this key belongs to a program"
      : who.fingerprint === held.key
        ? 'this key proposed it'
        : who.actor === held.proposedBy.actor && surface === 'mcp'
          ? 'whoever proposed it does not approve it through MCP'
          : null;
  if (why !== null)
    throw new AppError('denied', `This proposal cannot be answered here: ${why}.`, {
      next: 'Let another person, or you with your own key, answer it.',
    });
}

type Creation = { domain: string; topic: string; content: string; approval: string };

/** Written once: asking again with the same approval answers the standard it made. */
async function createStandard(deps: ServiceDeps, principal: Principal, wish: Creation): Promise<StandardView> {
  const { org } = principal;
  const approved = await deps.db.asOrg(org, (tx) => proposals.lockProposal(tx, org, { approval: wish.approval }));
  const project = approved?.projectId ?? null;
  const top = project === null ? null : await deps.checkoutOf(org, storedId('prj', project));
  return deps.db.asOrg(org, async (tx) => {
    const held = await proposals.lockProposal(tx, org, { approval: wish.approval });
    if (held === null || held.answer === null) throw notApproved(wish.approval);
    if (digestOf({ ...wish, tags: held.tags }) !== held.hash) {
      throw new AppError('denied', 'The approval is for another text: not a character of what was approved may differ.', {
        next: `Write what was approved: \`windlass standard show ${held.id}\`; or propose the new text.`,
      });
    }
    if (held.standard !== null) return show(tx, org, held.standard);
    const at = { project: held.projectId, path: held.path };
    await refuseTaken(tx, org, at);
    const id = deps.ids.next('std');
    const text = renderStandard(frontOf(held, held.answer), held.content);
    if ((await store.insertStandard(tx, org, rowOf({ ...at, id, text, place: top === null ? 'store' : 'folder' }))) === null) throw taken(at.path);
    await proposals.markWritten(tx, org, { id: held.id, standard: id });
    await deps.recordAdmin(tx, org, {
      type: 'standard.written',
      subject: id,
      by: byOf(principal),
      detail: { path: held.path, approval: wish.approval },
    });
    // last before the commit: a file whose commit is lost is found again by the same approval, and indexed as it is
    if (top !== null) await deps.folder.write(top, held.path, text);
    return show(tx, org, id);
  });
}

function frontOf({ domain, tags, proposedBy }: LockedProposal, { by, atMs }: NonNullable<ProposalView['answer']>) {
  return { domain, tags, created_by: proposedBy.name, approved_by: by.name, date: new Date(atMs).toISOString().slice(0, 10) };
}

type Listing = { limit: number; cursor?: string | undefined };

async function listProposals(deps: ServiceDeps, org: OrgId, input: Listing & { state?: ProposalState | undefined }) {
  const [before = null] = partsOf(input.cursor, 1);
  return deps.db.asOrg(org, async (tx) => {
    const found = await proposals.listProposals(tx, org, { state: input.state ?? null, before, limit: input.limit + 1 });
    return pageOf(found, input.limit, ({ id }) => [id]);
  });
}

async function listStandards(deps: ServiceDeps, org: OrgId, input: Listing & { project: string | null }) {
  const [path = null, id = null] = partsOf(input.cursor, 2);
  return deps.db.asOrg(org, async (tx) => {
    const after = path === null || id === null ? null : ([path, id] as const);
    const found = await store.listStandards(tx, org, { project: input.project, after, limit: input.limit + 1 });
    return pageOf(found, input.limit, (row) => [row.path, row.id]);
  });
}

function partsOf(cursor: string | undefined, count: number): string[] {
  if (cursor === undefined) return [];
  const parts = decodeCursor(cursor)?.map(String);
  if (parts?.length !== count)
    throw new AppError('invalid_input', 'This cursor is not one of ours.', { next: 'Use `next` of the page before, or none.' });
  return parts;
}

function pageOf<T>({ rows, total }: { rows: T[]; total: number }, limit: number, cursorOf: (row: T) => string[]) {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const next = rows.length > limit && last !== undefined ? encodeCursor(cursorOf(last)) : null;
  return { items, shown: items.length, total: { kind: 'exact' as const, value: total }, next };
}

/** @throws AppError `invalid_input` with every fault and its line */
function refuseFaulty(content: string): void {
  const faults = bodyFaults(content);
  if (faults.length === 0) return;
  throw new AppError('invalid_input', `The text is no standard: ${faults.map(({ message }) => message).join(' ')}`, {
    faults,
    next: 'Mend what is listed; front matter is added when it is written.',
  });
}

async function refuseTaken(tx: Tx, org: OrgId, at: { project: string | null; path: string }): Promise<void> {
  if ((await store.findByPath(tx, org, at)) !== null) throw taken(at.path);
}

function taken(path: string): AppError {
  return new AppError('conflict', `There is a standard ${path} already, and one is never overwritten.`, {
    next: 'Propose it under another topic, or change that one by hand.',
  });
}

async function show(tx: Tx, org: OrgId, id: string): Promise<StandardView> {
  const found = await store.findStandard(tx, org, id);
  if (found === null) throw new AppError('not_found', `There is no standard ${id}.`, { next: '`windlass standard list` shows what there is.' });
  return found;
}

async function showProposal(tx: Tx, org: OrgId, id: string): Promise<ProposalView> {
  const found = await proposals.findProposal(tx, org, id);
  if (found === null) throw unknownProposal(id);
  return found;
}

function unknownProposal(id: string): AppError {
  return new AppError('not_found', `There is no proposal ${id}.`, { next: '`windlass standard proposals` shows what there is.' });
}

function notApproved(approval: string): AppError {
  return new AppError('denied', `There is no recorded approval ${approval}: a standard is written only after a person approved its text.`, {
    next: 'Propose it, and create it with the approval that a person gives.',
  });
}
