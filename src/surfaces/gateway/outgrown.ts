/** Keys and models whose provider counted more input than the usual bound: from then on they are held to the hard one, in this process. */
import type { KeyId } from '../../kernel/ids.ts';
import type { Usage } from '../../kernel/messages.ts';
import type { Log } from '../../platform/telemetry/log.ts';

export type Outgrown = {
  has(key: KeyId, model: string): boolean;
  note(key: KeyId, call: { model: string; inputTokens: number }, usage: Usage): void;
};

const OUTGROWN_MAX = 10_000;

export function createOutgrown(log: Log): Outgrown {
  const known = new Set<string>();
  return {
    has: (key, model) => known.size > 0 && known.has(`${key} ${model}`),
    note(key, { model, inputTokens }, usage) {
      const oldest = known.size >= OUTGROWN_MAX ? known.values().next().value : undefined;
      if (oldest !== undefined) known.delete(oldest);
      known.add(`${key} ${model}`);
      log('warn', 'a provider counted more input than was reserved for it; this key is reserved for by bytes from now on', {
        ...{ key, model, reservedTokens: inputTokens, countedTokens: usage.inputTokens },
      });
    },
  };
}
