/**
 * Configuration: flags, then environment, then `windlass.yaml`, into one checked and frozen value (spec OPS-2). Every problem is
 * reported at once. Secrets never live here: they are named, and fetched where they are used.
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import type { Fault } from './kernel/errors.ts';
import { AppError } from './kernel/errors.ts';
import { Role } from './platform/identity/contract.ts';
import type { OpenIdSettings } from './platform/sign-in/openid-flow.ts';
import { LOG_LEVELS } from './platform/telemetry/log.ts';
import type { DeclaredProject } from './kernel/project.ts';
import { DeclaredProjects } from './kernel/project.ts';
import { FixedCosts } from './kernel/fixed-costs.ts';

const SideEffectChoice = z.enum(['read', 'reversible', 'irreversible', 'external']);

/** What the operator says of one tool of a server; it alone lowers what an unknown tool is taken for (spec TOL-1). */
export const ToolChoice = z.strictObject({
  sideEffect: SideEffectChoice.optional(),
  recovery: z.enum(['key', 'probe', 'none']).optional(),
  taints: z.array(z.enum(['untrusted', 'private'])).optional(),
  timeoutMs: z.int().positive().max(600_000).optional(),
});

/** Values of `env` and `headers` may hold `${secret:NAME}`. */
export const McpServerConfig = z.union([
  z.strictObject({
    command: z.string().min(1),
    args: z.array(z.string()).default([]),
    env: z.record(z.string(), z.string()).default({}),
    cwd: z.string().optional(),
    tools: z.record(z.string(), ToolChoice).default({}),
  }),
  z.strictObject({
    url: z.url(),
    headers: z.record(z.string(), z.string()).default({}),
    tools: z.record(z.string(), ToolChoice).default({}),
  }),
]);
export type McpServerConfig = z.infer<typeof McpServerConfig>;

export const ProviderConfig = z.strictObject({
  kind: z.enum(['anthropic', 'openai', 'google', 'openai-compatible']),
  baseUrl: z.url().optional(),
  /** Name of the environment variable that holds the key. */
  keyEnv: z.string().optional(),
});

const AliasModel = z.union([
  z.string().transform((model) => ({ model, weight: 1 })),
  z.strictObject({ model: z.string(), weight: z.number().min(0).max(1_000_000).default(1) }),
]);
/** A model, several by weight, or the whole of it. */
export const AliasConfig = z.union([
  z.string().transform((model) => ({ models: [{ model, weight: 1 }], fallbacks: [] as string[], cacheSeconds: null })),
  z.strictObject({
    models: z.array(AliasModel).min(1).max(16),
    fallbacks: z.array(z.string()).max(16).default([]),
    /** Exact answers are kept and given again for so long. */
    cacheSeconds: z.int().positive().max(2_592_000).nullable().default(null),
  }),
]);

export const GatewayConfig = z.strictObject({
  /** Until the first byte of an answer, and between two of them. */
  firstByteSeconds: z.number().positive().max(3_600).optional(),
  idleSeconds: z.number().positive().max(3_600).optional(),
  /** Of each actor, over all its keys. */
  actorRequestsPerMinute: z.int().positive().optional(),
  actorTokensPerMinute: z.int().positive().optional(),
});

const SECRET_HANDLE = /^\$\{secret:([A-Za-z0-9_./-]{1,200})\}$/;
/** https, or http where nothing leaves this machine. */
const isSafeUrl = (text: string): boolean => /^https:\/\/|^http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?:[:/]|$)/.test(text);
const SafeUrl = z.url().refine(isSafeUrl, 'must begin with https:// (or be http:// on 127.0.0.1)');

/** Signing in with the identity provider of the organization (spec IDN-1; OpenID Connect). */
export const OpenIdConfig = z
  .strictObject({
    /** As in "Continue with Google". */
    name: z.string().trim().min(1).max(60),
    issuer: SafeUrl,
    clientId: z.string().min(1).max(500),
    clientSecret: z.string().regex(SECRET_HANDLE, 'is named and not written here, as in ${secret:OPENID_CLIENT_SECRET}').optional(),
    /** Of the console as browsers reach it. */
    url: SafeUrl.refine((text) => /^https?:\/\/[^/]+\/?$/.test(text), 'is an address without a path').optional(),
    emailDomains: z
      .array(
        z
          .string()
          .trim()
          .toLowerCase()
          .regex(/^[^@\s]+\.[^@\s]+$/, 'is no domain, as in example.com'),
      )
      .min(1)
      .optional(),
    roles: z.strictObject({ claim: z.string().min(1), values: z.record(z.string(), Role) }).optional(),
    newPeople: z.enum(['viewer', 'member', 'operator']).optional(),
  })
  .refine((each) => each.newPeople === undefined || each.emailDomains !== undefined, {
    path: ['newPeople'],
    message: 'needs emailDomains beside it: else whoever has an account there gets in',
  });

