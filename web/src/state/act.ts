/** Doing something on the server: one at a time, with a word when it is done or failed, and what it changes read again. */
import { useCallback, useState } from 'react';
import { changed } from './query.ts';
import { toast, toastProblem } from './toasts.ts';

export type Act = {
  busy: boolean;
  /** `work` answers what to say when it is done, or null to say nothing. Answers whether it went well. */
  run: (work: () => Promise<string | null>, ...topics: string[]) => Promise<boolean>;
};

export function useAct(): Act {
  const [busy, setBusy] = useState(false);
  const run = useCallback(async (work: () => Promise<string | null>, ...topics: string[]) => {
    setBusy(true);
    try {
      const said = await work();
      if (said !== null) toast(said);
      changed(...topics);
      return true;
    } catch (error) {
      toastProblem(error);
      return false;
    } finally {
      setBusy(false);
    }
  }, []);
  return { busy, run };
}
