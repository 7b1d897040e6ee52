/**
 * Use cases of signing in with a browser: a key typed once, or a link good once, becomes a session that stands for the key and ends with
 * it. Whose key it is and what it may do is `platform/identity`; cookies are `surfaces/http`.
 */
import { AppError } from '../../kernel/errors.ts';
import type { Ids, RandomBytes } from '../../kernel/ids.ts';
import { parseId } from '../../kernel/ids.ts';
import type { Handlers } from '../../kernel/operation.ts';
import { decodeCursor, encodeCursor } from '../../kernel/page.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { RecordAdmin } from '../identity/admin-event.ts';
import { allows } from '../identity/permissions.ts';
import type { Principal } from '../identity/principal.ts';
import { byOf } from '../identity/principal.ts';
import type { signInOperations } from './contract.ts';
import * as store from './store.ts';
import { LINK_MS, SESSION_MS, hashOfToken, makeToken } from './token.ts';

export type SignInDeps = {
  db: Database;
  ids: Ids;
  randomBytes: RandomBytes;
  recordAdmin: RecordAdmin;
  /** Whose key a secret, or the digest of one, is; null when it opens nothing. */
  authenticate: (secret: string) => Promise<Principal | null>;
  authenticateHash: (hash: string) => Promise<Principal | null>;
};

export type BeginDeps = Pick<SignInDeps, 'ids' | 'randomBytes' | 'recordAdmin'>;
export type Session = { token: string; principal: Principal; lifetimeMs: number };

export type SignIn = {
  /** Null for a key or link that opens nothing: the caller learns no more than that. */
  open: (credential: { key: string } | { link: string }, browser: string) => Promise<Session | null>;
  /** Whose live session a token is. */
  authenticate: (token: string) => Promise<Principal | null>;
  /** Ends the session of a token; one that is none stays none. */
  close: (token: string) => Promise<void>;
  /** Path of a link that signs one browser in as `principal`. */
  linkFor: (principal: Principal) => Promise<string>;
  handlers: Handlers<Principal, typeof signInOperations>;
};

const BROWSER_CHARS = 300;

export function createSignIn(deps: SignInDeps): SignIn {
  const { db } = deps;
  const principalOf = async (token: string): Promise<Principal | null> => {
    const hash = hashOfToken('session', token);
    const keyHash = hash === null ? null : await store.keyHashOfSession(db, hash);
    return keyHash === null ? null : deps.authenticateHash(keyHash);
  };
  return {
    async open(credential, browser) {
      if ('key' in credential) {
        const principal = await deps.authenticate(credential.key);
        return principal === null ? null : db.asOrg(principal.org, (tx) => begin(deps, tx, { principal, browser }));
      }
      return openByLink(deps, credential.link, browser);
    },
    authenticate: principalOf,
    async close(token) {
      const [principal, hash] = [await principalOf(token), hashOfToken('session', token)];
      if (principal !== null && hash !== null) await db.asOrg(principal.org, (tx) => store.endSession(tx, principal.org, { hash, actor: null }));
    },
    linkFor: async (principal) => (await makeLink(deps, principal)).path,
    handlers: handlersOf(deps),
  };
}

function makeLink(deps: SignInDeps, principal: Principal): Promise<{ token: string; path: string; expiresAtMs: number }> {
  const { token, hash } = makeToken('link', deps.randomBytes);
  return deps.db.asOrg(principal.org, async (tx) => {
    const expiresAtMs = await store.insertLink(tx, principal.org, { hash, key: principal.key, lifetimeMs: LINK_MS });
    return { token, path: `/sign-in#${token}`, expiresAtMs };
  });
}

async function openByLink(deps: SignInDeps, link: string, browser: string): Promise<Session | null> {
  const hash = hashOfToken('link', link);
  const found = hash === null ? null : await store.findLink(deps.db, hash);
  const principal = found === null ? null : await deps.authenticateHash(found.keyHash);
  if (hash === null || principal === null) return null;
  return deps.db.asOrg(principal.org, async (tx) =>
    (await store.useLink(tx, principal.org, hash)) ? begin(deps, tx, { principal, browser }) : null,
  );
}

/** A session of `principal`, in the transaction that let them in. */
export async function begin(deps: BeginDeps, tx: Tx, { principal, browser }: { principal: Principal; browser: string }): Promise<Session> {
  const { token, hash } = makeToken('session', deps.randomBytes);
  const id = deps.ids.next('sgn');
  const shown = browser.toWellFormed().replaceAll('\u0000', '').slice(0, BROWSER_CHARS);
  await store.insertSession(tx, principal.org, { id, key: principal.key, hash, browser: shown, lifetimeMs: SESSION_MS });
  await deps.recordAdmin(tx, principal.org, { type: 'sign_in.opened', subject: id, by: byOf(principal), detail: { browser: shown } });
  return { token, principal, lifetimeMs: SESSION_MS };
}

function handlersOf(deps: SignInDeps): SignIn['handlers'] {
  const { db } = deps;
  /** An admin sees and ends everybody's, anybody else their own. */
  const reach = (principal: Principal): string | null => (allows(principal, 'keys.read') ? null : principal.actor);
  return {
    list: ({ principal }, { limit, cursor, all }) =>
      db.asOrg(principal.org, async (tx) => {
        const question = { actor: reach(principal), before: beforeOf(cursor), limit: limit + 1, all: all ?? false };
        const { rows, total } = await store.listSessions(tx, principal.org, question);
        const items = rows.slice(0, limit);
        const last = items.at(-1);
        const next = rows.length > limit && last !== undefined ? encodeCursor([last.id]) : null;
        return { items, shown: items.length, total: { kind: 'exact', value: total }, next };
      }),
    end: ({ principal }, { id }) =>
      db.asOrg(principal.org, async (tx) => {
        const wanted = parseId('sgn', id);
        const ended = await store.endSession(tx, principal.org, { id: wanted, actor: allows(principal, 'keys.mint') ? null : principal.actor });
        if (ended === null) throw new AppError('not_found', `There is no sign-in ${id}.`, { next: 'List them with GET /api/v1/sign-ins.' });
        await deps.recordAdmin(tx, principal.org, { type: 'sign_in.ended', subject: wanted, by: byOf(principal), detail: {} });
        return ended;
      }),
    link: ({ principal }) => makeLink(deps, principal),
  };
}

function beforeOf(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const [id] = decodeCursor(cursor) ?? [];
  if (typeof id === 'string') return id;
  throw new AppError('invalid_input', 'This cursor is not one of ours.', { next: 'Use `next` of the page before, or none.' });
}
