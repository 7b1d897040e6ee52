/**
 * Every limit of this domain, in one place. Not the limits of a run: those come with its plan.
 */
export type ModelLimits = {
  /** Longest silence inside a stream before the call counts as hung. Anthropic pings every 15 s or so; slow local models need the rest. */
  idleMs: number;
  /** Characters of one answer: 128k tokens of dense text are about 0.5 million. */
  answerChars: number;
  /** Bytes of one streamed response: every token comes in an event of a few hundred bytes. */
  responseBytes: number;
  /** Bytes read of an error response; the rest says nothing more. */
  errorBytes: number;
};

export const DEFAULT_MODEL_LIMITS: ModelLimits = {
  idleMs: 90_000,
  answerChars: 4_000_000,
  responseBytes: 256_000_000,
  errorBytes: 100_000,
};

/** Failures in a row that open a provider's circuit (spec HAR-7). */
export const CIRCUIT_FAILURES = 5;
/** How long it stays open the first time; doubled each time the probe fails, up to the maximum. */
export const CIRCUIT_OPEN_MS = 30_000;
export const CIRCUIT_OPEN_MAX_MS = 10 * 60_000;
/** How long others are told to wait while one call tries whether the provider is back. */
export const CIRCUIT_PROBE_MS = 2_000;

/** A provider that names a later moment than this is taken by this. */
export const RETRY_AFTER_MAX_MS = 7 * 24 * 60 * 60_000;
/** Characters of a provider's own words in a message. */
export const PROVIDER_WORDS = 300;

/** Rehearsal scripts: characters of a file, turns, calls in one turn. */
export const SCRIPT_BYTES = 1_000_000;
export const SCRIPT_TURNS = 500;
export const TURN_CALLS = 64;
/**
 * One template: time (it holds the process meanwhile; by the clock on the wall, so that a busy machine needs room) and memory in Liquid's
 * own count.
 */
export const TEMPLATE_RENDER_MS = 5_000;
export const TEMPLATE_MEMORY = 50_000_000;
