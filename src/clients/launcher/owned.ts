/**
 * Files of somebody else's folder in which a part, or the whole, is ours: puts in what is wanted, heals what was lost, keeps what was
 * changed by hand, and takes all of it out again. What was put in is remembered in our own home folder, not in theirs.
 */
import { createHash } from 'node:crypto';
import { access, constants, mkdir, readFile, readdir, realpath, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { z } from 'zod';
import { AppError, toAppError } from '../../kernel/errors.ts';
import type { LockDeps } from './file-lock.ts';
import { withLock } from './file-lock.ts';
import type { JsonEdit, JsonRecord } from './json-edit.ts';
import { NO_RECORD, installJson, removeJson } from './json-edit.ts';
import type { BlockMarks } from './text-block.ts';
import { installBlock, removeBlock } from './text-block.ts';
import { writeWhole } from './write-file.ts';

/** `path` is relative to the root, with slashes. `check` refuses a block that the file's own format cannot take. */
export type OwnedFile =
  | { kind: 'json'; path: string; edits: readonly JsonEdit[] }
  | {
      kind: 'block';
      path: string;
      body: string;
      marks: BlockMarks;
      check?: (before: string, after: string) => void;
      /** A file in which this is found has the block by other means: it gets none, and loses the one it had. */
      unless?: RegExp;
    }
  | { kind: 'whole'; path: string; text: string };

/** `kept`: something of it was changed by hand, or is not ours, and stays; `why` names it. */
export type FileChange = {
  path: string;
  state: 'unchanged' | 'created' | 'changed' | 'removed' | 'kept';
  why: string | null;
  before: string | null;
  after: string | null;
};

const Edit = z.object({ kind: z.enum(['member', 'item']), path: z.array(z.string()), value: z.json() });
const FileRecord = z.object({
  group: z.string(),
  kind: z.enum(['json', 'block', 'whole']),
  marks: z.object({ open: z.string(), tail: z.string(), close: z.string() }).optional(),
  /** Whether there was no file before. */
  created: z.boolean(),
  edits: z.array(Edit).default([]),
  made: z.array(z.array(z.string())).default([]),
  digest: z.string().nullable().default(null),
});
type FileRecord = z.infer<typeof FileRecord>;
const RootRecord = z.object({ root: z.string(), files: z.record(z.string(), FileRecord), folders: z.array(z.string()) });
type RootRecord = z.infer<typeof RootRecord>;

export type OwnedDeps = LockDeps & { home: string };
/** `group`: what belongs together and is replaced together, such as one CLI's configuration. */
export type OwnedSet = { root: string; group: string; files: readonly OwnedFile[] };

const BYTES_MAX = 2 * 1024 * 1024;

/** @throws AppError `invalid_input`, `denied` naming the file and what to do; nothing is written then. */
export async function installOwned(deps: OwnedDeps, set: OwnedSet, options: { dryRun: boolean }): Promise<FileChange[]> {
  const root = await realpath(set.root);
  return locked(deps, { root, write: !options.dryRun }, async (record) => {
    const wanted = new Set(set.files.map(({ path }) => path));
    const gone = Object.entries(record.files).filter(([path, each]) => each.group === set.group && !wanted.has(path));
    const plans = [
      ...(await inTurn(gone, ([path, each]) => planRemoval(root, path, each))),
      ...(await inTurn(await distinct(root, set.files), (file) => planInstall(root, { file, group: set.group, before: record.files[file.path] }))),
    ];
    return carryOut(plans, { root, record, write: !options.dryRun });
  });
}

/** Everything of ours below the root, or one group of it. */
export async function removeOwned(deps: OwnedDeps, set: { root: string; group?: string }, options: { dryRun: boolean }): Promise<FileChange[]> {
  const root = await realpath(set.root);
  return locked(deps, { root, write: !options.dryRun }, async (record) => {
    const ours = Object.entries(record.files).filter(([, each]) => set.group === undefined || each.group === set.group);
    const plans = await inTurn(ours.toReversed(), ([path, each]) => planRemoval(root, path, each));
    return carryOut(plans, { root, record, write: !options.dryRun });
  });
}

type Plan = { change: FileChange; target: string; mode: number; record: FileRecord | null };

async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (const item of items) done.push(await work(item));
  return done;
}