export const ConfigFile = z.strictObject({
  $schema: z.string().optional(),
  server: z
    .strictObject({ host: z.string().optional(), port: z.int().min(0).max(65_535).optional(), allowedHosts: z.array(z.string()).optional() })
    .default({}),
  signIn: z.strictObject({ openId: OpenIdConfig.optional() }).default({}),
  log: z.enum(LOG_LEVELS).optional(),
  workers: z.int().min(0).max(256).optional(),
  blobs: z.enum(['folder', 'none']).optional(),
  /** Reviews at once in this process, and how much of ended ones is kept (spec PER-3, PER-7). */
  reviews: z
    .strictObject({
      workers: z.int().min(1).max(64).default(3),
      keepDays: z.int().min(1).max(3_650).default(30),
      maxMegabytes: z.int().min(1).max(1_000_000).default(100),
    })
    .prefault({}),
  defaultModel: z.string().optional(),
  providers: z.record(z.string(), ProviderConfig).default({}),
  /** What a new organization may use of the operator's keys, to try models without an account elsewhere (spec BUD-4). */
  try: z.strictObject({ tokensPerDay: z.int().positive() }).optional(),
  fixedCosts: FixedCosts.default({}),
  /** Prices and windows by `provider/model`, in the form of `src/runtime/models/prices.json`, checked where they are read (spec GTW-5). */
  prices: z.record(z.string(), z.unknown()).default({}),
  /** `provider/model` whose embeddings let standards be found by meaning; without it searches go by words. */
  embeddings: z.string().min(3).optional(),
  /** Names for models (spec GTW-3), for runs and at the gateway. */
  aliases: z.record(z.string(), AliasConfig).default({}),
  gateway: GatewayConfig.default({}),
  tools: z.record(z.string(), McpServerConfig).default({}),
  /** The registry of projects by code; what is here is changed here and not over the API (spec PRJ-1). */
  projects: DeclaredProjects.default({}),
});

/** JSON Schema (2020-12) of windlass.yaml, for editors and for `schemas/windlass.schema.json`. */
export function configJsonSchema(): object {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'windlass.yaml',
    ...z.toJSONSchema(ConfigFile, { io: 'input', unrepresentable: 'any' }),
  };
}

export type Config = Readonly<{
  home: string;
  host: string;
  port: number;
  allowedHosts: readonly string[];
  /** Null: people sign in with keys alone. The origin is null where it is that of the port. */
  openId: (Omit<OpenIdSettings, 'origin'> & { origin: string | null }) | null;
  databaseUrl: string | null;
  databaseDirectUrl: string | null;
  log: (typeof LOG_LEVELS)[number];
  /** Runs this process carries out at once; 0 makes it a surface only. */
  workers: number;
  blobs: 'folder' | 'none';
  reviews: Readonly<{ workers: number; keepDays: number; maxBytes: number }>;
  defaultModel: string | null;
  providers: Readonly<Record<string, z.infer<typeof ProviderConfig>>>;
  prices: Readonly<Record<string, unknown>>;
  /** Null: plan `builder`. */
  tryTokensPerDay: number | null;
  /** By what they are for (spec BUD-10). */
  fixedCosts: FixedCosts;
  embeddings: string | null;
  aliases: Readonly<Record<string, z.infer<typeof AliasConfig>>>;
  gateway: z.infer<typeof GatewayConfig>;
  mcpServers: Readonly<Record<string, McpServerConfig>>;
  /** By code; paths are absolute. */
  projects: Readonly<Record<string, DeclaredProject>>;
  /** Absolute path of the file read, null when there is none. */
  file: string | null;
}>;

export type Flags = { home?: string; host?: string; port?: string; config?: string; log?: string; workers?: string };
export type Environment = Readonly<Record<string, string | undefined>>;

export const DEFAULT_PORT = 7420;
const DEFAULT_WORKERS = 16;

