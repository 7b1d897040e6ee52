/** Tokens of browser sessions and of links that open one, pure: their form and digest. Keys of programs are in `platform/identity/key.ts`. */
import { sha256Hex } from '../../kernel/canonical-json.ts';
import type { RandomBytes } from '../../kernel/ids.ts';

/** 256 bits: a digest without salt or stretching is safe for a secret nobody can guess. */
const TOKEN_BYTES = 32;
const PREFIX = { session: 'wls', link: 'wll', attempt: 'wla' } as const;
export type TokenKind = keyof typeof PREFIX;

/** A session ends after this, however much it is used. */
export const SESSION_MS = 14 * 24 * 60 * 60_000;
export const LINK_MS = 15 * 60_000;
/** To the identity provider and back. */
export const ATTEMPT_MS = 10 * 60_000;

export function makeToken(kind: TokenKind, randomBytes: RandomBytes): { token: string; hash: string } {
  const token = `${PREFIX[kind]}_${Buffer.from(randomBytes(TOKEN_BYTES)).toString('base64url')}`;
  return { token, hash: sha256Hex(token) };
}

/** The digest a token is stored under; null for text that cannot be one of that kind. */
export function hashOfToken(kind: TokenKind, text: string): string | null {
  return text.startsWith(`${PREFIX[kind]}_`) && /^[a-z]+_[A-Za-z0-9_-]{43}$/.test(text) ? sha256Hex(text) : null;
}
