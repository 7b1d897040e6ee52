/** Writes what a project must have and lacks, from its repository: which writer for which name, and why there is none. No storage. */
import type { Manifest } from '../inspection/manifests.ts';
import { readManifests, readTargets } from '../inspection/manifests.ts';
import { readOpenApi } from '../inspection/openapi.ts';
import { readOutline } from '../inspection/outline.ts';
import type { Repository } from '../inspection/repository.ts';
import { FRAMEWORKS, readRoutes } from '../inspection/routes.ts';
import { readTables } from '../inspection/tables.ts';
import { writeInstructions } from './write-instructions.ts';
import { writeApiReference, writeSchema } from './write-reference.ts';

export type Generator = 'instructions' | 'api' | 'schema';
export type Generated = { text: string; sources: string[] } | { reason: string };

/** What a document of this name is generated as; null when nothing here can. */
export function generatorOf(name: string): Generator | null {
  if (/(^|\/)(AGENTS|CLAUDE|GEMINI|INSTRUCTIONS)\.md$/i.test(name)) return 'instructions';
  if (/(^|\/)API([-_]?(REFERENCE|DOCS))?\.md$/i.test(name)) return 'api';
  if (/(^|\/)(SCHEMA|DATABASE|DB[-_]SCHEMA)\.md$/i.test(name)) return 'schema';
  return null;
}

/** The same repository gives the same text. */
export async function generate(name: string, repository: Repository, project: string): Promise<Generated> {
  const generator = generatorOf(name);
  if (generator === null) return { reason: `Nothing here can generate ${name}: only project instructions, an API reference and a database schema.` };
  const manifests = await readManifests(repository);
  const title = nameOf(manifests, project);
  if (generator === 'api') {
    const facts = { descriptions: await readOpenApi(repository), routes: await readRoutes(repository) };
    return writeApiReference(title, facts) ?? { reason: `The repository has no OpenAPI description, and no routes in the forms of ${FRAMEWORKS}.` };
  }
  const tables = await readTables(repository);
  if (generator === 'schema')
    return (
      writeSchema(title, tables) ?? {
        reason: 'The repository has no migrations in SQL, Go or Alembic, no schema.sql and no Prisma schema with a table in it.',
      }
    );
  const found = await capabilitiesOf(repository);
  const facts = {
    outline: await readOutline(repository),
    manifests,
    targets: await readTargets(repository),
    hasApi: found.includes('has_api'),
    hasTables: tables.tables.length > 0,
  };
  return (
    writeInstructions(facts) ?? {
      reason: 'The repository has neither a README nor a manifest, build file or CI workflow to write instructions from.',
    }
  );
}

/** What a repository shows that a project has. */
export async function capabilitiesOf(repository: Repository): Promise<string[]> {
  const [descriptions, routes, tables] = [await readOpenApi(repository), await readRoutes(repository), await readTables(repository)];
  const hasUi = repository.files.some(
    (file) => /\.(tsx|jsx|vue|svelte)$/.test(file) && /(^|\/)(components|pages|views|screens|app|frontend|ui)\//.test(file),
  );
  return [
    ...(descriptions.length > 0 || routes.routes.length > 0 ? ['has_api'] : []),
    ...(tables.tables.length > 0 ? ['has_database'] : []),
    ...(hasUi ? ['has_ui'] : []),
  ];
}

function nameOf(manifests: readonly Manifest[], project: string): string {
  return manifests.find(({ source, name }) => name !== null && !source.includes('/'))?.name ?? project;
}
