/** A repository made from a template on GitHub and cloned here (spec PRJ-3), as whoever `gh` on this machine is logged in as. */
import { mkdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { AppError } from '../../kernel/errors.ts';
import type { Cli } from './command.ts';

const TEMPLATE = /^[\w.-]+\/[\w.-]+$/;
const NAME = /^\w[\w.-]{0,99}$/;
/** GitHub copies the template before it can be cloned. */
const GH_MS = 120_000;

/** Nothing where `path` is in a checkout already. @throws AppError `invalid_input`; `unavailable` with what `gh` said */
export async function makeRepository(cli: Pick<Cli, 'execute'>, { path, template }: { path: string; template: string }): Promise<'there' | 'done'> {
  const name = basename(path);
  if (!TEMPLATE.test(template))
    throw new AppError('invalid_input', `"${template}" is no template.`, { next: 'Write it as owner/name, as in --template acme/service-template.' });
  if (!NAME.test(name))
    throw new AppError('invalid_input', `"${name}" cannot be the name of a repository.`, { next: 'Give a path that ends in its name.' });
  const isThere = await cli.execute('git', ['-C', path, 'rev-parse', '--show-toplevel']).then(
    () => true,
    () => false, // no folder, or none of a repository
  );
  if (isThere) return 'there';
  await mkdir(dirname(path), { recursive: true });
  try {
    await cli.execute('gh', ['repo', 'create', name, '--template', template, '--private', '--clone'], { cwd: dirname(path), timeoutMs: GH_MS });
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error && typeof error.stderr === 'string' ? error.stderr.trim() : '';
    const why =
      error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'GitHub CLI (gh) is not installed here.' : `gh: ${said || 'it failed'}`;
    throw new AppError('unavailable', `No repository was made from ${template}. ${why}`, {
      next: 'Install GitHub CLI, `gh auth login`, and try again; or make the repository yourself and add its checkout.',
      cause: error,
    });
  }
  return 'done';
}
