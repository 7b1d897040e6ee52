/** What the very first start does for somebody with a repository: registers it, makes an agent of each template, starts the digest. Part of the composition root. */
import { toAppError } from './kernel/errors.ts';
import type { Ids, OrgId } from './kernel/ids.ts';
import { byOf } from './platform/identity/principal.ts';
import type { Identity } from './platform/identity/service.ts';
import type { Models } from './runtime/models/model.ts';
import type { Agents } from './work/agents/service.ts';
import type { ProjectView } from './work/projects/contract.ts';
import type { Projects } from './work/projects/service.ts';
import type { Templates } from './work/templates/service.ts';

export type Welcome = { project: ProjectView | null; agents: string[]; run: { id: string; rehearsed: boolean } | null };
export type WelcomeDeps = {
  org: OrgId;
  ownerKey: string | null;
  isFirst: boolean;
  ids: Ids;
  identity: Pick<Identity, 'authenticate'>;
  projects: Pick<Projects, 'add'>;
  templates: Pick<Templates, 'read'>;
  agents: Pick<Agents, 'ensure' | 'handlers'>;
  models: Pick<Models, 'facts'>;
  defaultModel: (agent: string) => string;
};

/** The agent of the first minute. */
const FIRST_AGENT = 'repo-digest';

/** Null when this was not the first start. A folder in no repository gets agents and no run. */
export async function welcome(folder: string, built: WelcomeDeps): Promise<Welcome | null> {
  const principal = built.ownerKey === null || !built.isFirst ? null : await built.identity.authenticate(built.ownerKey);
  if (principal === null) return null;
  const { org } = built;
  const project = await built.projects.add(org, { path: folder, by: byOf(principal) }).catch((error: unknown) => {
    if (toAppError(error).code === 'not_found') return null; // no repository here: there is nothing to digest, and everything else works
    throw error;
  });
  const templates = await built.templates.read();
  const definitions = templates.map(({ definition }) => definition);
  await built.agents.ensure(principal, definitions);
  const names = definitions.map(({ name }) => name);
  if (project === null || !names.includes(FIRST_AGENT)) return { project, agents: names, run: null };
  const caller = { principal, correlation: built.ids.next('cor'), surface: 'http' } as const;
  const { id } = await built.agents.handlers.run(caller, { name: FIRST_AGENT, input: {}, priority: 'normal', project: project.id });
  return { project, agents: names, run: { id, rehearsed: built.models.facts(built.defaultModel(FIRST_AGENT)).rehearsed } };
}
