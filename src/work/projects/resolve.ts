/** Which project is meant: by its code or id, else by the repository's remote, never by a folder's name (spec PRJ-2). */
import { AppError } from '../../kernel/errors.ts';
import { remoteKey } from '../../kernel/git-remote.ts';
import type { OrgId, ProjectId } from '../../kernel/ids.ts';

export type ProjectLookup = {
  /** By id or code. @throws AppError `not_found` */
  find(org: OrgId, wanted: string): Promise<ProjectId | null>;
  /** Every project of that git remote. */
  findByRemote(org: OrgId, remote: string): Promise<{ id: ProjectId; code: string }[]>;
};

/**
 * `elsewhere`: code of the project that the repository belongs to, when another one was named.
 * @throws AppError `not_found`, `invalid_input` when several projects have the repository or it is no remote
 */
export async function resolveProject(
  projects: ProjectLookup,
  org: OrgId,
  wanted: { project?: string | undefined; repository?: string | undefined },
): Promise<{ id: ProjectId; elsewhere: string | null }> {
  const byRemote = wanted.repository === undefined ? [] : await projects.findByRemote(org, wanted.repository);
  if (wanted.project !== undefined) {
    const id = await projects.find(org, wanted.project);
    if (id === null) throw new AppError('not_found', `There is no project ${wanted.project}.`);
    const other = byRemote.length > 0 && !byRemote.some((each) => each.id === id) ? byRemote[0] : undefined;
    return { id, elsewhere: other?.code ?? null };
  }
  const [found, another] = byRemote;
  if (found === undefined) {
    const what =
      wanted.repository === undefined
        ? 'Neither a project nor a repository was named.'
        : `No project has the repository ${repositoryOf(wanted.repository)}.`;
    throw new AppError('not_found', what, { next: 'Register it with `windlass project add`, or name a project.' });
  }
  if (another !== undefined) {
    const codes = byRemote.map(({ code }) => code).join(', ');
    throw new AppError('invalid_input', `Several projects have this repository: ${codes}.`, { next: 'Name the one you mean as project.' });
  }
  return { id: found.id, elsewhere: null };
}

/** Host and path of a remote. @throws AppError `invalid_input` */
export function repositoryOf(remote: string): string {
  const key = remoteKey(remote);
  if (key !== null && key.isWellFormed() && !/\p{Cc}/u.test(key)) return key;
  throw new AppError('invalid_input', 'The repository is no git remote.', { next: 'Send what `git remote get-url origin` prints, or leave it out.' });
}