/** Two names of one file (CLAUDE.md as a link to AGENTS.md) are written once. */
async function distinct(root: string, files: readonly OwnedFile[]): Promise<OwnedFile[]> {
  const seen = new Map<string, OwnedFile>();
  for (const file of files) {
    const target = await targetOf(root, file.path);
    if (!seen.has(target)) seen.set(target, file);
  }
  return [...seen.values()];
}

type Wanted = { file: OwnedFile; group: string; before: FileRecord | undefined };

async function planInstall(root: string, { file, group, before }: Wanted): Promise<Plan> {
  const { target, text, mode } = await readTarget(root, file.path);
  const now = text ?? '';
  const record = { ...(before ?? { created: text === null, edits: [], made: [], digest: null }), group, kind: file.kind };
  const plan = (after: string, kept: string | null, over: Partial<FileRecord>): Plan => {
    const state = kept !== null ? 'kept' : text === null ? 'created' : after === text ? 'unchanged' : 'changed';
    return { change: { path: file.path, state, why: kept, before: text, after }, target, mode, record: { ...record, ...over } };
  };
  try {
    if (file.kind === 'json') {
      const done = installJson(now, file.edits, jsonRecord(before));
      return plan(done.text, keptWords(done.kept), { edits: done.record.edits.map(loose), made: done.record.made.map((path) => [...path]) });
    }
    if (file.kind === 'block' && file.unless?.test(removeBlock(now, file.marks).text) === true) {
      const done = removeBlock(now, file.marks);
      return plan(done.text, done.kept ? 'our block was changed by hand' : null, { marks: file.marks });
    }
    if (file.kind === 'block') {
      const done = installBlock(now, file.body, file.marks);
      if (!done.kept) file.check?.(removeBlock(now, file.marks).text, done.text);
      return plan(done.text, done.kept ? 'our block was changed by hand' : null, { marks: file.marks });
    }
    const known = before?.digest ?? null;
    const kept =
      text === null || text === file.text || digest(text) === known ? null : known === null ? 'it was there before us' : 'it was changed by hand';
    return plan(kept === null ? file.text : now, kept, { digest: kept === null ? digest(file.text) : known });
  } catch (error) {
    throw placed(file.path, target, error);
  }
}

async function planRemoval(root: string, path: string, before: FileRecord): Promise<Plan> {
  const { target, text, mode } = await readTarget(root, path);
  const gone: Plan = { change: { path, state: 'unchanged', why: null, before: text, after: text }, target, mode, record: null };
  if (text === null) return gone;
  const plan = (after: string, kept: string | null): Plan => {
    const nothing = after === '' && before.created;
    const state = kept !== null ? 'kept' : nothing ? 'removed' : after === text ? 'unchanged' : 'changed';
    return { ...gone, change: { path, state, why: kept, before: text, after: nothing ? null : after } };
  };
  try {
    if (before.kind === 'json') {
      const done = removeJson(text, jsonRecord(before));
      return plan(done.text, keptWords(done.kept));
    }
    if (before.kind === 'block') {
      const done = before.marks === undefined ? { text, kept: false } : removeBlock(text, before.marks);
      return plan(done.text, done.kept ? 'our block was changed by hand' : null);
    }
    if (digest(text) !== before.digest) return plan(text, 'it was changed by hand');
    return plan(before.created ? '' : text, null);
  } catch (error) {
    throw placed(path, target, error);
  }
}

function jsonRecord(record: FileRecord | undefined): JsonRecord {
  return record === undefined ? NO_RECORD : { edits: record.edits, made: record.made };
}

function loose(edit: JsonEdit): z.infer<typeof Edit> {
  return { kind: edit.kind, path: [...edit.path], value: edit.value as z.infer<typeof Edit>['value'] };
}

