/** What an event of GitHub says of CI, deployments and security, as signals. Pure; the signature has been checked before. */
import { z } from 'zod';
import { remoteKey } from '../../kernel/git-remote.ts';
import type { Severity, Signal } from './alert.ts';
import { ALERT_LIMITS, foldKey, plainLine, plainUrl } from './alert.ts';

/** `signals` may be empty: `note` says why the event is of no concern here. `atMs` is the event's own time, null when it has none. */
export type Reading = { signals: Signal[]; note: string; atMs: number | null };

const Time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const Repository = z.object({ full_name: z.string().max(300), html_url: z.string().max(2_000), default_branch: z.string().max(300).default('main') });
const Base = z.object({ action: z.string().max(100).optional(), repository: Repository });
const Head = z.object({ full_name: z.string().max(300) }).nullish();

const WorkflowRun = Base.extend({
  workflow_run: z.object({
    name: z.string().nullish(),
    workflow_id: z.number(),
    head_branch: z.string().nullish(),
    head_repository: Head,
    conclusion: z.string().nullish(),
    html_url: z.string(),
    updated_at: Time,
  }),
});
const CheckSuite = Base.extend({
  check_suite: z.object({
    head_branch: z.string().nullish(),
    conclusion: z.string().nullish(),
    updated_at: Time,
    app: z.object({ slug: z.string().max(200), name: z.string() }),
  }),
});
const DeploymentStatus = Base.extend({
  deployment_status: z.object({ state: z.string(), environment: z.string(), target_url: z.string().nullish(), updated_at: Time }),
  deployment: z.object({ production_environment: z.boolean().default(false), ref: z.string().nullish() }),
});
const DependabotAlert = Base.extend({
  alert: z.object({
    number: z.int(),
    html_url: z.string(),
    updated_at: Time,
    dependency: z.object({ package: z.object({ name: z.string() }) }),
    security_advisory: z.object({ severity: z.string(), summary: z.string() }),
  }),
});
const CodeScanningAlert = Base.extend({
  alert: z.object({
    number: z.int(),
    html_url: z.string(),
    updated_at: Time.nullish(),
    created_at: Time,
    rule: z.object({ description: z.string().nullish(), security_severity_level: z.string().nullish(), severity: z.string().nullish() }),
  }),
});
/** The secret itself is in the payload and is never read. */
const SecretScanningAlert = Base.extend({
  alert: z.object({ number: z.int(), html_url: z.string(), updated_at: Time.nullish(), created_at: Time, secret_type: z.string() }),
});
const Deleted = z.object({ ref: z.string().max(300), ref_type: z.string(), repository: Repository });

const RED_CI = ['failure', 'timed_out', 'startup_failure'];
const SEVERITIES: Readonly<Record<string, Severity>> = {
  ...{ low: 'low', note: 'low', medium: 'medium', moderate: 'medium', warning: 'medium' },
  ...{ high: 'high', error: 'high', critical: 'critical' },
};

/** @throws ZodError for an event that is not shaped as GitHub's are. */
export function readGitHub(event: string, body: unknown, nowMs: number): Reading {
  switch (event) {
    case 'workflow_run':
      return workflowRun(WorkflowRun.parse(body));
    case 'check_suite':
      return checkSuite(CheckSuite.parse(body));
    case 'deployment_status':
      return deployment(DeploymentStatus.parse(body));
    case 'dependabot_alert':
      return dependabot(DependabotAlert.parse(body));
    case 'code_scanning_alert':
      return codeScanning(CodeScanningAlert.parse(body));
    case 'secret_scanning_alert':
      return secretScanning(SecretScanningAlert.parse(body));
    case 'delete':
      return deleted(Deleted.parse(body), nowMs);
    case 'ping':
      return { signals: [], note: 'A ping: the webhook works.', atMs: null };
    default:
      return { signals: [], note: `Nothing here follows ${plainLine(event, 60)}.`, atMs: null };
  }
}

function workflowRun({ action, repository, workflow_run: run }: z.infer<typeof WorkflowRun>): Reading {
  const branch = branchOf(run.head_branch, run.head_repository?.full_name, repository);
  const name = run.name ?? `workflow ${run.workflow_id}`;
  const key = foldKey([repositoryOf(repository), 'workflow', run.workflow_id, branch]);
  const conclusion = action === 'completed' ? (run.conclusion ?? '') : 'not completed';
  return ci({ repository, branch, key, conclusion, url: run.html_url, what: name, atMs: run.updated_at });
}

function checkSuite({ action, repository, check_suite: suite }: z.infer<typeof CheckSuite>): Reading {
  const atMs = suite.updated_at;
  if (suite.app.slug === 'github-actions') return { signals: [], note: 'The workflow run tells of it.', atMs };
  const branch = branchOf(suite.head_branch, undefined, repository);
  const key = foldKey([repositoryOf(repository), 'check suite', suite.app.slug, branch]);
  const conclusion = action === 'completed' ? (suite.conclusion ?? '') : 'not completed';
  return ci({ repository, branch, key, conclusion, url: `${repository.html_url}/commits`, what: suite.app.name, atMs });
}

type Ci = { repository: z.infer<typeof Repository>; branch: string; key: string; conclusion: string; url: string; what: string; atMs: number };