/** @throws AppError `configuration` with every fault and its place. */
export function loadConfig(input: { flags: Flags; env: Environment; cwd: string }): Config {
  const { flags, env } = input;
  const faults: Fault[] = [];
  const { file, path } = readConfigFile(input, faults);
  const number = (name: string, text: string | undefined, range: { min: number; max: number }): number | undefined => {
    if (text === undefined || text === '') return undefined;
    const value = Number(text);
    if (Number.isInteger(value) && value >= range.min && value <= range.max) return value;
    faults.push({ path: name, message: `"${text}" is not a whole number from ${range.min} to ${range.max}` });
    return undefined;
  };
  const level = flags.log ?? env['WINDLASS_LOG'] ?? file.log ?? 'info';
  const checkedLevel = LOG_LEVELS.find((known) => known === level);
  if (checkedLevel === undefined) faults.push({ path: 'log', message: `"${level}" is none of ${LOG_LEVELS.join(', ')}` });
  const databaseUrl = checkedUrl('DATABASE_URL', env['DATABASE_URL'], faults);
  const databaseDirectUrl = checkedUrl('DATABASE_DIRECT_URL', env['DATABASE_DIRECT_URL'], faults);
  const ports = { min: 0, max: 65_535 };
  const config: Config = {
    home: resolve(input.cwd, flags.home ?? env['WINDLASS_HOME'] ?? join(homedir(), '.windlass')),
    host: flags.host ?? env['WINDLASS_HOST'] ?? file.server.host ?? '127.0.0.1',
    port: number('--port', flags.port, ports) ?? number('WINDLASS_PORT', env['WINDLASS_PORT'], ports) ?? file.server.port ?? DEFAULT_PORT,
    allowedHosts: file.server.allowedHosts ?? [],
    openId: openIdOf(file.signIn.openId),
    databaseUrl,
    databaseDirectUrl,
    log: checkedLevel ?? 'info',
    workers: number('--workers', flags.workers, { min: 0, max: 256 }) ?? file.workers ?? DEFAULT_WORKERS,
    blobs: file.blobs ?? 'folder',
    reviews: { workers: file.reviews.workers, keepDays: file.reviews.keepDays, maxBytes: file.reviews.maxMegabytes * 1024 * 1024 },
    defaultModel: env['WINDLASS_MODEL'] ?? file.defaultModel ?? null,
    providers: file.providers,
    prices: file.prices,
    tryTokensPerDay:
      number('WINDLASS_TRY_TOKENS_PER_DAY', env['WINDLASS_TRY_TOKENS_PER_DAY'], { min: 1, max: Number.MAX_SAFE_INTEGER }) ??
      file.try?.tokensPerDay ??
      null,
    fixedCosts: file.fixedCosts,
    embeddings: file.embeddings ?? null,
    aliases: file.aliases,
    gateway: file.gateway,
    mcpServers: file.tools,
    projects: placed(file.projects, path),
    file: path,
  };
  if (faults.length > 0) {
    throw new AppError('configuration', `The configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}.`, {
      faults,
      next: 'Mend what is listed and start again.',
    });
  }
  return Object.freeze(config);
}

function openIdOf(config: z.infer<typeof OpenIdConfig> | undefined): Config['openId'] {
  if (config === undefined) return null;
  const { name, issuer, clientId, url, emailDomains, roles, newPeople } = config;
  return {
    ...{ name, issuer, clientId },
    clientSecret: SECRET_HANDLE.exec(config.clientSecret ?? '')?.[1] ?? null,
    origin: url === undefined ? null : new URL(url).origin,
    emailDomains: emailDomains ?? null,
    roles: roles ?? null,
    newPeople: newPeople ?? null,
  };
}

/** Paths are told from the folder of the file. */
function placed(projects: DeclaredProjects, file: string | null): Config['projects'] {
  const folder = file === null ? '.' : dirname(file);
  return Object.fromEntries(
    Object.entries(projects).map(([code, each]) => [code, each.path === undefined ? each : { ...each, path: resolve(folder, each.path) }]),
  );
}

function readConfigFile(
  input: { flags: Flags; env: Environment; cwd: string },
  faults: Fault[],
): { file: z.infer<typeof ConfigFile>; path: string | null } {
  const asked = input.flags.config ?? input.env['WINDLASS_CONFIG'];
  const path = resolve(input.cwd, asked ?? 'windlass.yaml');
  const empty = ConfigFile.parse({});
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    // Without a file the defaults hold; a file asked for by name must be there.
    if (asked !== undefined) faults.push({ path, message: `cannot be read: ${error instanceof Error ? error.message : String(error)}` });
    return { file: empty, path: null };
  }
  const document = parseDocument(text, { prettyErrors: true });
  for (const error of document.errors) faults.push({ path, message: error.message.split('\n')[0] ?? error.message, line: error.linePos?.[0].line });
  if (document.errors.length > 0) return { file: empty, path };
  const parsed = ConfigFile.safeParse(document.toJS() ?? {});
  if (parsed.success) return { file: parsed.data, path };
  for (const issue of parsed.error.issues) faults.push({ path: `${path}: ${issue.path.join('.') || '(top)'}`, message: issue.message });
  return { file: empty, path };
}

function checkedUrl(name: string, text: string | undefined, faults: Fault[]): string | null {
  if (text === undefined || text === '') return null;
  if (/^postgres(ql)?:\/\//.test(text)) return text;
  faults.push({ path: name, message: 'must begin with postgres:// or postgresql://' });
  return null;
}
