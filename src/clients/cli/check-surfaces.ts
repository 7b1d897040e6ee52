/** What `doctor` learns of the ways into a running server: the console in a browser, the model gateway for other programs. */
import { toAppError } from '../../kernel/errors.ts';
import { budgetOperations } from '../../platform/budgets/contract.ts';
import type { Api } from '../api.ts';
import type { Check } from './check.ts';
import { ok, warn } from './check.ts';
import type { Cli } from './command.ts';

const NOT_BUILT = 503;

export async function checkConsole(cli: Pick<Cli, 'fetch'>, url: string): Promise<Check> {
  try {
    const { status } = await cli.fetch(`${url}/`, { headers: { accept: 'text/html' } });
    if (status === 200) return ok('console', `${url}, signed in to by \`windlass console\``);
    if (status === NOT_BUILT)
      return warn('console', 'it is not built', 'Run `npm run build` in the folder of Windlass; the server needs no restart.');
    return warn('console', `${url}/ answers ${status}`, 'Restart the server: one of this version serves it.');
  } catch (error) {
    return warn('console', `not known: ${toAppError(error).message}`, 'Ask again; the server may just have stopped.'); // the rest is still worth knowing
  }
}

/** Whose models the gateway reaches is the server's to say: keys of providers are in its environment, not in ours. */
export async function checkGateway(api: Api): Promise<Check> {
  try {
    const { providers } = await api.call(budgetOperations.plan, {});
    const at = `${api.url}/gateway, for keys with scope gateway`;
    if (providers.length > 0) return ok('gateway', `${at}; keys of ${providers.join(', ')}`);
    return warn(
      'gateway',
      `${at}; the server has the key of no provider`,
      'Set ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY where it is started.',
    );
  } catch (error) {
    return warn('gateway', `not known: ${toAppError(error).message}`, 'Restart the server.'); // the rest is still worth knowing
  }
}
