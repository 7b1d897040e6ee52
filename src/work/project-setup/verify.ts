/** The checks of a project: each does what an agent would do and says what it saw. What cannot be known from here says unknown. */
import { toAppError } from '../../kernel/errors.ts';
import type { VerifyView } from './contract.ts';
import type { Ask } from './setup.ts';
import { clone } from './setup.ts';

type Check = VerifyView['checks'][number];
type Seen = Omit<Check, 'name'>;
type Look = Omit<Ask, 'forge'>;

export const CHECKS: readonly (readonly [name: string, look: (ask: Look) => Promise<Seen>])[] = [
  ['registry', registry],
  ['clone', async (ask) => ((found) => ({ ...found, state: found.state === 'there' ? ('ok' as const) : ('failed' as const) }))(await clone(ask))],
  ['session', session],
  ['documents', documents],
  ['secrets', secrets],
  ['ci', ci],
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
async function ci({ deps, caller, project: { code } }: Look): Promise<Seen> {
  const red = await deps.alerts.list(caller, { project: code, kind: 'ci', state: 'open', scope: 'all', limit: 5 });
  const worst = red.items.find(({ severity }) => severity === 'high');
  if (worst !== undefined) return { state: 'failed', detail: worst.title, next: `windlass alert list --project ${code}` };
  const { items } = await deps.webhooks.list(caller, { limit: 200 });
  const heard = items.some(({ project, lastGreenAtMs }) => (project === null || project === code) && lastGreenAtMs !== null);
  if (heard) return ok('No failure on its main branch is open, and successes are heard of.');
  return { state: 'unknown', detail: 'Nothing was heard of its CI yet.', next: 'windlass webhook list' };
}

async function mcp({ deps, project }: Look): Promise<Seen> {
  const clis = await deps.codingClis(project.path);
  const without = clis.filter(({ registered }) => !registered).map(({ name }) => name);
  if (clis.length === 0) return { state: 'unknown', detail: "No coding CLI is installed on the server's machine.", next: '' };
  if (without.length === 0) return ok(`Registered with ${clis.map(({ name }) => name).join(', ')}.`);
  return { state: 'failed', detail: `Not registered with ${without.join(', ')}.`, next: `windlass launch ${project.code} ${without[0] ?? ''}` };
}
