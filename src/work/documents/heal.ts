/** Self-healing of documents (spec DOC-3): what is missing or stale is written from the repository, and what somebody wrote is left as it is. */
import { sha256Hex } from '../../kernel/canonical-json.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Ids, OrgId } from '../../kernel/ids.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { OpenRepository, Repository } from '../inspection/repository.ts';
import type { AuditView, GenerateView } from './contract.ts';
import { generate } from './generate.ts';
import type { ProjectRow } from './store.ts';
import * as store from './store.ts';

export type HealDeps = {
  db: Database;
  ids: Ids;
  clock: Pick<Clock, 'nowMs'>;
  openRepository: OpenRepository;
  projectOf: (tx: Tx, org: OrgId, code: string) => Promise<ProjectRow>;
  audit: (deps: { clock: Pick<Clock, 'nowMs'> }, tx: Tx, which: { org: OrgId; code: string }) => Promise<AuditView>;
};
type Result = GenerateView['results'][number];

/** @throws AppError `not_found` for a project without a checkout that can be read, or a name that is not asked of it. */
export async function heal(deps: HealDeps, principal: Principal, { code, name }: { code: string; name?: string | undefined }): Promise<GenerateView> {
  const { org } = principal;
  const { project, findings } = await deps.db.asOrg(org, async (tx) => ({
    project: await deps.projectOf(tx, org, code),
    findings: (await deps.audit(deps, tx, { org, code })).findings,
  }));
  if (name !== undefined && !findings.some((finding) => finding.name === name))
    throw new AppError('not_found', `${name} is not asked of ${code}.`, { next: `\`windlass doc audit ${code}\` shows what is.` });
  const wanted = findings.filter((finding) => finding.state !== 'present' && (name === undefined || finding.name === name));
  const repository = wanted.length === 0 ? null : await repositoryOf(deps, project);
  const results: Result[] = [];
  if (repository !== null) for (const finding of wanted) results.push(await healOne(deps, { principal, project, repository, finding }));
  const { overall } = await deps.db.asOrg(org, (tx) => deps.audit(deps, tx, { org, code }));
  return { project: code, overall, results };
}

async function repositoryOf(deps: HealDeps, { code, path }: ProjectRow): Promise<Repository> {
  if (path === null)
    throw new AppError('not_found', `${code} has no checkout on this server.`, { next: 'Register one with `windlass project add PATH`.' });
  const repository = await deps.openRepository(path);
  if (typeof repository === 'string')
    throw new AppError('not_found', `The checkout of ${code} cannot be read: ${repository}`, { next: `Look at ${path}.` });
  return repository;
}

type One = { principal: Principal; project: ProjectRow; repository: Repository; finding: AuditView['findings'][number] };

async function healOne(deps: HealDeps, { principal, project, repository, finding }: One): Promise<Result> {
  const { name } = finding;
  const key = { project: project.id, name };
  const written = finding.state === 'missing' ? await repository.read(name) : null;
  // one look before the work, and another one under the lock of the write
  if (written === null && finding.state === 'stale') {
    const held = await deps.db.asOrg(principal.org, (tx) => store.lockDocument(tx, principal.org, key));
    if (held?.generated === false) return keptAsIs(name, finding.ageDays);
  }
  const made = written === null || written === '' ? await generate(name, repository, project.code) : { text: written, sources: [] };
  if ('reason' in made) return { name, state: 'failed', reason: made.reason, sources: [] };
  const isTaken = made.sources.length === 0;
  return deps.db.asOrg(principal.org, async (tx): Promise<Result> => {
    const { org, actor, name: author } = principal;
    const held = await store.lockDocument(tx, org, key);
    if (held?.generated === false) return keptAsIs(name, finding.ageDays);
    const hash = sha256Hex(made.text);
    if (held?.hash === hash) {
      await store.touchDocument(tx, org, held.id);
      return { name, state: 'unchanged', reason: 'The repository still gives the same.', sources: made.sources };
    }
    const id = held?.id ?? deps.ids.next('doc');
    const source = isTaken
      ? { repository: project.remote, path: name, generatedFrom: null }
      : { repository: project.remote, path: null, generatedFrom: made.sources };
    const version = (held?.version ?? 0) + 1;
    await store.writeVersion(tx, org, { id, version, content: made.text, hash, ...source, actor, name: author, make: held === null ? key : null });
    if (isTaken) await store.setBase(tx, org, { id, base: hash });
    return isTaken
      ? { name, state: 'taken', reason: 'The repository has it; it was taken as it is.', sources: [name] }
      : { name, state: 'generated', reason: '', sources: made.sources };
  });
}

function keptAsIs(name: string, ageDays: number | null): Result {
  const age = ageDays === null ? '' : ` ${ageDays} days ago`;
  return {
    name,
    state: 'kept',
    reason: `Somebody wrote it${age}, so it is not overwritten: read it over, and store it again when it is right.`,
    sources: [],
  };
}
