/** What surfaces can ask of identity: keys and actors. Secrets leave only in the answer that made them. */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { PageInput, pageOf } from '../../kernel/page.ts';

/** How long a rotated key goes on working when nothing else is said, and at most. */
const OVERLAP_DEFAULT_HOURS = 24;
const OVERLAP_MAX_HOURS = 30 * 24;

/** Least first: each may do what the one before it may (spec IDN-1). */
export const Role = z.enum(['viewer', 'member', 'operator', 'admin', 'owner']);
export type Role = z.infer<typeof Role>;

/** What a key may be used for; a key has some of them, its role bounds them all. */
export const Scope = z.enum(['read', 'run', 'context', 'agents', 'answer', 'admin', 'gateway']);
export type Scope = z.infer<typeof Scope>;

/** Only a `user` is a person: `agent` is an agent's service account, `cli` a coding CLI or a local program, `service` anything else. */
export const ActorKind = z.enum(['user', 'agent', 'cli', 'service']);
export type ActorKind = z.infer<typeof ActorKind>;

/** What one key may use of the model gateway in a minute, and how long its exact answers are kept; null does not limit, or keeps nothing. */
export const KeyLimits = z.object({
  requestsPerMinute: z.int().nullable(),
  tokensPerMinute: z.int().nullable(),
  cacheSeconds: z.int().nullable(),
});
export type KeyLimits = z.infer<typeof KeyLimits>;
export const NO_LIMITS: KeyLimits = { requestsPerMinute: null, tokensPerMinute: null, cacheSeconds: null };

export const KeyView = z.object({
  id: z.string(),
  name: z.string(),
  /** First 16 hex digits of the key's SHA-256. */
  fingerprint: z.string(),
  actor: z.object({ id: z.string(), kind: ActorKind, name: z.string() }),
  role: Role,
  scopes: z.array(Scope),
  state: z.enum(['active', 'expired', 'revoked']),
  createdAtMs: z.int(),
  expiresAtMs: z.int().nullable(),
  revokedAtMs: z.int().nullable(),
  replacedBy: z.string().nullable(),
  /** To the minute. */
  lastUsedAtMs: z.int().nullable(),
  /** Ids of the project and the agent that its model calls are counted against. */
  project: z.string().nullable(),
  agent: z.string().nullable(),
  /** Code and name of those. */
  projectCode: z.string().nullable(),
  agentName: z.string().nullable(),
  /** Globs over aliases and provider/model; null allows all. */
  models: z.array(z.string()).nullable(),
  limits: KeyLimits,
});
export type KeyView = z.infer<typeof KeyView>;

export const ActorView = z.object({
  id: z.string(),
  kind: ActorKind,
  name: z.string(),
  agent: z.string().nullable(),
  createdAtMs: z.int(),
  /** How a person is known to the identity provider, and as what it lets them in; null where it does not. */
  signIn: z.object({ email: z.string(), role: Role }).nullable(),
});
export type ActorView = z.infer<typeof ActorView>;

const NewKey = z.object({ key: KeyView, secret: z.string().meta({ description: 'Shown once; only its digest is stored.' }), message: z.string() });
const ActorIdInput = z.object({ id: z.string().meta({ description: 'Id of the person, as in act_01jd…' }) });
const KeyIdInput = z.object({ id: z.string().meta({ description: 'Key id, as in key_01jd…' }) });
const Name = z.string().trim().min(1).max(200);

/** Providers write them as people typed them; what is compared is lower case. */
export const Email = z.string().trim().toLowerCase().max(254).pipe(z.email()).meta({ description: 'As the identity provider knows it, verified.' });
const SignInRole = Role.default('member').meta({ description: 'As what the identity provider lets them in.' });

const MODELS_MAX = 50;
const PER_MINUTE_MAX = 1_000_000_000;
const CACHE_SECONDS_MAX = 30 * 86_400;
/** What makes a key a virtual key of the model gateway. */
const BINDING = {
  project: z.string().trim().min(1).max(100).optional().meta({ description: 'Code or id of the project that its model calls are counted against.' }),
  agent: z.string().trim().min(1).max(100).optional().meta({ description: 'Name or id of the agent that its model calls are counted against.' }),
  models: z
    .array(z.string().trim().min(1).max(200))
    .min(1)
    .max(MODELS_MAX)
    .optional()
    .meta({ description: 'Models it may name: aliases or provider/model, * for any part; all when left out.' }),
  requestsPerMinute: z.int().positive().max(PER_MINUTE_MAX).optional(),
  tokensPerMinute: z.int().positive().max(PER_MINUTE_MAX).optional(),
  cacheSeconds: z
    .int()
    .positive()
    .max(CACHE_SECONDS_MAX)
    .optional()
    .meta({ description: 'Answers to the very same model call are kept so long and given again; not at all when left out.' }),
};

