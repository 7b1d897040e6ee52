/**
 * Whether a call of a coding CLI names another project's repository, by a path or a remote (spec POL-4). Pure, and advisory: it sees what is
 * written in the call, not what a program does. What it cannot know is the boundary of keys and sandboxes.
 */
import { homedir } from 'node:os';
import { resolve, sep } from 'node:path';
import { remoteKey } from '../../kernel/git-remote.ts';
import type { ProjectView } from '../../work/projects/contract.ts';

export type Neighbour = Pick<ProjectView, 'code' | 'path' | 'repositories'>;

/** Text of a call longer than this is looked at up to here. */
const TEXT_CHARS = 100_000;
/** Bounded, so that no text can hold the hook up. */
const REMOTE = /(?:[a-z+]{1,20}:\/\/|[\w.-]{1,64}@)[\w.@:~/-]{1,500}/gi;

/** Code of the project that the call reaches into; null when it stays at home. `strings`: its commands and paths. */
export function reachesInto(
  strings: readonly string[],
  where: { active: string; folder: string; home?: string; projects: readonly Neighbour[] },
): string | null {
  const text = strings.join('\n').slice(0, TEXT_CHARS);
  const others = where.projects.filter(({ code }) => code !== where.active);
  const own = where.projects.find(({ code }) => code === where.active);
  const ofOthers = new Map(others.flatMap(({ code, repositories }) => repositories.map((remote) => [remoteKey(remote), code] as const)));
  const ownKeys = new Set((own?.repositories ?? []).map((remote) => remoteKey(remote)));
  for (const [found] of text.matchAll(REMOTE)) {
    const key = remoteKey(found.replace(/[.,;:]+$/, ''));
    const code = key === null || ownKeys.has(key) ? undefined : ofOthers.get(key);
    if (code !== undefined) return code;
  }
  return (
    words(text)
      .map((word) => ownerOf(word, where))
      .find((code) => code !== null && code !== where.active) ?? null
  );
}

/** What may be a path: split where a shell splits, with what stands behind an option's `=`. */
function words(text: string): string[] {
  return text.split(/[\s"'`;|&<>(){}=,]+/).filter((word) => /^(?:\/|~|\.\.?(?:\/|$))/.test(word) || word.includes('/../'));
}

/** The project whose checkout holds the path, the deepest of those that do. */
function ownerOf(
  word: string,
  { folder, home = homedir(), projects }: { folder: string; home?: string; projects: readonly Neighbour[] },
): string | null {
  const path = resolve(folder, word.startsWith('~') ? home + word.slice(1) : word);
  const holding = projects.filter((each) => each.path !== null && (path === each.path || path.startsWith(each.path + sep)));
  return holding.toSorted((a, b) => (b.path?.length ?? 0) - (a.path?.length ?? 0))[0]?.code ?? null;
}