function keptWords(kept: readonly string[]): string | null {
  return kept.length === 0 ? null : `${kept.join(' and ')} there is another's, or was changed by hand`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function placed(path: string, target: string, error: unknown): AppError {
  const { code, message, next } = toAppError(error);
  if (next !== undefined) return new AppError(code, message, { next, cause: error });
  return new AppError(code, `${path} is not as it should be: ${message}. It is left as it is.`, {
    next: `Mend ${target} and launch again.`,
    cause: error,
  });
}

/** Where the bytes are, through links, which may not lead out of the root. */
async function targetOf(root: string, path: string): Promise<string> {
  const full = join(root, path);
  const target = await realpath(full).catch(async () => join(await nearest(dirname(full)), full.slice(dirname(full).length + 1))); // not there yet
  if (target !== root && !target.startsWith(root.endsWith(sep) ? root : root + sep)) {
    throw new AppError('denied', `${full} leads out of ${root}, to ${target}. It is left as it is.`, {
      next: 'Put a file in the place of the link, and launch again.',
    });
  }
  return target;
}

async function nearest(folder: string): Promise<string> {
  const there = await realpath(folder).catch(() => null); // not there yet: its parent may be
  return there ?? join(await nearest(dirname(folder)), folder.slice(dirname(folder).length + 1));
}

async function readTarget(root: string, path: string): Promise<{ target: string; text: string | null; mode: number }> {
  const target = await targetOf(root, path);
  const found = await stat(target).catch(() => null); // not there yet
  if (found === null) return { target, text: null, mode: 0o644 };
  if (!found.isFile()) throw new AppError('denied', `${target} is no file.`, { next: 'Move it out of the way, and launch again.' });
  if (found.size > BYTES_MAX) throw new AppError('too_large', `${target} has more than ${BYTES_MAX} bytes.`);
  const bytes = await readFile(target);
  const text = bytes.toString('utf8');
  if (!Buffer.from(text).equals(bytes))
    throw new AppError('invalid_input', `${target} is not in UTF-8 and is left as it is.`, { next: 'Save it as UTF-8, and launch again.' });
  return { target, text, mode: found.mode & 0o777 };
}

type Doing = { root: string; record: RootRecord; write: boolean };

/** Looks at every file before it writes the first. */
async function carryOut(plans: readonly Plan[], { root, record, write }: Doing): Promise<FileChange[]> {
  const writing = plans.filter(({ change }) => change.before !== change.after);
  for (const { target, change, mode } of writing) if (change.before !== null) await assertWritable(target, mode);
  if (!write) return plans.map(({ change }) => change);
  for (const { change, target, mode } of writing) {
    if (change.after === null) {
      await rm(target);
      await dropFolders(root, dirname(target), record);
    } else {
      await makeFolders(root, dirname(target), record);
      await writeWhole(target, change.after, mode);
    }
  }
  for (const { change, record: now } of plans) {
    if (now === null && change.state !== 'kept') delete record.files[change.path];
    else if (now !== null) record.files[change.path] = now;
  }
  return plans.map(({ change }) => change);
}

async function assertWritable(target: string, mode: number): Promise<void> {
  const allowed = await access(target, constants.W_OK).then(
    () => (mode & 0o222) !== 0, // root may write what nobody may: it was made read-only on purpose
    () => false,
  );
  if (!allowed) throw new AppError('denied', `${target} is read-only and would have to be changed.`, { next: `chmod u+w ${target}` });
}

async function makeFolders(root: string, folder: string, record: RootRecord): Promise<void> {
  const missing: string[] = [];
  for (let at = folder; at.length > root.length && (await stat(at).catch(() => null)) === null; at = dirname(at)) missing.push(at); // absent
  await mkdir(folder, { recursive: true });
  record.folders.push(...missing.map((each) => each.slice(root.length + 1)));
}

/** Folders that we made and that are empty again. */
async function dropFolders(root: string, folder: string, record: RootRecord): Promise<void> {
  for (let at = folder; at.length > root.length; at = dirname(at)) {
    const name = at.slice(root.length + 1);
    if (!record.folders.includes(name) || (await readdir(at)).length > 0) return;
    await rmdir(at);
    record.folders.splice(record.folders.indexOf(name), 1);
  }
}

/** One at a time for each root; what is remembered is written back when it has changed. */
async function locked<T>(deps: OwnedDeps, { root, write }: { root: string; write: boolean }, work: (record: RootRecord) => Promise<T>): Promise<T> {
  const file = join(deps.home, 'launcher', `${digest(root).slice(0, 16)}.json`);
  const run = async (): Promise<T> => {
    const before = await readFile(file, 'utf8').catch(() => null); // nothing was ever put in here
    const record = parseRecord(before, root);
    const answer = await work(record);
    const after = `${JSON.stringify(record, null, 1)}\n`;
    if (write && after !== before) await (Object.keys(record.files).length === 0 ? rm(file, { force: true }) : writeWhole(file, after, 0o600));
    return answer;
  };
  return write ? withLock(`${file}.lock`, deps, run) : run();
}

function parseRecord(text: string | null, root: string): RootRecord {
  try {
    const record = RootRecord.parse(JSON.parse(text ?? ''));
    if (record.root === root) return record;
  } catch {
    // never written, or broken: what is ours is recognised by its names and marks
  }
  return { root, files: {}, folders: [] };
}
