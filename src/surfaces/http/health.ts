/**
 * Health, readiness, version, metrics: the only routes without a key. They say nothing of any organization, save that metrics add the
 * figures of the caller's own when a key is given.
 */
import type { OrgId } from '../../kernel/ids.ts';
import { authorise } from '../../platform/identity/permissions.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Health } from '../../storage/database.ts';
import type { AdmitDeps } from './admit.ts';
import { admit, bearerOf } from './admit.ts';
import type { HttpApp } from './context.ts';
import type { Metric } from './metrics.ts';
import { prometheusText } from './metrics.ts';

export type HealthDeps = {
  version: string;
  startedAtMs: number;
  health: () => Promise<Health>;
  ready: () => boolean;
  /** Figures of this process, of no organization. */
  metrics: () => Promise<readonly Metric[]>;
  /** For metrics with a key: those of its organization as well. */
  door: AdmitDeps;
  organization: (org: OrgId) => Promise<readonly Metric[]>;
};

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export function mountHealth(app: HttpApp, deps: HealthDeps): void {
  const enter = admit(deps.door);
  app.use('/metrics', (c, next) => (bearerOf(c) === null ? next() : enter(c, next)));
  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', async (c) => {
    if (!deps.ready()) return c.json({ status: 'starting' }, 503);
    try {
      const health = await deps.health();
      return c.json({ status: 'ready', database: { version: health.serverVersion, roundTripMs: health.roundTripMs } });
    } catch {
      // Why the database is away is for the operator's log; a stranger learns only that it is.
      return c.json({ status: 'unavailable', why: 'The database does not answer.' }, 503);
    }
  });
  app.get('/version', (c) => c.json({ name: 'windlass', version: deps.version, startedAtMs: deps.startedAtMs }));
  app.get('/metrics', async (c) => {
    const principal: Principal | undefined = c.get('principal');
    if (principal !== undefined) authorise(principal, 'status.read');
    const own = principal === undefined ? [] : await deps.organization(principal.org);
    return c.text(prometheusText([...(await deps.metrics()), ...own]), 200, { 'content-type': METRICS_TYPE });
  });
}
