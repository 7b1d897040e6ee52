/** What goes wrong in a simulated world, drawn from its seed: crash, freeze, delay, refused, lost and unknown commits, failing models. */
import type { AppendRequest } from '../../src/runtime/runs/store-port.ts';
import type { CommitFate, CommitKind } from '../support/memory-store.ts';
import type { Hook } from '../support/process.ts';

export type Rates = { crash: number; freeze: number; commit: number; model: number; tool: number; mostDelayMs: number };

export const NO_FAULTS: Rates = { crash: 0, freeze: 0, commit: 0, model: 0, tool: 0, mostDelayMs: 0 };

export type Faults = {
  /** Faults stop and only delays remain: from here on every run must end. */
  calm(): void;
  /** Where faults were injected, and how often. */
  readonly hits: Map<string, number>;
  hook(victim: { kill(): void; freeze(): void }): Hook;
  fate(kind: CommitKind): Promise<CommitFate>;
  modelFails(): boolean;
  /** An effect that happens while its answer is lost. */
  toolBreaks(): boolean;
  delay(): Promise<void>;
};

export function createFaults(deps: { random: () => number; rates: Rates; sleep: (ms: number) => Promise<void> }): Faults {
  const { random } = deps;
  let rates = deps.rates;
  const hits = new Map<string, number>();
  const hit = (what: string): void => void hits.set(what, (hits.get(what) ?? 0) + 1);
  const delay = async (): Promise<void> => {
    if (rates.mostDelayMs > 0) await deps.sleep(Math.floor(random() ** 3 * rates.mostDelayMs));
  };

  const falls = (what: string, rate: number): boolean => {
    const fell = random() < rate;
    if (fell) hit(what);
    return fell;
  };

  return {
    calm: () => {
      rates = { ...NO_FAULTS, mostDelayMs: rates.mostDelayMs };
    },
    hits,
    hook: (victim) => async (when, port, args) => {
      if (when === 'before') await delay();
      const where = `${when} ${port}${labelOf(port, args)}`;
      if (random() < rates.crash) {
        hit(`crash ${where}`);
        victim.kill();
      } else if (random() < rates.freeze) {
        hit(`freeze ${where}`);
        victim.freeze();
      }
    },
    async fate(kind) {
      await delay();
      if (random() >= rates.commit) return 'commit';
      const fates = ['fail', 'lost', 'unknown'] as const;
      const fate = fates[Math.floor(random() * fates.length)] ?? 'fail';
      hit(`${fate} ${kind}`);
      return fate;
    },
    modelFails: () => falls('model fails', rates.model),
    toolBreaks: () => falls('tool breaks after its effect', rates.tool),
    delay,
  };
}

/** The entries of an append: the journal transition the fault is at. */
function labelOf(port: string, args: readonly unknown[]): string {
  if (port !== 'store.append') return '';
  const [requests] = args as [readonly AppendRequest[]];
  return ` ${requests.map((request) => request.events.map(({ event }) => event.type).join('+') || 'release').join(' | ')}`;
}
