/**
 * What happens when a coding CLI calls a hook (spec LCH-6, LCH-7): the briefing at its start, the boundary before a command or an edit, heartbeats,
 * use and the stop rules after each tool call, a checkpoint before it compacts, a reminder when it would end without a handoff. A hook never fails its CLI and never holds it up
 * for long: without the server it does what it can alone.
 */
import type { z } from 'zod';
import { toAppError } from '../../kernel/errors.ts';
import { escalationText, STOP_LIMITS } from '../../kernel/stop-rules.ts';
import { sessionOperations } from '../../work/sessions/contract.ts';
import type { Cli } from '../cli/command.ts';
import { given } from '../cli/command.ts';
import type { Connection } from '../cli/connection.ts';
import { readBriefing } from './briefing-copy.ts';
import type { CliName, HookEvent } from './coding-cli.ts';
import { readCheckout, topOf } from './find-checkout.ts';
import type { HookAnswer, HookInput } from './hook-input.ts';
import { aimsOf, attemptOf, readHookInput } from './hook-input.ts';
import type { HookLog } from './hook-log.ts';
import { createHookLog } from './hook-log.ts';
import { reachesInto } from './neighbours.ts';
import { keptProjects, withoutCredentials } from './place.ts';
import { shouldStop } from './struggle.ts';
import type { Use } from './transcript-use.ts';
import { readUse } from './transcript-use.ts';

/** All of a hook together; the CLIs give it 15 s. */
const HOOK_MS = 8_000;
const COMMITS_SHOWN = 5;
/** The call that ends a session: after it nothing can be told of one. */
const ENDS = /session_end$/;
const BLOCKED = 'BLOCKED: a stop rule tripped, waiting for a person';

type Metadata = NonNullable<z.input<typeof sessionOperations.update.input>['metadata']>;
type Call = { cli: Cli; name: CliName; input: HookInput; log: HookLog; folder: string; signal: AbortSignal };

/** Null when there is nothing to say. Throws nothing. */
export async function runHook(
  cli: Cli,
  { event, name, text }: { event: HookEvent; name: CliName; text: string },
): Promise<{ answer: HookAnswer; input: HookInput | null }> {
  const input = readHookInput(text);
  if (input === null) return { answer: null, input };
  const [late, done] = [new AbortController(), new AbortController()];
  void cli.clock.sleep(HOOK_MS, done.signal).then(() => late.abort());
  const call: Call = { cli, name, input, log: createHookLog(cli.home, name, input.session_id), folder: input.cwd ?? cli.cwd, signal: late.signal };
  try {
    return { answer: await HANDLERS[event](call), input };
  } catch {
    return { answer: null, input }; // a server that refuses or is away is no reason to disturb the work
  } finally {
    done.abort();
  }
}

const HANDLERS: Readonly<Record<HookEvent, (call: Call) => Promise<HookAnswer>>> = {
  start: onStart,
  before: onBefore,
  tool: onTool,
  compact: onCompact,
  stop: onStop,
};

async function onStart(call: Call): Promise<HookAnswer> {
  const { cli, name, input, log, signal } = call;
  const connection = await cli.connect().catch(() => null); // out of reach, or without a key: the copy serves
  let why = 'Windlass does not answer: no session was started.';
  const started =
    connection === null
      ? null
      : await startSession(call, connection).catch((error: unknown) => {
          const { code, message, next = '' } = toAppError(error);
          if (code !== 'unavailable' && code !== 'internal') why = `No session was started: ${message} ${next}`.trimEnd();
          return null; // the briefing is worth showing all the same
        });
  if (started !== null) await log.add({ kind: 'session', id: started.id, startCommit: started.startCommit });
  const project = started?.project ?? cli.env['WINDLASS_PROJECT'];
  const environment = cli.env['WINDLASS_ENVIRONMENT'];
  const told =
    project === undefined ? null : await readBriefing(cli, connection, { project, signal, ...given({ session: started?.id, environment }) });
  const session =
    started === null
      ? `${why} Go on, keep what you do in commits, and try \`session_start\` later.`
      : `Your session is \`${started.id}\`. \`session_start\` with agent "${name}", machine "${cli.machine.name}" and clientSession "${input.session_id}" resumes it; name it as \`session\` in other calls, and end it with \`session_end\`.`;
  return { kind: 'context', text: told === null ? session : `${told.markdown}\n\n${session}` };
}

