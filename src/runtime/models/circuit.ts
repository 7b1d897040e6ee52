/**
 * The circuit breaker of a provider (spec HAR-7): five failures in a row open it, for at least as long as Retry-After said;
 * then one call probes, alone, and closes it or opens it for longer. A pure rule and a small holder; no timers.
 */
import type { Clock } from '../../kernel/clock.ts';
import { CIRCUIT_FAILURES, CIRCUIT_OPEN_MAX_MS, CIRCUIT_OPEN_MS, CIRCUIT_PROBE_MS } from './limits.ts';
import type { ModelFailureKind } from './model.ts';

/** `failures` in a row while closed; `openings` in a row set how long the next one lasts. */
export type Circuit =
  | { state: 'closed'; failures: number }
  | { state: 'open'; untilMs: number; openings: number }
  | { state: 'probing'; openings: number };

/** `neutral`: the call says nothing of the provider's health (aborted, our own bad request). */
export type CircuitResult = { how: 'ok' } | { how: 'neutral' } | { how: 'failed'; retryAfterMs: number | null };

export const CLOSED: Circuit = { state: 'closed', failures: 0 };

/** Until when calls are refused; null when one may go now. */
export function refusedUntilMs(circuit: Circuit, nowMs: number): number | null {
  if (circuit.state === 'probing') return nowMs + CIRCUIT_PROBE_MS;
  return circuit.state === 'open' && nowMs < circuit.untilMs ? circuit.untilMs : null;
}

/** A call that may go begins: the first after the pause is the probe. */
export function begin(circuit: Circuit): Circuit {
  return circuit.state === 'open' ? { state: 'probing', openings: circuit.openings } : circuit;
}

/** A call ended. One that began before the circuit opened changes an open circuit only by a later Retry-After. */
export function finish(circuit: Circuit, result: CircuitResult, nowMs: number): Circuit {
  const openFor = (openings: number): Circuit => {
    const pauseMs = Math.min(CIRCUIT_OPEN_MS * 2 ** (openings - 1), CIRCUIT_OPEN_MAX_MS);
    const askedMs = result.how === 'failed' ? (result.retryAfterMs ?? 0) : 0;
    return { state: 'open', untilMs: nowMs + Math.max(pauseMs, askedMs), openings };
  };
  switch (circuit.state) {
    case 'closed':
      if (result.how === 'ok') return CLOSED;
      if (result.how === 'neutral') return circuit;
      return circuit.failures + 1 >= CIRCUIT_FAILURES ? openFor(1) : { state: 'closed', failures: circuit.failures + 1 };
    case 'probing':
      if (result.how === 'ok') return CLOSED;
      return result.how === 'neutral' ? { state: 'open', untilMs: nowMs, openings: circuit.openings } : openFor(circuit.openings + 1);
    case 'open': {
      const asked = result.how === 'failed' ? nowMs + (result.retryAfterMs ?? 0) : 0;
      return asked > circuit.untilMs ? { ...circuit, untilMs: asked } : circuit;
    }
  }
}

/** Failures that speak of the provider; the others of us or of the caller. */
const COUNTED: ReadonlySet<ModelFailureKind> = new Set(['overloaded', 'rate_limited', 'timeout', 'unreachable', 'malformed']);

export type Circuits = {
  refusedUntilMs(key: string): number | null;
  /** Call only when not refused; hand the result to what it returns, exactly once. */
  begin(key: string): (failed: { kind: ModelFailureKind; retryAfterMs: number | null } | null) => void;
};

/** One circuit per key. Keys are providers and scripts, so their number is bounded by the configuration. */
export function createCircuits(clock: Clock): Circuits {
  const circuits = new Map<string, Circuit>();
  const get = (key: string): Circuit => circuits.get(key) ?? CLOSED;
  return {
    refusedUntilMs: (key) => refusedUntilMs(get(key), clock.nowMs()),
    begin(key) {
      circuits.set(key, begin(get(key)));
      return (failed) => {
        const how: CircuitResult =
          failed === null ? { how: 'ok' } : COUNTED.has(failed.kind) ? { how: 'failed', retryAfterMs: failed.retryAfterMs } : { how: 'neutral' };
        circuits.set(key, finish(get(key), how, clock.nowMs()));
      };
    },
  };
}
