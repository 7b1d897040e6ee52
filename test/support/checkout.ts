/** A git repository of a test with a home folder beside it, in which coding CLIs stand on PATH as programs that are never really run. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export type TestCheckout = {
  readonly top: string;
  readonly home: string;
  /** A folder for PATH. */
  readonly bin: string;
  write(path: string, text: string): void;
  read(path: string): string;
  git(...args: string[]): string;
  /** Every file but git's own, by path, with mode and content. */
  snapshot(): Record<string, string>;
  [Symbol.dispose](): void;
};

export function testCheckout(options: { remote?: string; files?: Readonly<Record<string, string>>; clis?: readonly string[] } = {}): TestCheckout {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'windlass-checkout-')));
  const top = join(folder, 'src', 'app');
  const [home, bin] = [join(folder, 'home'), join(folder, 'bin')];
  for (const each of [top, home, bin]) mkdirSync(each, { recursive: true });
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', top, '-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', '-c', 'commit.gpgsign=false', ...args], {
      encoding: 'utf8',
    }).trim();
  git('init', '-q', '-b', 'main');
  if (options.remote !== undefined) git('remote', 'add', 'origin', options.remote);
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(top, path)), { recursive: true });
    writeFileSync(join(top, path), text);
  };
  for (const [path, text] of Object.entries(options.files ?? {})) write(path, text);
  for (const name of options.clis ?? ['claude', 'codex', 'gemini']) {
    writeFileSync(join(bin, name), '#!/bin/sh\nexit 0\n');
    chmodSync(join(bin, name), 0o755);
  }
  return {
    ...{ top, home, bin, write, git },
    read: (path) => readFileSync(join(top, path), 'utf8'),
    snapshot() {
      const entries = readdirSync(top, { recursive: true, withFileTypes: true })
        .map((entry) => ({ entry, path: join(entry.parentPath, entry.name).slice(top.length + 1) }))
        .filter(({ path }) => path !== '.git' && !path.startsWith('.git/'));
      return Object.fromEntries(
        entries
          .toSorted((a, b) => (a.path < b.path ? -1 : 1))
          .map(({ entry, path }) => {
            const full = join(top, path);
            if (entry.isDirectory()) return [path, 'folder'];
            if (entry.isSymbolicLink()) return [path, 'link'];
            return [path, `${(statSync(full).mode & 0o777).toString(8)} ${readFileSync(full, 'utf8')}`];
          }),
      );
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
