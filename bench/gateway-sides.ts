/** The sides of the gateway's benchmark, each in a process of its own: a provider, Windlass, Portkey's gateway, nginx and a bare pipe. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../test/support/until.ts';
import { peerFile } from './peers.ts';

const ROOT = join(import.meta.dirname, '..');
const START_MS = 60_000;
const TICKS_PER_SECOND = 100;

export type Target = {
  name: string;
  /** Of Chat Completions. */
  url: string;
  headers: Record<string, string>;
  /** Seconds of processor time that its processes have used, without the database of ours. */
  cpuSeconds(): Promise<number>;
};
export type Sides = { direct: Target; windlass: Target; portkey: Target; nginx: Target | null; pipe: Target; close(): Promise<void> };

export async function startSides(databaseUrl: string): Promise<Sides> {
  const folder = await mkdtemp(join(tmpdir(), 'windlass-bench-gateway-'));
  const children: ChildProcess[] = [];
  const start = (file: string, args: string[], env: NodeJS.ProcessEnv = process.env): ChildProcess => {
    const child = spawn(file, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    return child;
  };
  const upstream = start(process.execPath, [join(import.meta.dirname, 'gateway-upstream.ts'), 'provider']);
  const provider = `http://127.0.0.1:${await firstLine(upstream)}`;
  const pipe = start(process.execPath, [join(import.meta.dirname, 'gateway-upstream.ts'), 'pipe', provider]);
  const pipeUrl = `http://127.0.0.1:${await firstLine(pipe)}`;
  const portkeyPort = await freePort();
  const portkey = start(process.execPath, [peerFile('@portkey-ai/gateway', 'build/start-server.js'), '--headless', `--port=${portkeyPort}`]);
  const windlass = await startWindlass(start, { folder, provider, databaseUrl });
  const nginx = await startNginx(start, folder, provider);
  await until('Portkey to listen', START_MS, () => fetch(`http://127.0.0.1:${portkeyPort}/`).then(Boolean, () => false));
  const path = '/v1/chat/completions';
  const bearer = { authorization: 'Bearer key' };
  const of = (side: Omit<Target, 'cpuSeconds'>, child: ChildProcess | null): Target => ({
    ...side,
    cpuSeconds: async () => (child?.pid === undefined ? 0 : cpuOf(child.pid)),
  });
  return {
    direct: of({ name: 'direct', url: provider + path, headers: bearer }, null),
    windlass: of(
      { name: 'Windlass', url: `${windlass.url}/gateway/openai${path}`, headers: { authorization: `Bearer ${windlass.key}` } },
      windlass.child,
    ),
    portkey: of(
      {
        name: 'Portkey',
        url: `http://127.0.0.1:${portkeyPort}${path}`,
        headers: { ...bearer, 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${provider}/v1` },
      },
      portkey,
    ),
    nginx: nginx === null ? null : of({ name: 'nginx', url: nginx.url + path, headers: bearer }, nginx.child),
    pipe: of({ name: 'bare pipe', url: pipeUrl + path, headers: bearer }, pipe),
    async close() {
      const ended = children.map((child) => new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve(null))));
      for (const child of children) child.kill('SIGTERM');
      await Promise.all(ended);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type Start = (file: string, args: string[], env?: NodeJS.ProcessEnv) => ChildProcess;

/** With a key, an alias, a budget on the organization, and the journal: all that a call passes. */
async function startWindlass(start: Start, { folder, provider, databaseUrl }: { folder: string; provider: string; databaseUrl: string }) {
  const yaml = [
    'log: warn',
    'workers: 0',
    'providers:',
    `  bench: { kind: openai-compatible, baseUrl: "${provider}/v1" }`,
    'aliases:',
    ...['small', 'large', 'slow', 'stream'].map((name) => `  ${name}: bench/${name}`),
    'prices:',
    ...['small', 'large', 'slow', 'stream'].map(
      (name) => `  bench/${name}: { windowTokens: 200000, maxOutputTokens: 1000, prices: [{ input: 1, cachedInput: 1, cacheWrite: 1, output: 1 }] }`,
    ),
  ];
  await writeFile(join(folder, 'windlass.yaml'), yaml.join('\n'));
  const env = { ...process.env, DATABASE_URL: databaseUrl, WINDLASS_HOME: join(folder, 'home') };
  const child = start(process.execPath, [join(ROOT, 'bin/windlass.mjs'), 'up', '--port', '0'], env);
  let out = '';
  child.stdout?.on('data', (text: Buffer) => (out += text.toString()));
  const ownerKey = await until('Windlass to show its owner key', START_MS, () => /wl_[\w-]{43}/.exec(out)?.[0]);
  const { url } = JSON.parse(await until('its address', START_MS, () => readFile(join(folder, 'home/server.json'), 'utf8').catch(() => null))) as {
    url: string;
  };
  const send = async (method: 'POST' | 'PUT', path: string, body: unknown): Promise<unknown> => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${ownerKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
    return response.json();
  };
  const { secret } = (await send('POST', '/keys', { name: 'bench', scopes: ['gateway'], requestsPerMinute: 1_000_000_000 })) as { secret: string };
  await send('PUT', '/budgets', { scope: 'org', unit: 'micro_usd', period: 'total', limit: 1_000_000_000_000 });
  return { child, url, key: secret };
}

async function startNginx(start: Start, folder: string, provider: string): Promise<{ child: ChildProcess; url: string } | null> {
  const port = await freePort();
  const conf = join(folder, 'nginx.conf');
  await writeFile(
    conf,
    `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr crit; events { worker_connections 1024; }
     http { access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
       client_max_body_size 64m; client_body_buffer_size 1m; keepalive_requests 10000000;
       upstream provider { server ${new URL(provider).host}; keepalive 128; keepalive_requests 10000000; }
       server { listen 127.0.0.1:${port}; location / { proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; } } }`,
  );
  const child = start('nginx', ['-c', conf, '-p', folder]);
  const gone = new Promise<null>((resolve) => child.once('error', () => resolve(null)));
  const up = until('nginx to listen', 5_000, () => fetch(`http://127.0.0.1:${port}/`).then(Boolean, () => false)).then(
    () => ({ child, url: `http://127.0.0.1:${port}` }),
    () => null,
  );
  return Promise.race([gone, up]);
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => child.stdout?.once('data', (text: Buffer) => resolve(text.toString().trim())));
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Of a process and its children. Linux only; elsewhere 0. */
async function cpuOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const [, , , , , , , , , , , utime = '0', stime = '0'] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const below = await Promise.all(
    children
      .split(' ')
      .filter(Boolean)
      .map((child) => cpuOf(Number(child))),
  );
  return (Number(utime) + Number(stime)) / TICKS_PER_SECOND + below.reduce((sum, seconds) => sum + seconds, 0);
}
