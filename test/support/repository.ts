/** Real git repositories for tests, with an author of their own and nothing of this machine's configuration. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const OWN = ['-c', 'user.name=Tess', '-c', 'user.email=tess@example.com', '-c', 'init.defaultBranch=main', '-c', 'commit.gpgsign=false'];

export async function git(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await run('git', [...OWN, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
  });
  return stdout.trim();
}

/** A repository with one commit of `files` (path → content). Answers its path. */
export async function repository(path: string, remote: string | null, files: Readonly<Record<string, string>> = {}): Promise<string> {
  await mkdir(path, { recursive: true });
  await git(path, 'init', '-q');
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  await git(path, 'add', '-A');
  await git(path, 'commit', '-q', '--allow-empty', '-m', 'one');
  if (remote !== null) await git(path, 'remote', 'add', 'origin', remote);
  return path;
}
