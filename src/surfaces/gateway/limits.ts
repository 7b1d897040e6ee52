/** Every limit of the gateway, in one place. Budgets and keys' own limits are elsewhere. */

/** Of a request: what the largest provider takes. */
export const REQUEST_BYTES = 32 * 1024 * 1024;
/** An answer that is not streamed is held until it is whole, up to this; a larger one flows from then on. */
export const HELD_BYTES = 1024 * 1024;
/** Of an event of a stream that may have to be withheld; a larger one is no usage and flows. */
export const EVENT_BYTES = 256 * 1024;
/** Of a provider's error; the rest says nothing more. */
export const ERROR_BYTES = 256 * 1024;
/** Until the first byte of an answer, and between two bytes of it. A long answer that is not streamed takes minutes. */
export const FIRST_BYTE_MS = 10 * 60_000;
export const IDLE_MS = 120_000;
export const CONNECT_MS = 10_000;
/** Connections to one provider at once; what is more waits for one. */
export const CONNECTIONS = 512;
/** Models tried for one call. */
export const ATTEMPTS = 8;
/** A provider that said `not before T` is left alone until then, but asked again after this. */
export const HOLD_MAX_MS = 60 * 60_000;
export const HOLDS_MAX = 10_000;
/** What a request may ask for at most: beyond any model, so that it is a slip of the pen. Answers at once, and tokens of one. */
export const ANSWERS_MAX = 128;
export const OUTPUT_TOKENS_MAX = 100_000_000;
/** Levels of nesting in a request. */
export const DEPTH = 200;
/** Characters of a text of ours or of a provider in a header. */
export const HEADER_CHARS = 300;
/** Answers that are kept: bytes of one, and how long at most. */
export const CACHED_BYTES = 1024 * 1024;
export const CACHE_SECONDS = 30 * 86_400;
/** How long calls may take to end when the server stops. */
export const DRAIN_MS = 2_500;
/** How long an outcome waits for a reservation to be written with, and how many wait together. */
export const COMPANY_MS = 5;
export const COMPANY_MAX = 64;
