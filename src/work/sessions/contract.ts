/** What surfaces can ask of sessions: working periods of coding CLIs, and claims on what they work on. */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { Count, PageInput, pageOf } from '../../kernel/page.ts';

export const SESSION_LIMITS = {
  /** Without a heartbeat for longer, a session is abandoned (spec SES-2). */
  staleAfterMs: 45 * 60_000,
  /** Between heartbeats, give or take the jitter (spec SES-3). */
  heartbeatMs: 10 * 60_000,
  heartbeatJitterMs: 2 * 60_000,
  /** Heartbeats that follow faster are answered and not written. */
  heartbeatWriteMs: 60_000,
  /** A claim lapses this long after its session's last heartbeat: longer than the longest time between two. */
  claimMs: 15 * 60_000,
  metadataBytes: 8_192,
  /** Claims that one session may hold at once. */
  claimsMax: 100,
  /** Claims that one write may be made under. */
  underMax: 20,
  /** Other live sessions that the answer to a start names. */
  othersMax: 20,
} as const;

const oneLine = (max: number) =>
  z
    .string()
    .trim()
    .max(max)
    // text columns take neither, and no name has them
    .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), 'must be one line of plain text');
const name = (max: number) => oneLine(max).refine((text) => text !== '', 'must not be empty');

export const SessionState = z.enum(['active', 'ended', 'abandoned']);
export const EndReason = z.enum(['manual', 'stale', 'superseded', 'error']);
export const ClaimKind = z.enum(['issue', 'file', 'track']);
export const Metadata = z.record(z.string().max(100), z.json());

export const ClaimRef = z.object({
  kind: ClaimKind,
  name: name(500).meta({ description: 'Issue number, path of a file in the repository, or number of a track.' }),
});
export type ClaimRef = z.infer<typeof ClaimRef>;

export const HeldClaim = ClaimRef.extend({ fence: z.int().positive().meta({ description: 'The fencing number the claim was given with.' }) });
export type HeldClaim = z.infer<typeof HeldClaim>;

/** Fencing numbers that a write is made under: it is refused when one of these claims has gone to another session. */
export const UnderClaims = z.array(HeldClaim).max(SESSION_LIMITS.underMax).default([]);

export const ClaimView = HeldClaim.extend({ expiresAtMs: z.int() });
export type ClaimView = z.infer<typeof ClaimView>;

export const SessionView = z.object({
  id: z.string(),
  /** Code of the project. */
  project: z.string(),
  /** Whose key it is. */
  actor: z.string(),
  agent: z.string(),
  machine: z.string(),
  /** Host and path of the git remote; null when it has none. */
  repository: z.string().nullable(),
  clientSession: z.string().nullable(),
  track: z.int().nullable(),
  branch: z.string().nullable(),
  /** Where the repository stood when the session began. */
  startCommit: z.string().nullable(),
  commit: z.string().nullable(),
  issue: z.string().nullable(),
  workingOn: z.string(),
  metadata: Metadata,
  state: SessionState,
  endReason: EndReason.nullable(),
  startedAtMs: z.int(),
  heartbeatAtMs: z.int(),
  endedAtMs: z.int().nullable(),
  /** Id of what it left. */
  handoff: z.string().nullable(),
  claims: z.array(ClaimView),
});
export type SessionView = z.infer<typeof SessionView>;

const NextHeartbeat = { nextHeartbeatAtMs: z.int(), nextHeartbeatInMs: z.int() };
const IdInput = z.object({ id: z.string().meta({ description: 'Session id, as in sess_01jd…' }) });

/** What may change while a session lives. */
const Changes = z.object({
  branch: oneLine(300).nullable().optional().meta({ description: 'null on a detached HEAD.' }),
  commit: z
    .string()
    .regex(/^[0-9a-f]{7,64}$/, 'must be a commit id')
    .nullable()
    .optional(),
  issue: name(200).nullable().optional(),
  workingOn: oneLine(500).optional().meta({ description: 'What other sessions are shown.' }),
  metadata: Metadata.optional(),
});
export type Changes = z.infer<typeof Changes>;

