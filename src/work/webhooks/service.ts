/** Use cases of webhooks in: sources with their secrets, and deliveries that are checked, taken once, and handed on as signals. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../../kernel/errors.ts';
import type { Ids, OrgId, ProjectId } from '../../kernel/ids.ts';
import { isId } from '../../kernel/ids.ts';
import type { Handlers } from '../../kernel/operation.ts';
import type { RecordAdmin } from '../../platform/identity/admin-event.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { byOf } from '../../platform/identity/principal.ts';
import { getActor } from '../../platform/identity/store.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { Signal } from '../alerts/alert.ts';
import { plainLine } from '../alerts/alert.ts';
import { readGeneric } from '../alerts/generic.ts';
import type { Reading } from '../alerts/github.ts';
import { readGitHub } from '../alerts/github.ts';
import type { Alerts, Placed, Taken } from '../alerts/service.ts';
import type { SourceKind, SourceView, webhookOperations } from './contract.ts';
import { githubSecret, isSignedByGitHub, isSignedByStandard, secretOf, standardSecret, TOLERANCE_MS } from './signature.ts';
import type { SigningKeys } from './signing-key.ts';
import type { Source } from './store.ts';
import * as store from './store.ts';

export type WebhooksDeps = {
  db: Database;
  ids: Ids;
  /** The store's time. */
  nowMs: () => number;
  recordAdmin: RecordAdmin;
  signingKeys: SigningKeys;
  alerts: Pick<Alerts, 'take'>;
  projects: {
    /** By id or code. @throws AppError `not_found` */
    find(org: OrgId, wanted: string): Promise<ProjectId | null>;
    /** Every project of that git remote. */
    findByRemote(org: OrgId, remote: string): Promise<{ id: ProjectId }[]>;
  };
};

/** `header` answers by lower-case name. */
export type Incoming = { kind: SourceKind; source: string; header: (name: string) => string | undefined; body: Uint8Array };
export type Receipt = { outcome: 'accepted' | 'ignored' | 'duplicate'; detail: string; raised: number; resolved: number };

export type Webhooks = {
  handlers: Handlers<Principal, typeof webhookOperations>;
  /** @throws AppError `unauthenticated` for what no known source has signed, `invalid_input` for what cannot be read. */
  receive(incoming: Incoming): Promise<Receipt>;
};

/** GitHub signs no time of sending and sends again for three days: events older than this by their own time are taken no more. */
const REPLAY_MS = 4 * 86_400_000;
/** Longer than REPLAY_MS, so that nothing is taken twice. */
const DELIVERIES_KEPT_DAYS = 30;
const FORGOTTEN_AT_ONCE = 100;
const FAULTS_MAX = 10;
/** Compared with when there is no such source, so that both refusals take as long. */
const NOBODY = { org: '', id: '' };

export function createWebhooks(deps: WebhooksDeps): Webhooks {
  const { db } = deps;
  return {
    receive: (incoming) => receive(deps, incoming),
    handlers: {
      list: async ({ principal: { org } }, { all, limit }) => {
        const { rows, total } = await db.asOrg(org, (tx) => store.listSources(tx, org, { all: all ?? false, limit }));
        return { items: rows, shown: rows.length, total: { kind: 'exact', value: total }, next: null };
      },
      create: async ({ principal }, input) => {
        const { org } = principal;
        const owner = input.owner ?? principal.actor;
        const project = input.project === null ? null : await deps.projects.find(org, input.project);
        const key = await deps.signingKeys.ensure();
        const id = deps.ids.next('whs');
        const source = await db.asOrg(org, async (tx) => {
          if ((await getActor(tx, org, owner)) === null)
            throw new AppError('not_found', `There is no actor ${owner}.`, { next: 'GET /api/v1/actors lists them.' });
          await store.insertSource(tx, org, { id, kind: input.kind, name: input.name, project, owner, signingKey: key.mark });
          const detail = { kind: input.kind, name: input.name, project: input.project };
          await deps.recordAdmin(tx, org, { type: 'webhook_source.created', subject: id, by: byOf(principal), detail });
          return existing(tx, org, id);
        });
        const bytes = secretOf(key.bytes, { org, id });
        return { source, secret: input.kind === 'github' ? githubSecret(bytes) : standardSecret(bytes), message: howTo(input.kind) };
      },
      revoke: ({ principal }, { id }) =>
        db.asOrg(principal.org, async (tx) => {
          const found = await existing(tx, principal.org, id);
          const event = { subject: id, by: byOf(principal), detail: { name: found.name } };
          if (await store.revokeSource(tx, principal.org, id))
            await deps.recordAdmin(tx, principal.org, { type: 'webhook_source.revoked', ...event });
          return existing(tx, principal.org, id);
        }),
    },
  };
}

function howTo(kind: SourceKind): string {
  return kind === 'github'
    ? 'Store the secret now: it is shown this once. In GitHub choose the content type application/json.'
    : 'Store the secret now: it is shown this once. Sign as Standard Webhooks say.';
}

async function existing(tx: Tx, org: OrgId, id: string): Promise<SourceView> {
  const found = await store.getSource(tx, org, id);
  if (found === null) throw new AppError('not_found', `There is no webhook source ${id}.`, { next: '`windlass webhook list` shows what there is.' });
  return found;
}

type Checked = { source: Source; event: string; delivery: string };

