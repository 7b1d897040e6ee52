/**
 * Proves that what a launch hands over reaches the CLI's shell and its MCP client, with a model on loopback, once for each version of
 * the CLI and digest of its configuration, and remembers it (spec LCH-2). No provider is called, nothing is spent.
 */
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { toAppError } from '../../kernel/errors.ts';
import type { Cli } from '../cli/command.ts';
import { relativeTime } from '../cli/format.ts';
import type { Installed } from './clis.ts';
import type { CodingCli, Setup } from './coding-cli.ts';
import { keep, readKept } from './kept-file.ts';
import { startProbeModel } from './probe-model.ts';
import { PROBE_MARK, PROBE_VARIABLE, reportLines } from './probe-report.ts';

const PROOF_MS = 60_000;
const NONCE_BYTES = 16;
const Proofs = z.record(z.string(), z.object({ digest: z.string(), atMs: z.int() }));

type Env = Readonly<Record<string, string | undefined>>;
export type Proving = { coding: CodingCli; installed: Installed; setup: Setup; env: Env };
export type Proof = { ok: boolean; words: string };

/** Throws nothing: what is not proven is said, and the launch goes on. */
export async function proveCredentials(cli: Cli, { coding, installed, setup, env }: Proving): Promise<Proof> {
  if (setup.passed.length === 0) return { ok: true, words: 'no credentials to hand on' };
  const file = join(cli.home, 'launcher', 'proofs.json');
  const known = (await readKept(file, Proofs)) ?? {};
  const place = `${coding.name} ${setup.checkout}`;
  const digest = await digestOf({ coding, installed, setup, env });
  const before = known[place];
  const what = `${setup.passed.length === 1 ? 'the credential reaches' : `all ${setup.passed.length} credentials reach`} the shell and the tools of ${coding.title} ${installed.version}`;
  if (before?.digest === digest) return { ok: true, words: `${what} (proven ${relativeTime(before.atMs, cli.clock.nowMs())})` };
  const missing = await probe(cli, { coding, installed, setup, env });
  if (missing.length > 0)
    return { ok: false, words: `not proven that credentials reach the tools of ${coding.title} ${installed.version}: ${missing.join('; ')}` };
  await keep(file, { ...known, [place]: { digest, atMs: cli.clock.nowMs() } });
  return { ok: true, words: `${what} (proven now)` };
}

/** Of the version, the names and every file that the CLI takes its configuration from. */
async function digestOf({ coding, installed, setup, env }: Proving): Promise<string> {
  const own = env['HOME'] ?? homedir();
  const paths = [...coding.userFiles.map((path) => join(own, path)), ...coding.files(setup).map(({ path }) => join(setup.checkout, path))];
  const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8').catch(() => ''))); // there is none
  const hash = createHash('sha256');
  for (const part of [installed.version, setup.passed.join(' '), String(setup.trust), ...texts]) hash.update(`${part.length} ${part}`);
  return hash.digest('hex');
}

/** What did not get through, in words; empty when all did. */
async function probe(cli: Cli, { coding, installed, setup, env }: Proving): Promise<string[]> {
  // a login shell makes its own PATH, so the command is named whole
  const command = `${join(cli.home, 'bin', 'windlass')} hook probe`;
  await using model = await startProbeModel(command, PROBE_MARK);
  const nonce = Buffer.from(cli.randomBytes(NONCE_BYTES)).toString('hex');
  const names: readonly string[] = setup.passed;
  const probing = { ...setup, gateway: { url: model.url, key: 'probe' } };
  const { set, without } = coding.environment(probing);
  const childEnv = {
    ...Object.fromEntries(Object.entries(env).filter(([name]) => !without.includes(name))),
    ...set,
    [PROBE_VARIABLE]: JSON.stringify({ url: model.url, nonce, names: [...names, 'WINDLASS_HOME'] }),
  };
  const run = cli.execute(installed.program, coding.probeArgs(probing, command), { cwd: setup.checkout, env: childEnv, timeoutMs: PROOF_MS });
  const failure = await run.then(
    () => null,
    (error: unknown) => toAppError(error),
  );
  const lost = (told: string | null, wanted: readonly string[]): string[] =>
    reportLines({ nonce, names: [...wanted] }, env)
      .filter((line) => !(told ?? '').includes(line))
      .map((line) => line.slice(PROBE_MARK.length).split('=', 1)[0] ?? '');
  const shell = lost(model.told(), names);
  const tools = lost(model.reported(), coding.mcpGetsAll ? [...names, 'WINDLASS_HOME'] : ['WINDLASS_HOME']);
  return [
    ...(model.told() === null
      ? [`its shell was not reached${failure === null ? '' : ' (it ended with an error)'}`]
      : shell.length === 0
        ? []
        : [`its shell lacks ${shell.join(', ')}`]),
    ...(model.reported() === null
      ? ['it did not start our MCP server (has this folder been trusted?)']
      : tools.length === 0
        ? []
        : [`its MCP servers lack ${tools.join(', ')}`]),
  ];
}
