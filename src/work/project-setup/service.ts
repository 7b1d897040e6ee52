/** Use cases of setting a project up and proving that it works. Everything is done through the use cases that agents and people use. */
import type { OrgId, ProjectId } from '../../kernel/ids.ts';
import type { Handlers } from '../../kernel/operation.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Alerts } from '../alerts/service.ts';
import type { Documents } from '../documents/service.ts';
import type { OpenRepository } from '../inspection/repository.ts';
import type { FindCheckout } from '../projects/checkout.ts';
import type { Projects } from '../projects/service.ts';
import type { Sessions } from '../sessions/service.ts';
import type { Webhooks } from '../webhooks/service.ts';
import type { WhyNoForge } from '../work-queue/forge-login.ts';
import type { CodingCli } from './coding-clis.ts';
import type { projectSetupOperations } from './contract.ts';
import { STEPS, take } from './setup.ts';
import { check, CHECKS } from './verify.ts';

export type ProjectSetupDeps = {
  projects: Projects['handlers'];
  documents: Documents['handlers'];
  sessions: Sessions['handlers'];
  webhooks: Webhooks['handlers'];
  alerts: Alerts['handlers'];
  findByRemote: (org: OrgId, remote: string) => Promise<{ id: ProjectId; code: string }[]>;
  findCheckout: FindCheckout;
  openRepository: OpenRepository;
  /** What GitHub CLI prints. @throws AppError `unavailable` with the reason. */
  gh: (args: readonly string[]) => Promise<string>;
  whyNoForge: WhyNoForge;
  codingClis: (checkout: string | null) => Promise<CodingCli[]>;
  /** Of a checkout: names in a folder, none when it is not there; and writes those of the files that are missing. */
  files: {
    list: (checkout: string, folder: string) => Promise<string[]>;
    writeMissing: (checkout: string, files: Readonly<Record<string, string>>) => Promise<string[]>;
  };
};
export type ProjectSetup = { handlers: Handlers<Principal, typeof projectSetupOperations> };

export function createProjectSetup(deps: ProjectSetupDeps): ProjectSetup {
  return {
    handlers: {
      setup: async (caller, { code, forge }) => {
        const steps = [];
        // one after the other: a later step sees what an earlier one did
        for (const step of STEPS) steps.push(await take(step, { deps, caller, forge, project: viewOf(await deps.projects.get(caller, { code })) }));
        return { project: code, steps };
      },
      verify: async (caller, { code, forge }) => {
        const project = viewOf(await deps.projects.get(caller, { code }));
        const checks = [];
        for (const each of CHECKS) checks.push(await check(each, { deps, caller, project, forge }));
        const overall = checks.some(({ state }) => state === 'failed') ? 'failed' : 'verified';
        return { project: code, overall, unknown: checks.filter(({ state }) => state === 'unknown').length, checks };
      },
    },
  };
}

function viewOf(project: Awaited<ReturnType<Projects['handlers']['get']>>) {
  return { ...project, environments: project.environments.map((each) => ({ url: null, branch: null, ...each })) };
}
