/** What a child of a CLI says of the variables that reached it: a keyed digest of each, never a value. Runs in that child. */
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import type { Environment } from '../../config.ts';

export const PROBE_VARIABLE = 'WINDLASS_PROBE';
/** Begins each line of the report. */
export const PROBE_MARK = 'windlass-probe:';

const Probe = z.object({ url: z.string(), nonce: z.string(), names: z.array(z.string()) });
export type Probe = z.infer<typeof Probe>;

/** Null outside of a proof. */
export function probeOf(env: Environment): Probe | null {
  const text = env[PROBE_VARIABLE] ?? '';
  if (text === '') return null;
  return Probe.parse(JSON.parse(text));
}

export function reportLines({ nonce, names }: Pick<Probe, 'nonce' | 'names'>, env: Environment): string[] {
  return names.map((name) => `${PROBE_MARK}${name}=${(env[name] ?? '') === '' ? 'missing' : markOf(nonce, env[name] ?? '')}`);
}

function markOf(nonce: string, value: string): string {
  return createHmac('sha256', nonce).update(value).digest('hex').slice(0, 16);
}
