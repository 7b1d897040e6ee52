/**
 * Which variables a launch hands to a coding CLI, and where each comes from (spec SEC-2, SEC-7, LCH-1). The vault's value wins over an
 * inherited one of the same name, and that is said. Values leave only in the environment of the started program.
 */
import type { Environment } from '../../config.ts';
import { AppError } from '../../kernel/errors.ts';
import type { LaunchFile } from './launch-file.ts';
import type { Vault } from './vault.ts';

export type DeployEnvironment = 'production' | 'staging';

/** `shadowed`: the shell has another value of that name, which is not used. */
export type Injected = { name: string; from: string; shadowed: boolean };

export type FetchedSecrets = {
  values: Readonly<Record<string, string>>;
  injected: readonly Injected[];
  /** Required ones taken from the shell, as no vault holds them. */
  inherited: readonly string[];
  missing: readonly string[];
  warnings: readonly string[];
};

export type SecretsDeps = { vault: Pick<Vault, 'read' | 'list'>; env: Environment };
export type SecretsWanted = { project: string; environment: DeployEnvironment; needs: LaunchFile['secrets'] };

/** @throws AppError `not_found` for staging without a single value of its own: production's would be used unnoticed. */
export async function fetchSecrets({ vault, env }: SecretsDeps, { project, environment, needs }: SecretsWanted): Promise<FetchedSecrets> {
  const [own, staging] = [await vault.read(project), environment === 'staging' ? await vault.read(`${project}/staging`) : {}];
  if (environment === 'staging' && Object.keys(staging).length === 0 && Object.keys(own).length > 0) {
    throw new AppError('not_found', `Nothing is stored at ${project}/staging, so a launch for staging would use the values of production.`, {
      next: `windlass secret set ${project}/staging NAME, for each value that differs there.`,
    });
  }
  const values = { ...own, ...staging };
  const injected = Object.keys(values)
    .toSorted()
    .map((name) => ({
      name,
      from: Object.hasOwn(staging, name) ? `${project}/staging` : project,
      shadowed: (env[name] ?? '') !== '' && env[name] !== values[name],
    }));
  const elsewhere = [...needs.required, ...needs.optional].filter((name) => !Object.hasOwn(values, name));
  const inherited = elsewhere.filter((name) => (env[name] ?? '') !== '');
  const missing = needs.required.filter((name) => !Object.hasOwn(values, name) && !inherited.includes(name));
  const warnings = [
    ...injected.filter(({ shadowed }) => shadowed).map(({ name }) => `${name} of your shell has another value and is not used: the vault's is.`),
    ...(environment === 'staging' && injected.some(({ from }) => from === project)
      ? [
          `production's value is used in staging for ${injected
            .filter(({ from }) => from === project)
            .map(({ name }) => name)
            .join(', ')}`,
        ]
      : []),
  ];
  return { values, injected, inherited, missing, warnings };
}

/** `stored`: there and never injected. `elsewhere`: only in the other environment. */
export type LookedUp = { name: string; state: 'injected' | 'inherited' | 'stored' | 'elsewhere' | 'absent'; words: string };

/** Tells absent from stored-but-not-injected from other environment, without a value (spec SEC-7). */
export async function lookUp(
  { vault, env }: SecretsDeps,
  { project, environment, names }: { project: string; environment: DeployEnvironment; names: readonly string[] },
): Promise<LookedUp[]> {
  const all = await vault.list(project);
  return names.map((name): LookedUp => {
    const at = (path: string): boolean => all.some((each) => each.name === name && each.path === path);
    if (environment === 'staging' && at(`${project}/staging`)) return { name, state: 'injected', words: `injected from ${project}/staging` };
    if (at(project)) {
      const words = environment === 'staging' ? `injected from ${project}: the value of production` : `injected from ${project}`;
      return { name, state: 'injected', words };
    }
    if ((env[name] ?? '') !== '') return { name, state: 'inherited', words: 'not in the vault, taken from your shell' };
    if (at(`${project}/vault`)) return { name, state: 'stored', words: `stored at ${project}/vault, which is never injected` };
    if (at(`${project}/staging`)) return { name, state: 'elsewhere', words: `stored at ${project}/staging only: --staging injects it` };
    return { name, state: 'absent', words: `not there; store it: windlass secret set ${project} ${name}` };
  });
}
