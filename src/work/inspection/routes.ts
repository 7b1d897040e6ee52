/**
 * Routes that code declares, read by the forms of common frameworks: FastAPI and Flask, net/http, Gorilla, chi, gin and echo, Express, Hono and
 * Fastify, NestJS, axum and actix. Reads text and runs nothing, so what is put together at run time is not seen.
 */
import type { Repository } from './repository.ts';
import { isOwnCode } from './repository.ts';

export type Route = { method: string; path: string; handler: string | null; about: string | null; source: string; line: number };
export type Routes = { routes: Route[]; cut: boolean };

export const ROUTE_LIMITS = { routes: 2_000, files: 3_000 } as const;
const VERBS = 'get|post|put|patch|delete|head|options|all|any';
export const FRAMEWORKS = 'FastAPI, Flask, net/http, Gorilla, chi, gin, echo, Express, Hono, Fastify, NestJS, axum, actix';

export async function readRoutes(repository: Repository): Promise<Routes> {
  const files = repository.files.filter((file) => /\.(py|go|rs|[cm]?[jt]sx?)$/.test(file) && isOwnCode(file));
  const routes: Route[] = [];
  for (const file of files.slice(0, ROUTE_LIMITS.files)) {
    const text = await repository.read(file);
    if (text === null) continue;
    routes.push(...routesIn(file, text));
    if (routes.length > ROUTE_LIMITS.routes) break;
  }
  const unique = new Map(routes.map((route) => [`${route.method} ${route.path} ${route.source}`, route]));
  const cut = routes.length > ROUTE_LIMITS.routes || files.length > ROUTE_LIMITS.files;
  return { routes: [...unique.values()].slice(0, ROUTE_LIMITS.routes), cut };
}

export function routesIn(file: string, text: string): Route[] {
  if (file.endsWith('.py')) return pythonRoutes(file, text);
  if (file.endsWith('.go')) return goRoutes(file, withoutComments(text));
  if (file.endsWith('.rs')) return rustRoutes(file, withoutComments(text));
  return scriptRoutes(file, withoutComments(text));
}

/** Comments become spaces, so that lines stay where they are; what only looks like one, in a string, is kept. */
export function withoutComments(text: string): string {
  return text.replaceAll(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, (found) =>
    found.startsWith('/*') || found.startsWith('//') ? found.replaceAll(/[^\n]/g, ' ') : found,
  );
}

function lineOf(text: string, at: number): number {
  let line = 1;
  for (let index = text.indexOf('\n'); index !== -1 && index < at; index = text.indexOf('\n', index + 1)) line += 1;
  return line;
}

