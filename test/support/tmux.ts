/** A real terminal for tests: a tmux server of its own, with what is typed and what is seen. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.ts';

export const NO_TMUX: string | false = hasTmux() ? false : 'tmux is not installed here';

function hasTmux(): boolean {
  try {
    execFileSync('tmux', ['-V'], { stdio: 'ignore' });
    return true;
  } catch {
    return false; // the tests that need it are skipped and say so
  }
}

export type Tmux = {
  /** What is on the screen, without blanks at the ends of lines. */
  screen(): string;
  /** The screen once it has this. */
  sees(pattern: RegExp): Promise<string>;
  type(text: string): void;
  /** As tmux names them: `Enter`, `Up`, `C-c`. */
  press(...keys: string[]): void;
  resize(columns: number, rows: number): void;
  [Symbol.dispose](): void;
};

const SEEN_WITHIN_MS = 30_000;

/** A shell in a terminal of this size. */
export function openTmux({ columns, rows, env, cwd }: { columns: number; rows: number; env: Record<string, string>; cwd: string }): Tmux {
  const folder = mkdtempSync(join(tmpdir(), 'windlass-tmux-'));
  const socket = join(folder, 'socket');
  const clean = { PATH: process.env['PATH'] ?? '', HOME: cwd, TERM: 'xterm-256color', LANG: 'C.UTF-8', PS1: '$ ', ...env };
  const tmux = (...args: string[]): string =>
    execFileSync('tmux', ['-u', '-S', socket, '-f', '/dev/null', ...args], { encoding: 'utf8', env: clean, cwd });
  tmux('new-session', '-d', '-s', 't', '-x', String(columns), '-y', String(rows), 'sh');
  const screen = (): string => tmux('capture-pane', '-p', '-t', 't').replaceAll(/ +$/gm, '');
  return {
    screen,
    async sees(pattern) {
      try {
        return await until(`seeing ${String(pattern)}`, SEEN_WITHIN_MS, () => {
          const seen = screen();
          return pattern.test(seen) ? seen : null;
        });
      } catch (error) {
        throw new Error(`${String(pattern)} was not seen; the screen was:\n${screen()}`, { cause: error });
      }
    },
    type: (text) => void tmux('send-keys', '-t', 't', '-l', text),
    press: (...keys) => void tmux('send-keys', '-t', 't', ...keys),
    resize: (toColumns, toRows) => void tmux('resize-window', '-t', 't', '-x', String(toColumns), '-y', String(toRows)),
    [Symbol.dispose]() {
      tmux('kill-server');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
