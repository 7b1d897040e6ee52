/** API keys, pure: their form, their digest, what state one is in. */
import { sha256Hex } from '../../kernel/canonical-json.ts';
import type { RandomBytes } from '../../kernel/ids.ts';
import type { Role, Scope } from './contract.ts';

/** 256 bits: a digest without salt or stretching is safe for a secret nobody can guess. */
const SECRET_BYTES = 32;
const SHAPE = /^wl_[A-Za-z0-9_-]{43}$/;
export const FINGERPRINT_CHARS = 16;
/** The key of local programs: read, run and write context. Every process of the same user can read it, so it holds no more. */
export const LOCAL_ROLE: Role = 'member';
export const LOCAL_SCOPES: readonly Scope[] = ['read', 'run', 'context'];
export const OWNER_SCOPES: readonly Scope[] = ['read', 'run', 'context', 'agents', 'answer', 'admin', 'gateway'];

export type KeySecret = { readonly secret: string; readonly hash: string; readonly fingerprint: string };

export function makeSecret(randomBytes: RandomBytes): KeySecret {
  const secret = `wl_${Buffer.from(randomBytes(SECRET_BYTES)).toString('base64url')}`;
  const hash = sha256Hex(secret);
  return { secret, hash, fingerprint: hash.slice(0, FINGERPRINT_CHARS) };
}

/** The digest a key is stored under; null for text that cannot be one of ours. */
export function hashOfSecret(text: string): string | null {
  return SHAPE.test(text) ? sha256Hex(text) : null;
}

export type KeyState = 'active' | 'expired' | 'revoked';

/** Revoked wins over expired; a key is expired from the very instant it names. */
export function stateOfKey(key: { expiresAtMs: number | null; revokedAtMs: number | null }, nowMs: number): KeyState {
  if (key.revokedAtMs !== null) return 'revoked';
  return key.expiresAtMs !== null && key.expiresAtMs <= nowMs ? 'expired' : 'active';
}
