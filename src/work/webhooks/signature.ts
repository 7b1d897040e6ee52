/** Signatures of webhooks over the raw bytes: GitHub's and Standard Webhooks'. Pure; compared in constant time. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Standard Webhooks: how far the sender's clock may be from ours, either way. */
export const TOLERANCE_MS = 5 * 60_000;
/** A rotating sender signs with a few secrets at once. */
const SIGNATURES_MAX = 10;
const HEADER_MAX = 2_000;

/** `X-Hub-Signature-256: sha256=<hex>`, by the secret as text. */
export function isSignedByGitHub(secret: Uint8Array, body: Uint8Array, header: string | undefined): boolean {
  const hex = /^sha256=([0-9a-f]{64})$/i.exec(header ?? '')?.[1];
  return sameBytes(mac(Buffer.from(githubSecret(secret)), [body]), Buffer.from(hex ?? '', 'hex'));
}

/** `webhook-signature: v1,<base64> …` over `id.timestamp.body` (Standard Webhooks 1.0). */
export function isSignedByStandard(
  secret: Uint8Array,
  message: { id: string; timestamp: string; body: Uint8Array },
  header: string | undefined,
): boolean {
  const expected = mac(secret, [Buffer.from(`${message.id}.${message.timestamp}.`), message.body]);
  const given = (header ?? '').slice(0, HEADER_MAX).split(' ').slice(0, SIGNATURES_MAX);
  // every one is compared, so that which one matched shows in no time
  return given.map((each) => sameBytes(expected, Buffer.from(each.startsWith('v1,') ? each.slice(3) : '', 'base64'))).includes(true);
}

/** As GitHub is given it. */
export function githubSecret(secret: Uint8Array): string {
  return Buffer.from(secret).toString('hex');
}

/** As Standard Webhooks write it. */
export function standardSecret(secret: Uint8Array): string {
  return `whsec_${Buffer.from(secret).toString('base64')}`;
}

/** The secret of one source, from the server's signing key: nothing that is stored tells it. */
export function secretOf(signingKey: Uint8Array, source: { org: string; id: string }): Uint8Array {
  return mac(signingKey, [Buffer.from(`windlass webhook ${source.org} ${source.id}`)]);
}

function mac(key: Uint8Array, parts: readonly Uint8Array[]): Buffer {
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

function sameBytes(expected: Buffer, given: Buffer): boolean {
  const comparable = given.length === expected.length;
  return timingSafeEqual(expected, comparable ? given : Buffer.alloc(expected.length)) && comparable;
}
