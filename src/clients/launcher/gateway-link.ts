/**
 * Whether our server's model gateway answers, and the virtual key for this project there. The key lies in the vault at `PROJECT/vault`;
 * one is made when the caller's own key may make keys, and never by the key of this machine.
 */
import { z } from 'zod';
import { AppError, toAppError } from '../../kernel/errors.ts';
import { identityOperations } from '../../platform/identity/contract.ts';
import type { Cli } from '../cli/command.ts';
import type { Connection } from '../cli/connection.ts';
import type { Gateway } from './coding-cli.ts';
import { formOf } from './secret-form.ts';
import type { Vault } from './vault.ts';

export const GATEWAY_KEY_NAME = 'WINDLASS_GATEWAY_KEY';
const ANSWER_MS = 2_000;
const Models = z.object({ data: z.array(z.unknown()) });

export type GatewayLink = { gateway: Gateway | null; words: string; next: string | null };

/** Never throws: a launch goes on without the gateway, and says so. */
export async function linkGateway(cli: Cli, connection: Connection, { project, vault }: { project: string; vault: Vault }): Promise<GatewayLink> {
  const url = `${connection.url}/gateway`;
  const without = (words: string, next: string | null): GatewayLink => ({ gateway: null, words: `${words}; the CLI uses its own account`, next });
  try {
    const stored = (await vault.read(`${project}/vault`))[GATEWAY_KEY_NAME];
    const { status, models } = await ask(cli, url, stored ?? 'none');
    if (status === 404) return without('this server has none', null);
    if (status === 200 && models === 0)
      return without('it has no model to offer', 'Start the server with the key of a provider set, as in ANTHROPIC_API_KEY.');
    if (status === 200 && stored !== undefined)
      return { gateway: { url, key: stored }, words: `${url}, with the virtual key of ${project}`, next: null };
    if (stored !== undefined && status !== 401)
      return without(`it answered ${status} to the virtual key of ${project}`, `windlass secret remove ${project}/vault ${GATEWAY_KEY_NAME}`);
    const made = await makeKey(cli, connection, project);
    if (made === null) {
      return without(
        stored === undefined ? `no virtual key of ${project} is in the vault` : `the virtual key of ${project} no longer works`,
        `WINDLASS_KEY=OWNER_KEY windlass launch ${project} makes one`,
      );
    }
    await vault.set({ path: `${project}/vault`, name: GATEWAY_KEY_NAME, value: made }, () => formOf(made));
    return { gateway: { url, key: made }, words: `${url}, with a new virtual key of ${project}, kept in the vault`, next: null };
  } catch (error) {
    return without(`it cannot be used: ${toAppError(error).message}`, null);
  }
}

async function ask(cli: Cli, url: string, key: string): Promise<{ status: number; models: number }> {
  const [late, answered] = [new AbortController(), new AbortController()];
  void cli.clock.sleep(ANSWER_MS, answered.signal).then(() => late.abort());
  try {
    const response = await cli.fetch(`${url}/anthropic/v1/models`, {
      headers: { 'x-api-key': key, 'anthropic-version': '2023-06-01' },
      signal: late.signal,
    });
    const models = response.status === 200 ? Models.parse(await response.json()).data.length : 0;
    return { status: response.status, models };
  } catch {
    throw new AppError('unavailable', `${url} does not answer`); // refused, or silent for too long
  } finally {
    answered.abort();
  }
}

/** Null when the caller's key may make none. */
async function makeKey({ machine }: Cli, connection: Connection, project: string): Promise<string | null> {
  const self = await connection.call(identityOperations.whoami, {});
  if (!self.permissions.includes('keys.mint')) return null;
  const { secret } = await connection.call(identityOperations.createKey, {
    name: `launcher of ${project} on ${machine.name}`,
    role: 'member',
    scopes: ['gateway'],
    project,
  });
  return secret;
}