async function startSession(call: Call, connection: Connection): Promise<{ id: string; project: string; startCommit: string | null }> {
  const { cli, name, input, folder, log, signal } = call;
  const top = await topOf(folder);
  const checkout = top === null ? null : await readCheckout(top);
  const [remote] = checkout?.remotes ?? [];
  const commit = await git(call, ['rev-parse', 'HEAD']);
  const place = given({ project: cli.env['WINDLASS_PROJECT'], repository: remote === undefined ? undefined : withoutCredentials(remote) });
  const { session, nextHeartbeatAtMs } = await connection.call(
    sessionOperations.start,
    {
      ...place,
      agent: name,
      machine: cli.machine.name,
      clientSession: input.session_id,
      branch: checkout?.branch ?? null,
      ...(commit === '' ? {} : { commit }),
    },
    { signal },
  );
  await log.add({ kind: 'heartbeat', nextAtMs: nextHeartbeatAtMs });
  return { id: session.id, project: session.project, startCommit: session.startCommit };
}

/** Advisory: a hook sees what a call names. The second refusal stops, as the rules for stopping say. */
async function onBefore(call: Call): Promise<HookAnswer> {
  const { cli, input, log, folder } = call;
  if (ENDS.test(input.tool_name ?? '')) await tellLastUse(call);
  const active = cli.env['WINDLASS_PROJECT'] ?? '';
  if (active === '') return null;
  const home = cli.env['HOME'];
  const target = reachesInto(aimsOf(input), { active, folder, projects: await keptProjects(cli), ...given({ home }) });
  if (target === null) return null;
  const { what } = attemptOf(input, cli.clock.nowMs());
  await log.add({ kind: 'refused', target, what });
  const { refused, session } = await log.read();
  if (refused.length >= STOP_LIMITS.refusedAsForeign) {
    await log.add({ kind: 'stopped' });
    if (session !== null) await update(call, session.id, { workingOn: BLOCKED }).catch(() => {}); // the form matters more
    const form = {
      blocked: `calls into another project were refused ${refused.length} times; the active project is ${active}`,
      tried: refused.map((each) => `${each.what} → of ${each.target}`).join('; '),
      need: `a decision: whether ${target} is to be worked on, by a launch of its own or a handoff to it`,
    };
    return { kind: 'stop', reason: escalationText(form) };
  }
  return {
    kind: 'refuse',
    reason: `That is of the project ${target}, and the active project is ${active}. Leave the work to ${target}: tool handoff, action send, to ${target}. This rule is advisory here, as a hook sees only what a call names: do not look for a way around it, ask a person.`,
  };
}

async function onTool(call: Call): Promise<HookAnswer> {
  const { cli, input, log } = call;
  await log.add({ kind: 'call', attempt: attemptOf(input, cli.clock.nowMs()) });
  const { attempts, session, nextHeartbeatAtMs } = await log.read();
  const form = shouldStop(attempts);
  if (form === null) {
    if (session !== null && cli.clock.nowMs() >= nextHeartbeatAtMs) await heartbeat(call, session.id);
    return null;
  }
  await log.add({ kind: 'stopped' });
  if (session !== null) await update(call, session.id, { workingOn: BLOCKED }).catch(() => {}); // the form matters more
  return { kind: 'stop', reason: escalationText(form) };
}

async function heartbeat(call: Call, id: string): Promise<void> {
  const { cli, log, signal } = call;
  const connection = await cli.connect();
  const { nextHeartbeatAtMs } = await connection.call(sessionOperations.heartbeat, { id }, { signal });
  await log.add({ kind: 'heartbeat', nextAtMs: nextHeartbeatAtMs });
  await tellUse(call, id);
}

