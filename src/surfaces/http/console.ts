/**
 * Serves the web console: the files that `web/build.ts` made, compressed ahead, and the page itself under every address that a browser
 * asks a page of. It knows nothing of what the page shows.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { HttpApp, HttpContext } from './context.ts';

/** Names hold a digest of the content: they never change. */
const HASHED = /^\/assets\//;
const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};
/** What is compressed ahead, the best first. */
const ENCODINGS = [
  { name: 'br', suffix: '.br' },
  { name: 'gzip', suffix: '.gz' },
] as const;
/** Addresses of machines: a browser that asks one of them for a page gets its problem. */
const NO_PAGES = /^\/(?:api|mcp|gateway|webhooks|assets|healthz|readyz|version|metrics)(?:\/|$)/;

const PAGE_HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
} as const;

type Asset = { body: Buffer; encoded: Readonly<Record<string, Buffer>>; type: string; etag: string };
type Assets = ReadonlyMap<string, Asset>;

/** Goes last: it answers what nothing else did. */
export function mountConsole(app: HttpApp, { folder }: { folder: string }): void {
  let read: Assets | null = null;
  const assets = (): Assets => {
    if (read === null || read.size === 0) read = readAssets(folder);
    return read;
  };
  app.get('*', async (c, next) => {
    const { path } = c.req;
    const asset = path === '/index.html' ? undefined : assets().get(path);
    if (asset !== undefined) return send(c, asset, HASHED.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache');
    if (NO_PAGES.test(path) || !(c.req.header('accept') ?? '').includes('text/html')) return next();
    const page = assets().get('/index.html');
    for (const [name, value] of Object.entries(PAGE_HEADERS)) c.header(name, value);
    if (page === undefined) return c.text(NOT_BUILT, 503);
    return send(c, page, 'no-store');
  });
}

const NOT_BUILT = 'The console is not built here. Next: `npm ci`, or `npm run build`, in the folder of Windlass; then load this page again.\n';

function send(c: HttpContext, asset: Asset, caching: string): Response {
  c.header('content-type', asset.type);
  c.header('cache-control', caching);
  c.header('etag', asset.etag);
  c.header('vary', 'accept-encoding');
  if (c.req.header('if-none-match') === asset.etag) return c.body(null, 304);
  const accepted = c.req.header('accept-encoding') ?? '';
  const encoding = ENCODINGS.find(({ name }) => asset.encoded[name] !== undefined && new RegExp(`\\b${name}\\b`).test(accepted));
  if (encoding !== undefined) c.header('content-encoding', encoding.name);
  return c.body(new Uint8Array(asset.encoded[encoding?.name ?? ''] ?? asset.body));
}

/** All of it, once: a few hundred kilobytes. Empty where nothing was built. */
function readAssets(folder: string): Assets {
  if (!existsSync(join(folder, 'index.html'))) return new Map();
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'));
  const files = names.filter((name) => TYPES[extname(name)] !== undefined);
  return new Map(
    files.map((name) => {
      const body = readFileSync(join(folder, name));
      const compressed = ENCODINGS.filter(({ suffix }) => names.includes(name + suffix));
      const encoded = compressed.map((each): [string, Buffer] => [each.name, readFileSync(join(folder, name + each.suffix))]);
      const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
      return [`/${name}`, { body, encoded: Object.fromEntries(encoded), type: TYPES[extname(name)] ?? '', etag }];
    }),
  );
}
