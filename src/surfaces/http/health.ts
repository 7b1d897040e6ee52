/** Health, readiness, version, metrics: the only routes without a key. They say nothing of any organization. */
import type { Health } from '../../storage/database.ts';
import type { HttpApp } from './app.ts';

/** `gauges` are process-wide figures in Prometheus' names. */
export type HealthDeps = {
  version: string;
  startedAtMs: number;
  health: () => Promise<Health>;
  ready: () => boolean;
  gauges: () => Promise<Readonly<Record<string, number>>>;
};

export function mountHealth(app: HttpApp, deps: HealthDeps): void {
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
  app.get('/metrics', async (c) => c.text(prometheusText(await deps.gauges())));
}

/** Prometheus text exposition format 0.0.4. */
function prometheusText(gauges: Readonly<Record<string, number>>): string {
  return Object.entries(gauges)
    .map(([name, value]) => `# TYPE windlass_${name} gauge\nwindlass_${name} ${value}\n`)
    .join('');
}
