/** Over SSH there is no browser to sign in with, and a keychain may be locked: says what to do instead (spec LCH-4). */
import type { Cli } from '../cli/command.ts';
import type { CodingCli } from './coding-cli.ts';

/** Nothing when the terminal is the machine's own. */
export async function remoteHints({ env, machine, execute }: Pick<Cli, 'env' | 'machine' | 'execute'>, coding: CodingCli): Promise<string[]> {
  if ((env['SSH_CONNECTION'] ?? env['SSH_TTY'] ?? '') === '') return [];
  const hints = [
    `You are on ${machine.name} over SSH. Windlass uses the key files of this machine and opens no browser. If ${coding.title} is not signed in here: ${coding.signIn}.`,
  ];
  if (machine.platform !== 'darwin') return hints;
  const open = await execute('security', ['show-keychain-info']).then(
    () => true,
    () => false, // locked, which is what is asked
  );
  return open ? hints : [...hints, `The keychain is locked, and ${coding.title} may keep its sign-in there. Open it: security unlock-keychain`];
}
