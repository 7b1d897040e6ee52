/**
 * The boundary of a project (spec POL-4): a call that aims at another project than the active one is refused, and says how to hand over instead.
 * Active is the project that the key is bound to, or the one of the session that a tool is called from. A handoff names its target on purpose.
 */
import { AppError } from '../../kernel/errors.ts';
import type { OrgId, ProjectId } from '../../kernel/ids.ts';
import type { Bound } from '../../kernel/operation.ts';
import type { Principal } from '../../platform/identity/principal.ts';

/** `active` and `target` are codes; `what` is what was aimed at, as in "The documents". @throws AppError `denied` */
export function assertInProject({ active, target, what }: { active: string; target: string; what: string }): void {
  if (active === target) return;
  throw new AppError('denied', `${what} of ${target} are out of bounds here: the active project is ${active}.`, {
    next: `Leave the work to ${target}: a handoff to it waits in its queue (tool handoff, action send, to ${target}).`,
  });
}

export type BoundaryDeps = {
  /** By id or code. @throws AppError `not_found` */
  find: (org: OrgId, wanted: string) => Promise<ProjectId | null>;
  findByRemote: (org: OrgId, remote: string) => Promise<{ id: ProjectId; code: string }[]>;
  codeOf: (org: OrgId, project: ProjectId) => Promise<string>;
};

/** What a call aims at, by the members of its input that name a project or a repository. */
const TARGETS = ['project', 'code'] as const;

/** The same operations, which refuse what a key that is bound to a project writes to another one. Reading is free within the organization. */
export function withinProject(bounds: readonly Bound<Principal>[], deps: BoundaryDeps): Bound<Principal>[] {
  return bounds.map(({ operation, handle }) => {
    if (operation.effect === 'read') return { operation, handle };
    return {
      operation,
      handle: async (caller, input) => {
        const { org, project } = caller.principal;
        if (project !== null)
          await refuseOthers(deps, { org, project, input: input as Record<string, unknown>, what: `The ${operation.name.split('.')[0] ?? ''}` });
        return handle(caller, input);
      },
    };
  });
}

type Aim = { org: OrgId; project: ProjectId; input: Readonly<Record<string, unknown>>; what: string };

async function refuseOthers(deps: BoundaryDeps, { org, project, input, what }: Aim): Promise<void> {
  const named = TARGETS.flatMap((name) => ((value) => (typeof value === 'string' ? [value] : []))(input[name]));
  const ids = await Promise.all(named.map((wanted) => deps.find(org, wanted)));
  const remote = input['repository'];
  const owners = typeof remote === 'string' ? (await deps.findByRemote(org, remote)).map(({ id }) => id) : [];
  const other = [...ids, ...owners].find((id) => id !== null && id !== project);
  if (other === undefined || other === null) return;
  assertInProject({ active: await deps.codeOf(org, project), target: await deps.codeOf(org, other), what });
}
