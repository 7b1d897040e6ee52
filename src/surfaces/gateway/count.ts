/**
 * Counting tokens before a call: the provider's own count where its protocol is spoken and it can be asked, else an estimate that says so. Costs
 * nothing, so the ledger does not know of it.
 */
import { toAppError } from '../../kernel/errors.ts';
import { attemptAt, changesOf } from './attempt.ts';
import type { CallDeps, Serving } from './call.ts';
import { exchange, NOTHING_READ } from './exchange.ts';
import { headersUpstream } from './headers.ts';
import { countInputTokens, writeCountTokens } from './translate/count-tokens.ts';
import { failureError } from './translate/errors.ts';
import type { ClientError } from './translate/protocol.ts';

/** Null when the client was answered. */
export async function countTokens(deps: CallDeps, { call, chain, reply, headers }: Serving): Promise<ClientError | null> {
  const [model = ''] = chain.models;
  const provider = deps.models.provider(model);
  const key = provider === null ? undefined : deps.models.keyOf(provider);
  const attempt = attemptAt(call, { model, provider, key, facts: deps.models.facts(model), outgrown: false });
  const told = { ...headers, 'x-windlass-model': model };
  if (
    provider === null ||
    attempt.way === 'translate' ||
    (attempt.credential.whose === 'ours' && key === undefined && provider.keyNames.length > 0)
  ) {
    const { ask } = call.endpoint;
    if (ask.kind !== 'count') throw toAppError('only counts are counted here');
    const tokens = countInputTokens(ask.protocol, call.ask.json, { model: ask.model, stream: null });
    reply.answer(
      200,
      { 'content-type': 'application/json', ...told, 'x-windlass-estimated': 'true' },
      JSON.stringify(writeCountTokens(ask.protocol, tokens)),
    );
    return null;
  }
  const { origin, pathname } = new URL(provider.baseUrl);
  const changes = changesOf(call, attempt, attempt.maxOutputTokens);
  const passed = await exchange(
    deps.dispatcher,
    {
      ...{ provider: provider.name, origin, path: (pathname === '/' ? '' : pathname) + changes.path, body: changes.body },
      headers: headersUpstream(call.rawHeaders, provider, attempt.credential),
      ...deps.timeouts,
    },
    {
      ...{ reply, stopping: () => deps.closing.aborted, stream: false, withholding: null, onBytes: null, headers: () => told },
      nowMs: () => deps.clock.nowMs(),
      reader: () => ({ push: () => undefined, read: () => ({ ...NOTHING_READ, final: true }) }),
      brokenOff: () => '',
    },
  );
  if (passed.held === null) return passed.failure === null ? null : failureError(passed.failure);
  if (passed.failure?.kind === 'credential' && attempt.credential.whose === 'ours') return failureError(passed.failure);
  reply.answer(passed.held.status, { ...passed.held.headers, ...told }, passed.held.body);
  return null;
}
