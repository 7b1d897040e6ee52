/**
 * The briefing of a project and copies of its documents, kept in the home folder for when the server is out of reach, each with its age
 * (spec LCH-5). The server makes the briefing; nothing is composed here.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { toAppError } from '../../kernel/errors.ts';
import { documentOperations } from '../../work/documents/contract.ts';
import type { Cli } from '../cli/command.ts';
import type { Connection } from '../cli/connection.ts';
import { relativeTime } from '../cli/format.ts';
import { briefingOperations } from '../../work/briefing/contract.ts';
import { keep, readKept } from './kept-file.ts';

const DOCUMENTS_MAX = 100;
const DOCUMENT_BYTES_MAX = 262_144;
const FETCHED_AT_ONCE = 8;

const KeptBriefing = z.object({ atMs: z.int(), markdown: z.string() });
/** By name of the document. */
const KeptDocuments = z.object({ atMs: z.int(), hashes: z.record(z.string(), z.string()), ids: z.record(z.string(), z.string()).default({}) });

type Deps = Pick<Cli, 'home' | 'clock'>;
export type Told = { markdown: string; keptAtMs: number | null };
export type Asking = { project: string; session?: string; branch?: string; environment?: string; signal?: AbortSignal };

function folderOf({ home }: Pick<Cli, 'home'>, project: string): string {
  return join(home, 'launcher', 'copies', project);
}

/** From the server, else the copy under a line that says how old it is; null when there is neither. `connection` null: it is known not to answer. */
export async function readBriefing(deps: Deps, connection: Connection | null, { signal, ...asked }: Asking): Promise<Told | null> {
  const { project } = asked;
  const file = join(folderOf(deps, project), 'briefing.json');
  try {
    if (connection === null) return await copyOf(deps, { project, why: 'The server is out of reach.' });
    const { markdown } = await connection.call(briefingOperations.read, asked, signal === undefined ? {} : { signal });
    await keep(file, { atMs: deps.clock.nowMs(), markdown });
    return { markdown, keptAtMs: null };
  } catch (error) {
    // a session without any briefing is worse than one with an old one, whatever the server has against it
    return copyOf(deps, { project, why: signal?.aborted === true ? 'The server did not answer in time.' : toAppError(error).message });
  }
}

async function copyOf(deps: Deps, { project, why }: { project: string; why: string }): Promise<Told | null> {
  const kept = await readKept(join(folderOf(deps, project), 'briefing.json'), KeptBriefing);
  if (kept === null) return null;
  const folder = join(folderOf(deps, project), 'documents');
  const documents = await readKept(join(folderOf(deps, project), 'documents.json'), KeptDocuments);
  const copies =
    documents === null
      ? ''
      : ` Copies of ${Object.keys(documents.hashes).length} documents, as old as ${relativeTime(documents.atMs, deps.clock.nowMs())}, are in ${folder}.`;
  const head = `> **This is a copy from ${relativeTime(kept.atMs, deps.clock.nowMs())}, not the present state.** ${why} Numbers and who is at work may have changed; notes and handoffs cannot be written until the server is back.${copies}`;
  return { markdown: `${head}\n\n${kept.markdown}`, keptAtMs: kept.atMs };
}

/** Copies what has changed since the last time; answers how many are kept. @throws AppError as the server does. */
export async function copyDocuments(deps: Deps, connection: Connection, project: string): Promise<{ kept: number; more: boolean }> {
  const file = join(folderOf(deps, project), 'documents.json');
  const folder = join(folderOf(deps, project), 'documents');
  const page = await connection.call(documentOperations.list, { project, limit: DOCUMENTS_MAX });
  const before = (await readKept(file, KeptDocuments))?.hashes ?? {};
  const wanted = page.items.filter(({ bytes }) => bytes <= DOCUMENT_BYTES_MAX);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const changed = wanted.filter(({ name, hash }) => before[name] !== hash);
  for (let at = 0; at < changed.length; at += FETCHED_AT_ONCE) {
    await Promise.all(
      changed.slice(at, at + FETCHED_AT_ONCE).map(async ({ id, name }) => {
        const { content } = await connection.call(documentOperations.get, { id });
        await writeFile(join(folder, fileName(name)), content, { mode: 0o600 });
      }),
    );
  }
  const of = (member: 'hash' | 'id') => Object.fromEntries(wanted.map((each) => [each.name, each[member]]));
  await keep(file, { atMs: deps.clock.nowMs(), hashes: of('hash'), ids: of('id') });
  return { kept: wanted.length, more: page.next !== null || wanted.length < page.shown };
}

export type DocumentCopy = { id: string | null; name: string };

/** The documents of which there are copies, and from when those are; null when none were made. */
export async function listCopies(deps: Pick<Cli, 'home'>, project: string): Promise<{ atMs: number; items: DocumentCopy[] } | null> {
  const kept = await readKept(join(folderOf(deps, project), 'documents.json'), KeptDocuments);
  if (kept === null) return null;
  const items = Object.keys(kept.hashes)
    .toSorted()
    .map((name) => ({ id: kept.ids[name] ?? null, name }));
  return { atMs: kept.atMs, items };
}

/** Null when its copy is gone. */
export async function readCopy(deps: Pick<Cli, 'home'>, project: string, name: string): Promise<string | null> {
  return readFile(join(folderOf(deps, project), 'documents', fileName(name)), 'utf8').catch(() => null); // somebody removed it
}

/** From when the copy of that project's briefing is; null when there is none. */
export async function briefingKeptAt(deps: Pick<Cli, 'home'>, project: string): Promise<number | null> {
  return (await readKept(join(folderOf(deps, project), 'briefing.json'), KeptBriefing))?.atMs ?? null;
}

/** A document's name may hold slashes; its copy stays in its folder, and no two are one. */
function fileName(name: string): string {
  return `${encodeURIComponent(name)}${name.endsWith('.md') ? '' : '.md'}`;
}
