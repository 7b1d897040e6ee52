/** The steps of setting a project up. Each looks first, does what is missing, and says what it saw; none stops another. */
import { toAppError } from '../../kernel/errors.ts';
import { remoteKey } from '../../kernel/git-remote.ts';
import type { Caller } from '../../kernel/operation.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { capabilitiesOf } from '../documents/generate.ts';
import type { ProjectView } from '../projects/contract.ts';
import type { SetupView } from './contract.ts';
import type { ProjectSetupDeps } from './service.ts';

type Step = SetupView['steps'][number];
export type Told = Omit<Step, 'name'>;
export type Ask = { deps: ProjectSetupDeps; caller: Caller<Principal>; project: ProjectView; forge: boolean };

/** What priorities and states of issues are read from. */
export const LABELS = [
  ['priority: urgent', 'b60205'],
  ['priority: high', 'd93f0b'],
  ['priority: low', 'c2e0c6'],
  ['status: ready', '0e8a16'],
  ['status: in progress', '1d76db'],
  ['status: blocked', '5319e7'],
] as const;

export const STEPS: readonly (readonly [name: string, take: (ask: Ask) => Promise<Told>])[] = [
  ['registry', async ({ project }) => there(`${project.code} is registered${project.declared ? ' by windlass.yaml' : ''}.`)],
  ['clone', clone],
  ['capabilities', capabilities],
  ['secrets path', secretsPath],
  ['documents', documents],
  ['generated documents', generated],
  ['webhook', webhook],
  ['labels', labels],
  ['issue templates', issueTemplates],
  ['board', board],
];

/** The step as it went: an error is its result, with its own next step. */
export async function take([name, act]: (typeof STEPS)[number], ask: Ask): Promise<Step> {
  try {
    return { name, ...(await act(ask)) };
  } catch (error) {
    const { message, next = '', code } = toAppError(error);
    // what is our own fault says nothing of the project
    return { name, state: 'failed', detail: code === 'internal' ? 'It failed inside the server; its log says why.' : message, next };
  }
}

function there(detail: string): Told {
  return { state: 'there', detail, next: '' };
}

export async function clone({ deps, project }: Pick<Ask, 'deps' | 'project'>): Promise<Told> {
  const next = `git clone ${project.remote ?? 'URL'} && windlass project add ${project.code}`;
  if (project.path === null) return { state: 'failed', detail: "It has no clone on the server's machine.", next };
  const found = await deps.findCheckout(project.path).catch(() => null); // gone, or no repository any more
  if (found === null) return { state: 'failed', detail: `There is no repository at ${project.path}.`, next };
  const keys = project.repositories.map((remote) => remoteKey(remote));
  if (found.remote !== null && !keys.includes(remoteKey(found.remote)))
    return { state: 'failed', detail: `The clone at ${project.path} is of ${found.remote}, which is not the project's.`, next };
  return there(`It is at ${found.top}.`);
}

async function capabilities({ deps, caller, project }: Ask): Promise<Told> {
  const repository = project.path === null ? 'It has no clone.' : await deps.openRepository(project.path);
  if (typeof repository === 'string')
    return { state: 'failed', detail: `What it has cannot be seen: ${repository}`, next: `windlass project set ${project.code} --capabilities …` };
  const missing = (await capabilitiesOf(repository)).filter((each) => !project.capabilities.includes(each));
  if (missing.length === 0) return there(project.capabilities.join(', ') || 'The repository shows no API, database or user interface.');
  const all = [...project.capabilities, ...missing];
  if (project.declared)
    return {
      state: 'skipped',
      detail: `The repository shows ${missing.join(', ')} too.`,
      next: `In windlass.yaml: capabilities: [${all.join(', ')}]`,
    };
  await deps.projects.update(caller, { code: project.code, capabilities: all });
  return { state: 'done', detail: `The repository shows ${missing.join(', ')}.`, next: '' };
}

async function secretsPath({ deps, caller, project }: Ask): Promise<Told> {
  if (project.secretsPath !== null) return there(project.secretsPath);
  const path = `projects/${project.code}`;
  if (project.declared) return { state: 'skipped', detail: 'It has none.', next: `In windlass.yaml: secretsPath: ${path}` };
  await deps.projects.update(caller, { code: project.code, secretsPath: path });
  return { state: 'done', detail: path, next: '' };
}

async function documents({ deps, caller, project: { code } }: Ask): Promise<Told> {
  const { results, conflicts } = await deps.documents.sync(caller, { code, prefer: {} });
  const failed = results.filter(({ state }) => state === 'failed');
  if (conflicts > 0) return { state: 'failed', detail: `${conflicts} changed here and in the repository.`, next: `windlass doc sync ${code}` };
  if (failed.length > 0)
    return { state: 'failed', detail: failed.map(({ name, reason }) => `${name}: ${reason}`).join(' '), next: `windlass doc sync ${code}` };
  const news = results.filter(({ state }) => state === 'added' || state === 'updated').length;
  return news === 0
    ? there(`${results.length} are as in the repository.`)
    : { state: 'done', detail: `${news} were taken from the repository.`, next: '' };
}

