/** Which project the current folder belongs to, so that a run started inside a checkout works on that checkout. Only reads. */
import { realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import { projectOperations } from '../../work/projects/contract.ts';
import type { Cli } from './command.ts';
import { isLoopback } from './connection.ts';
import type { Connection } from './connection.ts';

/** Projects looked through; with more, the project has to be named. */
const PROJECTS_READ = 100;

/**
 * The code of the project whose checkout holds the current folder, the innermost one; undefined when none does, when the server is on
 * another machine, or when this key may not see projects: then the server takes the first project.
 */
export async function projectHere(cli: Pick<Cli, 'cwd'>, connection: Connection): Promise<string | undefined> {
  if (connection.server !== null && !isLoopback(connection.server.url)) return undefined;
  try {
    const here = await realpath(cli.cwd);
    const { items } = await connection.call(projectOperations.list, { limit: PROJECTS_READ });
    const holding = items.filter(({ path }) => path !== null && (here === path || here.startsWith(path.endsWith(sep) ? path : path + sep)));
    return holding.toSorted((a, b) => (b.path?.length ?? 0) - (a.path?.length ?? 0))[0]?.code;
  } catch {
    return undefined; // a run needs no project here, and starting it says what is wrong with the server or the key
  }
}