export const identityOperations = {
  whoami: operation({
    name: 'self.read',
    permission: 'self.read',
    method: 'GET',
    path: '/self',
    summary: 'Shows whose key this is and what it may do.',
    input: z.object({}),
    output: z.object({
      actor: z.object({ id: z.string(), kind: ActorKind, name: z.string() }),
      key: z.object({ id: z.string(), fingerprint: z.string() }),
      role: Role,
      scopes: z.array(Scope),
      permissions: z.array(z.string()),
    }),
  }),
  listKeys: operation({
    name: 'keys.list',
    permission: 'keys.read',
    method: 'GET',
    path: '/keys',
    summary: 'Lists API keys, newest first; never their secrets.',
    input: PageInput.extend({ all: z.stringbool().optional().meta({ description: 'Also those that are revoked or expired.' }) }),
    output: pageOf(KeyView),
  }),
  createKey: operation({
    name: 'keys.create',
    permission: 'keys.mint',
    method: 'POST',
    path: '/keys',
    summary: 'Makes an API key and shows it once.',
    input: z.object({
      name: Name.meta({ description: 'What it is for.' }),
      actor: z.string().optional().meta({ description: 'Id of the actor it belongs to; your own when left out.' }),
      role: Role.default('member'),
      scopes: z.array(Scope).min(1).optional().meta({ description: 'What it may be used for; all that the role can use when left out.' }),
      expiresInDays: z.number().positive().max(3650).optional().meta({ description: 'Without it the key does not expire.' }),
      ...BINDING,
    }),
    output: NewKey,
    status: 201,
    showsSecret: true,
  }),
  rotateKey: operation({
    name: 'keys.rotate',
    permission: 'keys.mint',
    method: 'POST',
    path: '/keys/{id}/rotate',
    summary: 'Makes a key in place of another; the old one works on for the overlap.',
    input: KeyIdInput.extend({
      overlapHours: z
        .number()
        .min(0)
        .max(OVERLAP_MAX_HOURS)
        .default(OVERLAP_DEFAULT_HOURS)
        .meta({ description: 'How long the old key goes on working; 0 ends it now.' }),
    }),
    output: NewKey,
    status: 201,
    showsSecret: true,
  }),
  revokeKey: operation({
    name: 'keys.revoke',
    permission: 'keys.mint',
    method: 'POST',
    path: '/keys/{id}/revoke',
    summary: 'Ends a key at once.',
    input: KeyIdInput,
    output: KeyView,
    effect: 'destructive',
  }),
  listActors: operation({
    name: 'actors.list',
    permission: 'keys.read',
    method: 'GET',
    path: '/actors',
    summary: 'Lists people, service accounts and coding CLIs.',
    input: PageInput,
    output: pageOf(ActorView),
  }),
  createActor: operation({
    name: 'actors.create',
    permission: 'keys.mint',
    method: 'POST',
    path: '/actors',
    summary: 'Adds a person, a coding CLI or a service; agents get their account by themselves.',
    input: z.object({ kind: z.enum(['user', 'cli', 'service']), name: Name }),
    output: ActorView,
    status: 201,
  }),
  allowSignIn: operation({
    name: 'actors.allow_sign_in',
    permission: 'keys.mint',
    method: 'PUT',
    path: '/actors/{id}/sign-in',
    summary: 'Lets a person sign in with the identity provider, by their email there.',
    input: ActorIdInput.extend({ email: Email, role: SignInRole }),
    output: ActorView,
  }),
  endSignIn: operation({
    name: 'actors.end_sign_in',
    permission: 'keys.mint',
    method: 'DELETE',
    path: '/actors/{id}/sign-in',
    summary: 'No longer lets a person sign in with the identity provider, and signs them out; their keys stay.',
    input: ActorIdInput,
    output: ActorView,
    effect: 'destructive',
  }),
};
