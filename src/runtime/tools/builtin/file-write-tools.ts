/**
 * Writing files: `file_write` and `file_edit`, only in the run's own worktree (spec TOL-13). Each write is recorded by its key and
 * the digest it leads to before it is made, so that a probe can tell after a crash whether it was.
 */
import { isUtf8 } from 'node:buffer';
import { chmod, mkdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { sha256Hex } from '../../../kernel/canonical-json.ts';
import type { Tool, ToolContext, ToolOutcome } from '../tool.ts';
import { confine, isLink, openFile, type Place } from './checkout.ts';
import { defineTool, failed, wrongInput } from './define.ts';
import { writeWhole, type Worktrees } from './worktrees.ts';

const CONTENT_CHARS = 1_000_000;

const Path = z.string().min(1).max(4_096).describe('Relative to the top of the checkout');

/** Where writes land is not the checkout that people work in, so undoing one is deleting a branch. */
const WRITING = { sideEffect: 'reversible', recovery: 'probe', settleMs: 1_000, taints: [] as never[] } as const;

export function createFileWriteTools(worktrees: Worktrees): Tool[] {
  return [writeTool(worktrees), editTool(worktrees)];
}

function writeTool(worktrees: Worktrees): Tool {
  return defineTool({
    name: 'file_write',
    description: "Writes a whole text file, new or over an old one, in this run's own worktree; the project's checkout stays as it is.",
    input: z.strictObject({ path: Path, content: z.string().max(CONTENT_CHARS) }),
    ...WRITING,
    run: (args, context) => write(worktrees, { path: args.path, context, change: () => ({ content: args.content }) }),
    probe: (args, context) => probe(worktrees, args.path, context),
  });
}

function editTool(worktrees: Worktrees): Tool {
  return defineTool({
    name: 'file_edit',
    description: "Replaces a piece of a text file in this run's own worktree. `old` must be there exactly once, unless `all` is true.",
    input: z.strictObject({
      path: Path,
      old: z.string().min(1).max(CONTENT_CHARS),
      new: z.string().max(CONTENT_CHARS),
      all: z.boolean().default(false),
    }),
    ...WRITING,
    run: (args, context) =>
      write(worktrees, {
        path: args.path,
        context,
        change(before) {
          if (before === null) return { wrong: `There is no file "${args.path}". Make it with file_write.` };
          const count = before.split(args.old).length - 1;
          if (count === 0) {
            return { wrong: `"${args.path}" does not hold the text to replace. Read it again and copy the text exactly, spaces included.` };
          }
          if (count > 1 && !args.all) {
            return { wrong: `"${args.path}" holds the text ${count} times. Give more of its surroundings, or set all to true.` };
          }
          return { content: before.split(args.old).join(args.new) };
        },
      }),
    probe: (args, context) => probe(worktrees, args.path, context),
  });
}

type Change = (before: string | null) => { content: string } | { wrong: string };

async function write(worktrees: Worktrees, { path, context, change }: { path: string; context: ToolContext; change: Change }): Promise<ToolOutcome> {
  const tree = await worktrees.own(context);
  const place = await confine(tree.path, path, context);
  if (await isLink(`${tree.path}/${place.shown}`)) return wrongInput(`"${place.shown}" is a link; write to the file it leads to.`);
  const old = place.exists ? await bytesOf(place) : null;
  const before = old === null ? null : isUtf8(old) && !old.includes(0) ? old.toString('utf8') : null;
  if (old !== null && before === null) return wrongInput(`"${place.shown}" is not UTF-8 text and is not written as such.`);
  const changed = change(before);
  if ('wrong' in changed) return wrongInput(changed.wrong);
  if (changed.content.length > CONTENT_CHARS) return failed(`"${place.shown}" would have over ${CONTENT_CHARS} characters.`);

  const after = sha256Hex(changed.content);
  await worktrees.recordWrite(context.run, context.key, { path: place.shown, before: before === null ? null : sha256Hex(before), after });
  if (context.signal.aborted) return { ok: false, class: 'timeout', message: 'The run was stopped before the file was written.' };
  await mkdir(dirname(place.path), { recursive: true });
  const mode = place.exists ? (await stat(place.path)).mode & 0o777 : 0o644;
  await writeWhole(place.path, changed.content, mode);
  await chmod(place.path, mode);
  const what = `${before === null ? 'new file' : 'file'} ${place.shown} on branch ${tree.branch}`;
  return {
    ok: true,
    text: `Wrote ${what}: ${Buffer.byteLength(changed.content)} bytes.`,
    structured: { path: place.shown, branch: tree.branch, worktree: tree.path, created: before === null, sha256: after },
    evidence: { level: 'observed', what: `${what} has SHA-256 ${after}` },
  };
}

async function probe(worktrees: Worktrees, path: string, context: ToolContext): ReturnType<NonNullable<Tool['probe']>> {
  const record = await worktrees.readWrite(context.run, context.key);
  const tree = await worktrees.find(context.run);
  if (record === null || tree === null) return { found: false };
  const place = await confine(tree.path, path, context);
  const now = place.exists ? sha256Hex(await bytesOf(place)) : null;
  if (now === record.after) return { found: true, text: `Wrote ${record.path} on branch ${tree.branch}.` };
  if (now === record.before) return { found: false };
  return { found: 'unknown', why: `${record.path} holds neither what it held before nor what was to be written.` };
}

async function bytesOf(place: Place): Promise<Buffer> {
  await using file = await openFile(place);
  return await readFile(file);
}