async function generated({ deps, caller, project: { code } }: Ask): Promise<Told> {
  const { results } = await deps.documents.generate(caller, { code });
  const bad = results.filter(({ state }) => state === 'failed' || state === 'kept');
  if (bad.length > 0)
    return { state: 'failed', detail: bad.map(({ name, reason }) => `${name}: ${reason}`).join(' '), next: `windlass doc audit ${code}` };
  return results.length === 0
    ? there('None is missing or stale.')
    : { state: 'done', detail: results.map(({ name, state }) => `${name} ${state}`).join(', '), next: '' };
}

async function webhook({ deps, caller, project }: Ask): Promise<Told> {
  const { items } = await deps.webhooks.list(caller, { limit: 200 });
  const found = items.find(({ kind, project: of }) => kind === 'github' && (of === null || of === project.code));
  if (found !== undefined) return there(`"${found.name}" is let in.`);
  return {
    state: 'skipped',
    detail: 'No sender on GitHub is let in, so failures of CI are not heard of.',
    next: 'windlass webhook create github NAME',
  };
}

/** `host/owner/name` of the forge when something may be made there, else why nothing is. */
export async function forgeOf(
  { deps, project, forge }: Pick<Ask, 'deps' | 'project' | 'forge'>,
  command: string,
): Promise<{ repository: string } | Told> {
  if (!forge)
    return {
      state: 'skipped',
      detail: 'Nothing is made on the forge unless it is asked for.',
      next: `windlass project ${command} ${project.code} --forge`,
    };
  const repository = project.remote === null ? null : remoteKey(project.remote);
  if (repository === null) return { state: 'skipped', detail: 'It has no git remote.', next: '' };
  const refused = await deps.whyNoForge();
  return refused === null ? { repository } : { state: 'skipped', detail: refused, next: 'Make it on the forge by hand.' };
}

async function labels(ask: Ask): Promise<Told> {
  const at = await forgeOf(ask, 'setup');
  if ('state' in at) return at;
  const { gh } = ask.deps;
  const listed = await gh(['label', 'list', '--repo', at.repository, '--json', 'name', '--limit', '500']);
  const names = (JSON.parse(listed) as { name: string }[]).map(({ name }) => name.toLowerCase());
  const missing = LABELS.filter(([name]) => !names.includes(name));
  for (const [name, colour] of missing) await gh(['label', 'create', name, '--repo', at.repository, '--color', colour]);
  return missing.length === 0
    ? there(`${LABELS.length} are there.`)
    : { state: 'done', detail: `Made ${missing.map(([name]) => name).join(', ')}.`, next: '' };
}

const TEMPLATE_FOLDER = '.github/ISSUE_TEMPLATE';
const ISSUE_TEMPLATES: Readonly<Record<string, string>> = {
  [`${TEMPLATE_FOLDER}/fault.md`]:
    '---\nname: Fault\nabout: Something does not do what it should\nlabels: "status: ready"\n---\n\n## What happened\n\n## What should have happened\n\n## How to see it\n\n## Urgent, and why\n',
  [`${TEMPLATE_FOLDER}/task.md`]:
    '---\nname: Task\nabout: Something is to be done\nlabels: "status: ready"\n---\n\n## What is to be there afterwards\n\n## How it is shown that it is done\n\n## What it waits for\n',
};

/** Files of the checkout: committing them is left to whoever works there. A folder that has templates of its own is left as it is. */
async function issueTemplates(ask: Ask): Promise<Told> {
  const { deps, project } = ask;
  if (project.path === null) return { state: 'failed', detail: 'It has no clone.', next: 'windlass project add .   # in a checkout of it' };
  const own = (await deps.files.list(project.path, TEMPLATE_FOLDER)).filter((name) => /\.(?:md|ya?ml)$/.test(name));
  if (own.length > 0) return there(`${own.length} are in ${TEMPLATE_FOLDER}.`);
  const at = await forgeOf(ask, 'setup');
  if ('state' in at) return at;
  const made = await deps.files.writeMissing(project.path, ISSUE_TEMPLATES);
  return { state: 'done', detail: `Wrote ${made.join(', ')}.`, next: `git add ${TEMPLATE_FOLDER} && git commit -m "Add issue templates"` };
}

const BOARDS_READ = 100;

/** A project of the repository's owner with the name of ours. */
async function board(ask: Ask): Promise<Told> {
  const at = await forgeOf(ask, 'setup');
  if ('state' in at) return at;
  const { gh } = ask.deps;
  const { name: title } = ask.project;
  const [, owner = '', name = ''] = at.repository.split('/');
  const listed = await gh(['project', 'list', '--owner', owner, '--format', 'json', '--limit', String(BOARDS_READ)]);
  const { projects } = JSON.parse(listed) as { projects: { title: string; number: number }[] };
  const found = projects.find((each) => each.title === title);
  if (found !== undefined) return there(`Project ${found.number} of ${owner}, "${title}".`);
  const { number } = JSON.parse(await gh(['project', 'create', '--owner', owner, '--title', title, '--format', 'json'])) as { number: number };
  await gh(['project', 'link', String(number), '--owner', owner, '--repo', `${owner}/${name}`]);
  return { state: 'done', detail: `Made project ${number} of ${owner}, "${title}".`, next: '' };
}