export const StartInput = Changes.extend({
  project: z.string().max(100).optional().meta({ description: "Code or id; the repository's project when left out." }),
  repository: z.string().max(2_000).optional().meta({ description: 'URL of the git remote.' }),
  agent: name(100).meta({ description: 'Which coding CLI or agent, as in claude.' }),
  machine: name(200).meta({ description: 'Name of the computer.' }),
  clientSession: name(200).optional().meta({ description: "The coding CLI's own id of its session." }),
  track: z.int().min(0).max(10_000).optional().meta({ description: 'Track of parallel work; 0 plans.' }),
});
export type StartInput = z.infer<typeof StartInput>;

export const UpdateInput = IdInput.extend(Changes.shape).extend({ under: UnderClaims });

export const StartOutput = z.object({
  session: SessionView,
  outcome: z.enum(['created', 'resumed']),
  /** Sessions that this start put an end to, and why. */
  closed: z.array(z.object({ id: z.string(), reason: z.enum(['stale', 'superseded']) })),
  /** Other live sessions of the project, the latest heartbeat first. */
  others: z.array(SessionView),
  othersTotal: Count,
  warnings: z.array(z.string()),
  /** How names of branches begin here (spec SES-7). */
  branchPrefix: z.string(),
  ...NextHeartbeat,
});
export type StartOutput = z.infer<typeof StartOutput>;

export const ClaimOutput = z.object({
  granted: z.boolean(),
  /** Yours when granted, else the one in the way. */
  claim: ClaimView,
  /** The live session that holds it, or held it until it was taken over. */
  holder: SessionView.nullable(),
  warnings: z.array(z.string()),
});
export type ClaimOutput = z.infer<typeof ClaimOutput>;

export const sessionOperations = {
  start: operation({
    name: 'sessions.start',
    permission: 'context.write',
    method: 'POST',
    path: '/sessions',
    summary: 'Starts a working session, or resumes the one that is active at the same place.',
    input: StartInput,
    output: StartOutput,
  }),
  list: operation({
    name: 'sessions.list',
    permission: 'context.read',
    method: 'GET',
    path: '/sessions',
    summary: 'Lists sessions, newest first, with what they hold.',
    input: PageInput.extend({
      project: z.string().max(100).optional().meta({ description: 'Code or id.' }),
      repository: z.string().max(2_000).optional().meta({ description: 'Only of this git remote.' }),
      machine: z.string().max(200).optional(),
      state: z.enum([...SessionState.options, 'all']).default('active'),
    }),
    output: pageOf(SessionView),
  }),
  get: operation({
    name: 'sessions.get',
    permission: 'context.read',
    method: 'GET',
    path: '/sessions/{id}',
    summary: 'Shows one session.',
    input: IdInput,
    output: SessionView,
  }),
  heartbeat: operation({
    name: 'sessions.heartbeat',
    permission: 'context.write',
    method: 'POST',
    path: '/sessions/{id}/heartbeat',
    summary: 'Says that the session lives, which prolongs its claims; answers when to say so again.',
    input: IdInput,
    output: z.object(NextHeartbeat),
  }),
  update: operation({
    name: 'sessions.update',
    permission: 'context.write',
    method: 'PUT',
    path: '/sessions/{id}',
    summary: 'Changes what a session works on; what is left out stays.',
    input: UpdateInput,
    output: z.object({ session: SessionView, warnings: z.array(z.string()) }),
  }),
  end: operation({
    name: 'sessions.end',
    permission: 'context.write',
    method: 'POST',
    path: '/sessions/{id}/end',
    summary: 'Ends a session without a handoff and releases its claims; an ended one stays as it is and answers its handoff.',
    input: IdInput.extend({ reason: z.enum(['manual', 'error']).default('manual') }),
    output: z.object({ session: SessionView, changed: z.boolean() }),
  }),
  claim: operation({
    name: 'sessions.claim',
    permission: 'context.write',
    method: 'POST',
    path: '/sessions/{id}/claims',
    summary: 'Claims an issue, file or track for a session, or says which live session holds it.',
    input: IdInput.extend(ClaimRef.shape).extend({
      onHeld: z.enum(['warn', 'refuse', 'take']).default('warn').meta({
        description: 'When another live session holds it: answer without granting, refuse as a conflict, or take it over.',
      }),
    }),
    output: ClaimOutput,
  }),
  release: operation({
    name: 'sessions.release',
    permission: 'context.write',
    method: 'POST',
    path: '/sessions/{id}/claims/release',
    summary: 'Gives a claim back; one that is not held stays as it is.',
    input: IdInput.extend(ClaimRef.shape),
    output: z.object({ released: z.boolean() }),
  }),
};
