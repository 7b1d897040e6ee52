/** Changes to files as lines for people: which, and the lines that differ. Pure. */
import { diff } from 'node:util';
import type { Line } from '../cli/terminal.ts';
import type { FileChange } from './owned.ts';

const LINES_MAX = 60;
const COMPARED_MAX = 4_000;

const WORDS: Readonly<Record<FileChange['state'], string>> = {
  unchanged: 'as it should be',
  created: 'new',
  changed: 'changed',
  removed: 'removed',
  kept: 'kept',
};

export function changeLines(changes: readonly FileChange[], options: { differences: boolean }): Line[] {
  return changes
    .filter(({ state }) => state !== 'unchanged')
    .flatMap((change): Line[] => [
      [
        [change.state === 'kept' ? 'yellow' : 'green', WORDS[change.state].padEnd(8)],
        `  ${change.path}${change.why === null ? '' : `: ${change.why}`}`,
      ],
      ...(options.differences ? differences(change) : []),
    ]);
}

function differences({ before, after }: FileChange): Line[] {
  const [old, now] = [before, after].map((text) => (text === null || text === '' ? [] : text.replace(/\n$/, '').split('\n')));
  if (old === undefined || now === undefined || old.length + now.length > COMPARED_MAX) return [];
  const lines = diff(old, now).flatMap(([sign, text]): Line[] =>
    sign === 0 ? [] : [['          ', sign > 0 ? ['red', `- ${text}`] : ['green', `+ ${text}`]]],
  );
  return lines.length <= LINES_MAX ? lines : [...lines.slice(0, LINES_MAX), `          … ${lines.length - LINES_MAX} more lines`];
}

/** Without contents, which may be long, for `--json`. */
export function changeValues(changes: readonly FileChange[]): { path: string; state: string; why: string | null }[] {
  return changes.map(({ path, state, why }) => ({ path, state, why }));
}
