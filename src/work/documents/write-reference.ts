/** API reference and database schema, written from what a repository has. Pure; no model. */
import type { ApiDescription } from '../inspection/openapi.ts';
import type { Route, Routes } from '../inspection/routes.ts';
import type { Table, Tables } from '../inspection/tables.ts';
import type { Written } from './write-instructions.ts';
import { cell, code, marked } from './write-instructions.ts';

/** What a description says stands above what is read out of code. */
export function writeApiReference(name: string, facts: { descriptions: readonly ApiDescription[]; routes: Routes }): Written {
  if (facts.descriptions.length > 0) return fromDescriptions(name, facts.descriptions);
  if (facts.routes.routes.length > 0) return fromRoutes(name, facts.routes);
  return null;
}

function fromDescriptions(name: string, descriptions: readonly ApiDescription[]): Written {
  const parts = descriptions.map(({ source, title, version, servers, operations }) => {
    const rows = operations.map(
      ({ method, path, summary, parameters, answers }) =>
        `| ${method} | ${code(path)} | ${cell(summary ?? '')} | ${cell(parameters.join(', '))} | ${cell(answers.join(', '))} |`,
    );
    return [
      `## ${cell(title ?? source)}${version === null ? '' : ` ${cell(version)}`}`,
      '',
      `${operations.length} operations, from ${code(source)}${servers.length === 0 ? '' : `, served at ${servers.map(code).join(', ')}`}.`,
      '',
      ...['| method | path | what it does | parameters | answers |', '| --- | --- | --- | --- | --- |', ...rows],
    ].join('\n');
  });
  const sources = descriptions.map(({ source }) => source);
  return { text: marked([`# API of ${cell(name)}`, ...parts].join('\n\n'), sources), sources };
}

function fromRoutes(name: string, { routes, cut }: Routes): Written {
  const files = Map.groupBy(routes, ({ source }) => source);
  const sources = [...files.keys()];
  const parts = [...files].map(([source, all]) => {
    const rows = all.map((route) => `| ${route.method} | ${code(route.path)} | ${handled(route)} | ${route.line} |`);
    return [`## ${code(source)}`, '', '| method | path | handler | line |', '| --- | --- | --- | --- |', ...rows].join('\n');
  });
  const intro = `${cut ? 'At least ' : ''}${routes.length} routes as the code declares them, by file. A prefix that is given where a router is mounted in another file is not seen, nor is what is put together at run time.`;
  return { text: marked([`# API of ${cell(name)}`, intro, ...parts].join('\n\n'), sources), sources };
}

function handled({ handler, about }: Route): string {
  return [handler === null ? '' : code(handler), about === null ? '' : cell(about)].filter((each) => each !== '').join(': ');
}

export function writeSchema(name: string, { tables, sources, cut }: Tables): Written {
  if (tables.length === 0) return null;
  const intro = `${cut ? 'At least ' : ''}${tables.length} tables, as ${sources.length === 1 ? `${code(sources[0] ?? '')} leaves` : `${sources.length} migrations leave`} them.`;
  const index = tables.map((table) => `- ${code(table.name)}: ${table.columns.length} columns`);
  return { text: marked([`# Database of ${cell(name)}`, intro, index.join('\n'), ...tables.map(tableText)].join('\n\n'), sources), sources };
}

function tableText({ name, columns, rules, source }: Table): string {
  const rows = columns.map((column) => `| ${code(column.name)} | ${cell(column.type)} | ${cell(column.rules)} |`);
  return [
    `## ${code(name)}`,
    '',
    ...['| column | type | rules |', '| --- | --- | --- |', ...rows],
    ...(rules.length === 0 ? [] : ['', ...rules.map((rule) => `- ${code(rule)}`)]),
    '',
    `First made in ${code(source)}.`,
  ].join('\n');
}
