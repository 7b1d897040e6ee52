/** Metrics in Prometheus' text format (spec TRC-2): what a process counts of itself, and how it is written. */
import type { RequestLog } from '../../platform/telemetry/request-log.ts';
import type { OrgFigures } from '../../work/status/service.ts';
import type { Answered } from './app.ts';

export type Metric = {
  name: string;
  help: string;
  type: 'counter' | 'gauge';
  samples: readonly { labels: Readonly<Record<string, string>>; value: number }[];
};

export function gauge(name: string, help: string, value: number): Metric {
  return { name, help, type: 'gauge', samples: [{ labels: {}, value }] };
}

export function counter(name: string, help: string, value: number): Metric {
  return { name, help, type: 'counter', samples: [{ labels: {}, value }] };
}

/** One sample for each member of `values`, under `label`. */
export function byLabel(metric: Pick<Metric, 'name' | 'help' | 'type'>, label: string, values: Iterable<readonly [string, number]>): Metric {
  return { ...metric, samples: [...values].map(([name, value]) => ({ labels: { [label]: name }, value })) };
}

/**
 * Counts answers by operation and status, faults by code, and hands them to the request log. Names come from our own tables, so that a
 * caller cannot make more of them.
 */
export function createTraffic(requests: Pick<RequestLog, 'record' | 'dropped'>): { answered: (answered: Answered) => void; metrics: () => Metric[] } {
  const answers = new Map<string, { labels: Record<string, string>; value: number }>();
  const codes = new Map<string, number>();
  let seconds = 0;
  let all = 0;
  return {
    answered(answered) {
      const { principal, operation, status, code, durationMs } = answered;
      if (principal !== null) {
        const { principal: _principal, ...request } = answered;
        const { org, actor, fingerprint } = principal;
        requests.record({ ...request, org, actor, fingerprint, surface: request.path.startsWith('/mcp') ? 'mcp' : 'http' });
      }
      const name = operation ?? 'other';
      const key = `${name} ${status}`;
      const sample = answers.get(key) ?? { labels: { operation: name, status: String(status) }, value: 0 };
      sample.value += 1;
      answers.set(key, sample);
      if (code !== null) codes.set(code, (codes.get(code) ?? 0) + 1);
      seconds += durationMs / 1000;
      all += 1;
    },
    metrics: () => [
      { name: 'http_requests_total', help: 'Requests answered, by operation and status.', type: 'counter', samples: [...answers.values()] },
      byLabel({ name: 'http_errors_total', help: 'Refusals and faults by code.', type: 'counter' }, 'code', codes),
      counter('http_request_seconds_sum', 'Time spent on requests.', seconds),
      counter('http_request_seconds_count', 'Requests that the time was spent on.', all),
      counter('request_log_dropped_total', 'Requests that could not be written to the request log.', requests.dropped()),
    ],
  };
}

export function engineMetrics(counts: { held: number; lost: number }): Metric[] {
  return [
    gauge('runs_held', 'Runs that this process carries out now.', counts.held),
    counter('leases_lost_total', 'Runs that another process took over from this one.', counts.lost),
  ];
}

/** Of one organization, for its own keys. */
export function organizationMetrics({ runs, questions, agentsInError, today }: OrgFigures): Metric[] {
  const counts = runs.map(({ status, count }): [string, number] => [status, count]);
  const tokens: [string, number][] = [
    ['input', today.inputTokens],
    ['output', today.outputTokens],
  ];
  return [
    byLabel({ name: 'runs', help: 'Runs by status, ended ones included.', type: 'gauge' }, 'status', counts),
    gauge('queue_depth', 'Runs that wait for a worker.', counts.find(([status]) => status === 'queued')?.[1] ?? 0),
    gauge('approvals_waiting', 'Open questions to people.', questions),
    gauge('agents_in_error', 'Agents that take no runs until a person resumes them.', agentsInError),
    byLabel({ name: 'tokens_today', help: 'Tokens of runs created since midnight UTC.', type: 'gauge' }, 'direction', tokens),
    gauge('cost_today_micro_usd', 'Known cost of runs created since midnight UTC.', today.microUsd),
    gauge('cost_unknown_runs_today', 'Runs since midnight UTC whose cost is not known whole.', today.unknown),
  ];
}

/** Prometheus text exposition format 0.0.4. */
export function prometheusText(metrics: readonly Metric[]): string {
  return metrics
    .map(({ name, help, type, samples }) => {
      const full = `windlass_${name}`;
      const lines = samples.map(({ labels, value }) => `${full}${labelText(labels)} ${value}`);
      return [`# HELP ${full} ${help}`, `# TYPE ${full} ${type}`, ...lines, ''].join('\n');
    })
    .join('');
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`,
  );
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