function ci({ repository, branch, key, conclusion, url, what, atMs }: Ci): Reading {
  if (conclusion === 'success') return one({ tone: 'green', key, atMs, reason: `${plainLine(what, 100)} succeeded on ${branch}.` });
  if (!RED_CI.includes(conclusion)) return { signals: [], note: `A result of ${plainLine(conclusion, 60)} is neither red nor green.`, atMs };
  const severity = branch === repository.default_branch ? 'high' : 'low';
  return red({ repository, key, kind: 'ci', severity, branch, atMs, url, title: `${what}: ${conclusion.replaceAll('_', ' ')} on ${branch}` });
}

function deployment({ repository, deployment_status: status, deployment: made }: z.infer<typeof DeploymentStatus>): Reading {
  const { environment, updated_at: atMs } = status;
  const key = foldKey([repositoryOf(repository), 'deployment', environment]);
  if (status.state === 'success') return one({ tone: 'green', key, atMs, reason: `A deployment to ${plainLine(environment, 100)} succeeded.` });
  if (!['failure', 'error'].includes(status.state))
    return { signals: [], note: `A deployment that is ${plainLine(status.state, 60)} is neither red nor green.`, atMs };
  const severity = made.production_environment || /^prod/i.test(environment) ? 'high' : 'medium';
  const url = status.target_url ?? `${repository.html_url}/deployments`;
  return red({ repository, key, kind: 'deployment', severity, branch: made.ref ?? null, atMs, url, title: `Deployment to ${environment} failed` });
}

function dependabot({ action = '', repository, alert }: z.infer<typeof DependabotAlert>): Reading {
  const key = foldKey([repositoryOf(repository), 'dependabot', alert.number]);
  const title = `${alert.dependency.package.name}: ${alert.security_advisory.summary}`;
  const severity = SEVERITIES[alert.security_advisory.severity] ?? 'high';
  const green = ['fixed', 'dismissed', 'auto_dismissed'];
  const red = ['created', 'reopened', 'auto_reopened', 'reintroduced'];
  return security({ action, red, green, repository, key, severity, title, url: alert.html_url, atMs: alert.updated_at });
}

function codeScanning({ action = '', repository, alert }: z.infer<typeof CodeScanningAlert>): Reading {
  const key = foldKey([repositoryOf(repository), 'code scanning', alert.number]);
  const severity = SEVERITIES[alert.rule.security_severity_level ?? alert.rule.severity ?? ''] ?? 'medium';
  const title = `Code scanning: ${alert.rule.description ?? `alert ${alert.number}`}`;
  const red = ['created', 'reopened', 'reopened_by_user', 'appeared_in_branch'];
  const green = ['fixed', 'closed_by_user'];
  return security({ action, red, green, repository, key, severity, title, url: alert.html_url, atMs: alert.updated_at ?? alert.created_at });
}

function secretScanning({ action = '', repository, alert }: z.infer<typeof SecretScanningAlert>): Reading {
  const key = foldKey([repositoryOf(repository), 'secret scanning', alert.number]);
  const title = `A secret is in the repository: ${alert.secret_type.replaceAll('_', ' ')}`;
  const red = ['created', 'reopened', 'publicly_leaked'];
  const atMs = alert.updated_at ?? alert.created_at;
  return security({ action, red, green: ['resolved'], repository, key, severity: 'critical', title, url: alert.html_url, atMs });
}

type Security = {
  action: string;
  red: readonly string[];
  green: readonly string[];
  repository: z.infer<typeof Repository>;
  key: string;
  severity: Severity;
  title: string;
  url: string;
  atMs: number;
};

function security({ action, red: reds, green, repository, key, severity, title, url, atMs }: Security): Reading {
  if (green.includes(action)) return one({ tone: 'green', key, atMs, reason: `GitHub says it is ${action.replaceAll('_', ' ')}.` });
  if (!reds.includes(action)) return { signals: [], note: `${plainLine(action, 60) || 'No action'} is neither red nor green.`, atMs };
  return red({ repository, key, kind: 'security', severity, branch: null, atMs, url, title });
}

/** The event has no time of its own: it is from now, and its delivery is known by its content. */
function deleted({ ref, ref_type, repository }: z.infer<typeof Deleted>, atMs: number): Reading {
  if (ref_type !== 'branch') return { signals: [], note: 'No branch was deleted.', atMs: null };
  return {
    signals: [{ tone: 'gone', repository: repositoryOf(repository), branch: plainLine(ref, ALERT_LIMITS.branchChars), atMs }],
    note: '',
    atMs: null,
  };
}

/** A branch of a fork is not the branch of the same name here, and neither fails nor heals it. */
function branchOf(branch: string | null | undefined, head: string | undefined, repository: z.infer<typeof Repository>): string {
  const name = plainLine(branch ?? 'a detached commit', ALERT_LIMITS.branchChars - 100);
  return head === undefined || head === repository.full_name ? name : `${plainLine(head, 90)}:${name}`;
}

function repositoryOf({ html_url, full_name }: z.infer<typeof Repository>): string {
  return plainLine(remoteKey(html_url) ?? full_name.toLowerCase(), 500);
}

function one(signal: Signal): Reading {
  return { signals: [signal], note: '', atMs: signal.atMs };
}

type Red = Omit<Extract<Signal, { tone: 'red' }>, 'tone' | 'repository' | 'project'> & { repository: z.infer<typeof Repository> };

function red({ repository, title, url, branch, ...rest }: Red): Reading {
  const where = { repository: repositoryOf(repository), branch: branch === null ? null : plainLine(branch, ALERT_LIMITS.branchChars) };
  return one({ tone: 'red', ...rest, ...where, project: null, title: plainLine(title, ALERT_LIMITS.titleChars), url: plainUrl(url) });
}
