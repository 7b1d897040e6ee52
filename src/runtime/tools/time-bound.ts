/**
 * A bound in time for synchronous work whose patterns somebody else wrote: a regular expression or glob can take years on forty
 * characters, and nothing else in this process would run meanwhile. Not for work that awaits.
 */
import { createContext, Script } from 'node:vm';

const CALL = new Script('work()');

/** What `work` answers, or null when it was cut off after `limitMs`. What it throws is thrown. Costs about a millisecond of its own. */
export function withinTime<T>(limitMs: number, work: () => T): { value: T } | null {
  try {
    return { value: CALL.runInContext(createContext({ work }), { timeout: limitMs }) as T };
  } catch (thrown) {
    // only the time limit is ours to judge; its error may be of the context, so no instanceof
    if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && thrown.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return null;
    throw thrown;
  }
}
