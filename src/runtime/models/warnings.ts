/** What the AI SDK's packages warn of (an option that a model does not take, say), told in the log once each: else nobody would hear of it. */
import type { SharedV4Warning } from '@ai-sdk/provider';
import type { Log } from '../../platform/telemetry/log.ts';

/** Told ones that are remembered; beyond it one may be told again. */
const REMEMBERED_MAX = 1_000;
const DETAIL_CHARS = 300;

/** `model` is `provider/model`. */
export type TellWarnings = (model: string, warnings: readonly SharedV4Warning[]) => void;

export function createTellWarnings(log: Log): TellWarnings {
  const told = new Set<string>();
  return (model, warnings) => {
    for (const warning of warnings) {
      const what = ('message' in warning ? warning.message : `${warning.feature}: ${warning.details ?? warning.type}`).slice(0, DETAIL_CHARS);
      const key = `${model} ${what}`;
      if (told.has(key)) continue;
      const oldest = told.size >= REMEMBERED_MAX ? told.values().next().value : undefined;
      if (oldest !== undefined) told.delete(oldest);
      told.add(key);
      log('warn', 'a model does not take all that it is asked for', { model, kind: warning.type, what });
    }
  };
}
