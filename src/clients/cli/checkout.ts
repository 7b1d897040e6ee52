/** Where a command is called from, as git tells it: remote, branch and commit of the current folder. What git does not know is left out. */
import type { Cli } from './command.ts';
import { given } from './command.ts';

export type CheckoutHere = { repository?: string; branch?: string; commit?: string };

export async function checkoutHere(cli: Pick<Cli, 'cwd' | 'execute'>): Promise<CheckoutHere> {
  const git = async (...args: string[]): Promise<string | undefined> => {
    try {
      const [line = ''] = (await cli.execute('git', ['-C', cli.cwd, ...args])).split('\n');
      return line.trim() === '' ? undefined : line.trim();
    } catch {
      return undefined; // no git, no repository, no remote: the server says what it needs
    }
  };
  const [repository, branch, commit] = await Promise.all([
    git('config', '--get', 'remote.origin.url'),
    git('branch', '--show-current'),
    git('rev-parse', 'HEAD'),
  ]);
  return given({
    repository: repository?.replace(/^([a-z+]+:\/\/)[^/@]*@/i, '$1'),
    branch,
    commit: /^[0-9a-f]{40,64}$/.test(commit ?? '') ? commit : undefined,
  });
}