function pythonRoutes(file: string, text: string): Route[] {
  if (!/fastapi|flask|APIRouter|Blueprint|starlette|litestar/i.test(text)) return [];
  const prefixes = new Map<string, string>();
  for (const match of text.matchAll(/^(\w+)\s*(?::\s*\w+)?=\s*(?:APIRouter|Blueprint|FastAPI|Flask)\(([^)]*)\)/gm))
    prefixes.set(match[1] ?? '', /(?:url_)?prefix\s*=\s*["']([^"']*)["']/.exec(match[2] ?? '')?.[1] ?? '');
  const routes: Route[] = [];
  for (const match of text.matchAll(
    /^([ \t]*)@(\w+)\.(get|post|put|patch|delete|head|options|route|websocket|api_route)\(\s*(?:\n\s*)?(?:path\s*=\s*)?["']([^"']*)["']/gm,
  )) {
    const [, , owner = '', verb = '', path = ''] = match;
    const rest = text.slice(match.index + match[0].length, match.index + match[0].length + 3_000);
    const handler = /\n[ \t]*(?:async\s+)?def\s+(\w+)/.exec(rest);
    const methods =
      verb === 'route' || verb === 'api_route'
        ? [...(/methods\s*=\s*[[(]([^\])]*)/.exec(rest.slice(0, handler?.index ?? 300))?.[1]?.matchAll(/["'](\w+)["']/g) ?? [])].map((each) =>
            (each[1] ?? '').toUpperCase(),
          )
        : [verb === 'websocket' ? 'WS' : verb.toUpperCase()];
    // the docstring of this function, not of the next one
    const body = handler === null ? '' : (rest.slice(handler.index + handler[0].length).split(/\n[ \t]*(?:async\s+)?def\s/)[0] ?? '');
    const about = /"""\s*([^\n"]+)/.exec(body)?.[1];
    for (const method of methods.length === 0 ? ['GET'] : methods)
      routes.push({
        method,
        path: `${prefixes.get(owner) ?? ''}${path}` || '/',
        handler: handler?.[1] ?? null,
        about: about?.trim() ?? null,
        source: file,
        line: lineOf(text, match.index),
      });
  }
  return routes;
}

function goRoutes(file: string, text: string): Route[] {
  const routes: Route[] = [];
  const prefixes = new Map<string, string>();
  for (const match of text.matchAll(/(\w+)\s*:?=\s*(\w+)\.(?:PathPrefix|Group|Route)\("([^"]*)"/g))
    prefixes.set(match[1] ?? '', (prefixes.get(match[2] ?? '') ?? '') + (match[3] ?? ''));
  const push = (match: RegExpMatchArray, method: string, path: string): void => {
    const [, owner = ''] = match;
    const handler = /^\s*,\s*(?:\w+\()*([\w.]+)/.exec(text.slice((match.index ?? 0) + match[0].length))?.[1] ?? null;
    routes.push({
      method,
      path: (prefixes.get(owner) ?? '') + path,
      handler: handler === 'func' ? null : handler,
      about: null,
      source: file,
      line: lineOf(text, match.index ?? 0),
    });
  };
  // Go 1.22: the method stands in the pattern
  for (const match of text.matchAll(/(\w+)\.Handle(?:Func)?\(\s*"(?:([A-Z]+) )?(?:[\w.-]+(?=\/))?(\/[^"]*)"/g)) {
    const chained = /^[^\n]*?\.Methods\(([^)]*)\)/.exec(text.slice(match.index + match[0].length, match.index + match[0].length + 400))?.[1];
    const methods = match[2] === undefined ? (chained?.match(/[A-Z][A-Za-z]+(?=["),\s]|$)/g) ?? ['ANY']) : [match[2]];
    for (const method of methods) push(match, method.replace(/^Method/, '').toUpperCase(), match[3] ?? '/');
  }
  if (/chi|gin|echo|fiber|httprouter/.test(text))
    for (const match of text.matchAll(
      /(\w+)\.(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|Get|Post|Put|Patch|Delete|Head|Options)\(\s*"(\/[^"]*)"\s*(?=,)/g,
    ))
      push(match, (match[2] ?? '').toUpperCase(), match[3] ?? '/');
  return routes;
}

function rustRoutes(file: string, text: string): Route[] {
  const routes: Route[] = [];
  for (const match of text.matchAll(/\.route\(\s*"(\/[^"]*)"\s*,\s*(?:web::)?(get|post|put|patch|delete|any)\(\s*(?:\)\s*\.to\()?([\w:]*)/g))
    routes.push({
      method: (match[2] ?? '').toUpperCase(),
      path: match[1] ?? '/',
      handler: match[3] || null,
      about: null,
      source: file,
      line: lineOf(text, match.index),
    });
  for (const match of text.matchAll(/#\[(get|post|put|patch|delete)\("(\/[^"]*)"[^\]]*\)\]\s*(?:pub\s+)?(?:async\s+)?fn\s+(\w+)/g))
    routes.push({
      method: (match[1] ?? '').toUpperCase(),
      path: match[2] ?? '/',
      handler: match[3] ?? null,
      about: null,
      source: file,
      line: lineOf(text, match.index),
    });
  return routes;
}

/** An import of the framework must be there: a library that only defines `get` declares no route. */
const SERVERS =
  /(?:from|require\()\s*["'](express|hono(?:\/[\w-]+)?|fastify|koa-router|@koa\/router|@hono\/[\w-]+|restify|polka|itty-router|elysia)["']/;

function scriptRoutes(file: string, text: string): Route[] {
  const nest = nestRoutes(file, text);
  if (nest.length > 0 || !SERVERS.test(text)) return nest;
  const bases = new Map<string, string>();
  for (const match of text.matchAll(/(\w+)\s*=\s*[^;\n]*\.basePath\(\s*["'`]([^"'`]*)["'`]/g)) bases.set(match[1] ?? '', match[2] ?? '');
  const routes: Route[] = [];
  for (const match of text.matchAll(new RegExp(String.raw`(\w+)\s*\.(${VERBS}|route)\(\s*(["'\`])(\/[^"'\`]*)\3\s*(?=,)`, 'g'))) {
    const [whole, owner = '', verb = '', , path = ''] = match;
    if (!/^(app|router|routes?|api|server|r|v\d+|\w*(App|Router|Routes|Api|Server))$/.test(owner) || verb === 'route') continue;
    const after = text.slice(match.index + whole.length, match.index + whole.length + 200);
    const handler = /^\s*,\s*(?:[\w.]+\([^)\n]*\)\s*,\s*)*([A-Za-z_$][\w.$]*)\s*\)/.exec(after)?.[1] ?? null;
    routes.push({
      method: verb === 'all' ? 'ANY' : verb.toUpperCase(),
      path: (bases.get(owner) ?? '') + path,
      handler,
      about: null,
      source: file,
      line: lineOf(text, match.index),
    });
  }
  return routes;
}

function nestRoutes(file: string, text: string): Route[] {
  const controller = /@Controller\(\s*(?:["'`]([^"'`]*)["'`])?[^)]*\)/.exec(text);
  if (controller === null) return [];
  const base = controller[1] ?? '';
  return [...text.matchAll(/@(Get|Post|Put|Patch|Delete|All)\(\s*(?:["'`]([^"'`]*)["'`])?[^)]*\)/g)].map((match) => {
    const handler =
      /\n\s*(?:public\s+|async\s+)*(\w+)\(/.exec(text.slice(match.index + match[0].length, match.index + match[0].length + 1_000))?.[1] ?? null;
    const path = `/${[base, match[2] ?? '']
      .map((part) => part.replaceAll(/^\/+|\/+$/g, ''))
      .filter((part) => part !== '')
      .join('/')}`;
    return {
      method: match[1] === 'All' ? 'ANY' : (match[1] ?? '').toUpperCase(),
      path,
      handler,
      about: null,
      source: file,
      line: lineOf(text, match.index),
    };
  });
}