/** What the CLI has used, beside what is known of the session already; nothing when its record tells nothing. */
async function tellUse(call: Call, id: string, more: Record<string, string | number> = {}): Promise<void> {
  const { cli, name, input, signal } = call;
  const path = input.transcript_path ?? null;
  const use = path === null ? null : await readUse(name, path);
  const told = use === null ? more : { ...more, ...wordsOf(use) };
  if (Object.keys(told).length === 0) return;
  const { metadata } = await (await cli.connect()).call(sessionOperations.get, { id }, { signal });
  await update(call, id, { metadata: { ...metadata, ...told } });
}

async function tellLastUse(call: Call): Promise<void> {
  const { session } = await call.log.read();
  if (session !== null) await tellUse(call, session.id).catch(() => {}); // the end matters more
}

function wordsOf({ model, ...tokens }: Use): Record<string, string | number> {
  return { ...tokens, ...(model === null ? {} : { model }) };
}

async function update(
  { cli, signal }: Call,
  id: string,
  changes: { workingOn?: string; branch?: string | null; commit?: string; metadata?: Metadata },
): Promise<void> {
  await (await cli.connect()).call(sessionOperations.update, { id, ...changes }, { signal });
}

/** Where the work stands, on the server, before the CLI forgets the details. */
async function onCompact(call: Call): Promise<HookAnswer> {
  const { session } = await call.log.read();
  if (session === null) return null;
  const top = await topOf(call.folder);
  const checkout = top === null ? null : await readCheckout(top);
  const [commit, dirty] = [await git(call, ['rev-parse', 'HEAD']), await git(call, ['status', '--porcelain'])];
  const metadata = { compactedAtMs: call.cli.clock.nowMs(), uncommittedFiles: dirty === '' ? 0 : dirty.split('\n').length };
  await update(call, session.id, { branch: checkout?.branch ?? null, ...(commit === '' ? {} : { commit }) });
  await tellUse(call, session.id, metadata);
  return null;
}

/** Once in a session that has done something and left no handoff: says so, with what happened. */
async function onStop(call: Call): Promise<HookAnswer> {
  const { cli, input, log, signal } = call;
  const { session, edited, reminded, attempts } = await log.read();
  if (session === null) return null;
  await tellUse(call, session.id).catch(() => {}); // the reminder matters more
  if (reminded || input.stop_hook_active) return null;
  const commits = session.startCommit === null ? '' : await git(call, ['log', '--oneline', `${session.startCommit}..HEAD`]);
  if (!edited && commits === '') return null;
  const now = await (await cli.connect()).call(sessionOperations.get, { id: session.id }, { signal });
  if (now.state !== 'active' || now.handoff !== null) return null;
  await log.add({ kind: 'reminded' });
  const subjects = commits === '' ? [] : commits.split('\n');
  const dirty = await git(call, ['status', '--porcelain']);
  const failed = attempts.findLast(({ error }) => error !== null);
  const facts = [
    subjects.length === 0
      ? 'no commit'
      : `${subjects.length} commit${subjects.length === 1 ? '' : 's'} (${subjects.slice(0, COMMITS_SHOWN).join('; ')}${subjects.length > COMMITS_SHOWN ? '; …' : ''})`,
    `${dirty === '' ? 0 : dirty.split('\n').length} files not committed`,
    ...(failed === undefined ? [] : [`last failure: ${failed.what}`]),
  ];
  return {
    kind: 'again',
    reason: `This session has left no handoff. What happened in it: ${facts.join(', ')}. Claim nothing as done that these do not show. If the work ends here, call \`session_end\` with a handoff (accomplished, inProgress, blocked, next, decisions); if it goes on, say so in one sentence.`,
  };
}

/** Empty when it does not work out: an empty repository, no git. */
async function git({ cli, folder }: Call, args: readonly string[]): Promise<string> {
  return cli.execute('git', ['-C', folder, ...args]).then(
    (out) => out.trim(),
    () => '',
  );
}
