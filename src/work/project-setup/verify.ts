/** The checks of a project: each does what an agent would do and says what it saw. What cannot be known from here says unknown. */
import { toAppError } from '../../kernel/errors.ts';
import { remoteKey } from '../../kernel/git-remote.ts';
import { plainLine } from '../alerts/alert.ts';
import { priorityOf, statusOf } from '../work-queue/issue.ts';
import type { VerifyView } from './contract.ts';
import type { Ask } from './setup.ts';
import { clone, forgeOf } from './setup.ts';

type Check = VerifyView['checks'][number];
type Seen = Omit<Check, 'name'>;
type Look = Ask;

export const CHECKS: readonly (readonly [name: string, look: (ask: Look) => Promise<Seen>])[] = [
  ['registry', registry],
  ['clone', async (ask) => ((found) => ({ ...found, state: found.state === 'there' ? ('ok' as const) : ('failed' as const) }))(await clone(ask))],
  ['session', session],
  ['documents', documents],
  ['secrets', secrets],
  ['ci', ci],
  ['issue', issue],
  ['mcp', mcp],
];

export async function check([name, look]: (typeof CHECKS)[number], ask: Look): Promise<Check> {
  try {
    return { name, ...(await look(ask)) };
  } catch (error) {
    const { message, next = '', code } = toAppError(error);
    return { name, state: 'failed', detail: code === 'internal' ? 'It failed inside the server; its log says why.' : message, next };
  }
}

function ok(detail: string): Seen {
  return { state: 'ok', detail, next: '' };
}

async function registry({ deps, caller, project }: Look): Promise<Seen> {
  if (project.remote === null)
    return {
      state: 'unknown',
      detail: 'It has no git remote to be found by.',
      next: `git remote add origin URL, then windlass project add ${project.path ?? ''}`.trim(),
    };
  const found = await deps.findByRemote(caller.principal.org, project.remote);
  const codes = found.map(({ code }) => code).join(', ');
  if (codes === project.code) return ok(`${project.remote} leads to it.`);
  return {
    state: 'failed',
    detail: `${project.remote} leads to ${codes || 'no project'}.`,
    next: `windlass project set ${project.code} --repositories …`,
  };
}

async function session({ deps, caller, project }: Look): Promise<Seen> {
  const clientSession = `verify ${caller.correlation}`;
  const started = await deps.sessions.start(caller, { project: project.code, agent: 'windlass-verify', machine: 'server', clientSession });
  await deps.sessions.end(caller, { id: started.session.id, reason: 'manual' });
  return ok('One was started and ended.');
}

async function documents({ deps, caller, project: { code } }: Look): Promise<Seen> {
  const { overall, findings } = await deps.documents.audit(caller, { code });
  const lacking = findings.filter(({ state }) => state !== 'present').map(({ name, state }) => `${name} is ${state}`);
  if (lacking.length === 0) return ok(`${findings.length} of ${findings.length} are present.`);
  return { state: overall === 'incomplete' ? 'failed' : 'ok', detail: `${lacking.join(', ')}.`, next: `windlass doc generate ${code}` };
}

async function secrets({ project }: Look): Promise<Seen> {
  if (project.secretsPath === null) return { state: 'failed', detail: 'It has no secrets path.', next: `windlass project setup ${project.code}` };
  return {
    state: 'unknown',
    detail: `Whether they are at ${project.secretsPath} is seen where they are kept.`,
    next: `windlass launch ${project.code}`,
  };
}

/** Green where known: no open alert of CI, and a source that has told of a success. */
async function ci({ deps, caller, project }: Look): Promise<Seen> {
  const { code } = project;
  const red = await deps.alerts.list(caller, { project: code, kind: 'ci', state: 'open', scope: 'all', limit: 5 });
  const worst = red.items.find(({ severity }) => severity === 'high');
  if (worst !== undefined) return { state: 'failed', detail: worst.title, next: `windlass alert list --project ${code}` };
  const { items } = await deps.webhooks.list(caller, { limit: 200 });
  const heard = items.some(({ project: of, lastGreenAtMs }) => (of === null || of === code) && lastGreenAtMs !== null);
  if (heard) return ok('No failure on its main branch is open, and successes are heard of.');
  return askedCi(deps, project);
}

/** Where no webhook has told of a success: the last run on the forge, as its own command line tells it. */
async function askedCi(deps: Look['deps'], project: Look['project']): Promise<Seen> {
  const next = 'windlass webhook create github NAME';
  const repository = project.remote === null || (await deps.whyNoForge()) !== null ? null : remoteKey(project.remote);
  const unknown: Seen = { state: 'unknown', detail: 'Nothing was heard of its CI yet.', next };
  if (repository === null) return unknown;
  const fields = 'conclusion,status,workflowName';
  const told = await deps.gh(['run', 'list', '--repo', repository, '--limit', '1', '--status', 'completed', '--json', fields]).catch(() => '[]'); // no gh here: unknown
  const [last] = JSON.parse(told) as { conclusion: string; workflowName: string }[];
  if (last === undefined) return unknown;
  const words = `Its last run, ${plainLine(last.workflowName, 100)}, ended in ${plainLine(last.conclusion, 40)}.`;
  return last.conclusion === 'success'
    ? { state: 'ok', detail: `${words} No webhook tells of failures.`, next }
    : { state: 'failed', detail: words, next: `gh run list --repo ${repository}` };
}

/** Opened with our labels, read back and classified as the work queue does, and closed whatever came of it. */
async function issue(ask: Look): Promise<Seen> {
  const at = await forgeOf(ask, 'verify');
  if ('state' in at) return { state: 'unknown', detail: 'Whether an issue is classified takes one on the forge.', next: at.next };
  const { gh } = ask.deps;
  const labels = ['priority: urgent', 'status: ready'].flatMap((name) => ['--label', name]);
  const body = 'Opened by `windlass project verify` to see that issues are read and classified; it is closed at once.';
  const url =
    (await gh(['issue', 'create', '--repo', at.repository, '--title', 'Test issue of Windlass', '--body', body, ...labels]))
      .trim()
      .split('\n')
      .at(-1) ?? '';
  try {
    const read = JSON.parse(await gh(['issue', 'view', url, '--json', 'labels'])) as { labels: { name: string }[] };
    const names = read.labels.map(({ name }) => name);
    const [priority, status] = [priorityOf(names), statusOf(names)];
    if (priority === 'urgent' && status === 'ready')
      return ok(`A test issue was opened, read as urgent and ready, and closed: ${plainLine(url, 200)}`);
    return {
      state: 'failed',
      detail: `A test issue with our labels was read as ${priority} and ${status}.`,
      next: `windlass project setup ${ask.project.code} --forge`,
    };
  } finally {
    await gh(['issue', 'close', url]);
  }
}

async function mcp({ deps, project }: Look): Promise<Seen> {
  const clis = await deps.codingClis(project.path);
  const without = clis.filter(({ registered }) => !registered).map(({ name }) => name);
  if (clis.length === 0) return { state: 'unknown', detail: "No coding CLI is installed on the server's machine.", next: '' };
  if (without.length === 0) return ok(`Registered with ${clis.map(({ name }) => name).join(', ')}.`);
  return { state: 'failed', detail: `Not registered with ${without.join(', ')}.`, next: `windlass launch ${project.code} ${without[0] ?? ''}` };
}