async function receive(deps: WebhooksDeps, incoming: Incoming): Promise<Receipt> {
  const checked = await check(deps, incoming);
  const { source, event, delivery } = checked;
  const body = parse(incoming);
  const reading = read(deps, { source, event, body });
  const placed = await Promise.all(reading.signals.map((signal) => place(deps, source, signal)));
  const sha256 = createHash('sha256').update(`${event}\n`).update(incoming.body).digest('hex');
  return deps.db.asOrg(source.org, async (tx) => {
    if (!(await store.takeDelivery(tx, source.org, { source: source.id, delivery, sha256, event: plainLine(event, 200) })))
      return { outcome: 'duplicate', detail: 'This was taken before.', raised: 0, resolved: 0 };
    const old = reading.atMs !== null && reading.atMs < deps.nowMs() - REPLAY_MS;
    const taken: Taken = old
      ? { raised: 0, resolved: 0, notes: ['The event is too old to be taken.'] }
      : await deps.alerts.take(tx, source.org, { source, placed });
    const detail = plainLine([...(reading.note === '' ? [] : [reading.note]), ...taken.notes].join(' '), 500);
    const outcome = old || reading.signals.length === 0 || taken.notes.length === reading.signals.length ? 'ignored' : 'accepted';
    const tones = old ? [] : reading.signals.map(({ tone }) => tone);
    await store.forgetDeliveries(tx, source.org, { source: source.id, keptDays: DELIVERIES_KEPT_DAYS, limit: FORGOTTEN_AT_ONCE });
    const seen = { red: tones.includes('red'), green: tones.includes('green') };
    await store.settleDelivery(tx, source.org, { source: source.id, delivery, outcome, detail, ...seen });
    return { outcome, detail, raised: taken.raised, resolved: taken.resolved };
  });
}

/** One refusal for a source that is unknown, revoked or of another kind, and for a wrong signature: nobody learns which it was. */
async function check(deps: WebhooksDeps, { kind, source: id, header, body }: Incoming): Promise<Checked> {
  const found = isId('whs', id) ? await store.findSource(deps.db, id) : null;
  const source = found?.kind === kind ? found : null;
  const key = await deps.signingKeys.read();
  if (source !== null && key?.mark !== source.signingKey)
    throw new AppError('unavailable', 'This server has not the key that the secret of this webhook was made with.', {
      next: 'Put webhook.key of the home that made it back, or make the webhook again.',
    });
  const secret = secretOf(key?.bytes ?? new Uint8Array(32), source ?? NOBODY);
  const delivery = header(kind === 'github' ? 'x-github-delivery' : 'webhook-id') ?? '';
  const timestamp = header('webhook-timestamp') ?? '';
  const signed =
    kind === 'github'
      ? isSignedByGitHub(secret, body, header('x-hub-signature-256'))
      : isSignedByStandard(secret, { id: delivery, timestamp, body }, header('webhook-signature'));
  if (source === null || !signed)
    throw new AppError('unauthenticated', 'No known source has signed this.', {
      next: 'Check the address, the secret and, in GitHub, that the content type is application/json.',
    });
  if (!/^[\x21-\x7e]{1,200}$/.test(delivery))
    throw new AppError('invalid_input', 'The delivery has no id.', { next: `Send ${kind === 'github' ? 'X-GitHub-Delivery' : 'webhook-id'}.` });
  if (kind === 'generic') refuseTime(timestamp, deps.nowMs());
  return { source, delivery, event: kind === 'github' ? (header('x-github-event') ?? '') : '' };
}

function refuseTime(timestamp: string, nowMs: number): void {
  const sentMs = /^\d{1,12}$/.test(timestamp) ? Number(timestamp) * 1_000 : Number.NaN;
  if (Math.abs(sentMs - nowMs) <= TOLERANCE_MS) return;
  throw new AppError('unauthenticated', 'It was signed more than 5 minutes before or after now.', {
    next: "Set the sender's clock, and sign it again.",
  });
}

function parse({ header, body }: Incoming): unknown {
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(header('content-type') ?? ''))
    throw new AppError('unsupported', 'The body must be JSON.', { next: 'Choose the content type application/json.' });
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch (error) {
    throw new AppError('invalid_input', 'The body is no JSON.', { next: 'Send one JSON object.', cause: error });
  }
}

function read(deps: WebhooksDeps, { source, event, body }: { source: Source; event: string; body: unknown }): Reading {
  try {
    const reading = source.kind === 'github' ? readGitHub(event, body, deps.nowMs()) : readGeneric(source.id, body);
    // a time to come would stand above every event until then
    if (reading.atMs !== null && reading.atMs > deps.nowMs() + TOLERANCE_MS)
      throw new AppError('invalid_input', 'The event says that it is from the future.', { next: "Set the sender's clock." });
    return reading;
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const missing = /^Invalid input: (expected .+), received undefined$/;
    const faults = error.issues
      .slice(0, FAULTS_MAX)
      .map(({ path, message }) => ({ path: path.join('.'), message: plainLine(message.replace(missing, 'is missing: $1'), 200) }));
    throw new AppError('invalid_input', 'The event is not shaped as it should be.', { faults, next: 'docs/webhooks.md shows what is understood.' });
  }
}

/** The source's project, the one that the sender names, or the one of the repository; none when several have it. */
async function place(deps: WebhooksDeps, source: Source, signal: Signal): Promise<Placed> {
  if (signal.tone !== 'red' || source.projectId !== null) return { signal, project: source.projectId };
  const named = signal.project === null ? null : await deps.projects.find(source.org, signal.project).catch(() => null); // unknown: by repository
  if (named !== null || signal.repository === null) return { signal, project: named };
  const [found, another] = await deps.projects.findByRemote(source.org, `https://${signal.repository}`);
  return { signal, project: another === undefined ? (found?.id ?? null) : null };
}
