/** The commands of the prompt. Pure: a line becomes a step; what the server has to do is an effect, and nothing waits for it. */
import { toAppError } from '../../kernel/errors.ts';
import type { ApprovalView } from '../../platform/approvals/contract.ts';
import type { RunSummary } from '../../runtime/runs/contract.ts';
import { pickId } from '../cli/find-run.ts';
import { shortId } from '../cli/format.ts';
import { waysToAnswer } from '../cli/live-view.ts';
import type { Call, Effect, State, Step } from './state.ts';
import { agentsOf, approvalsOf, runMeant, runsOf } from './state.ts';
import { withText } from './prompt.ts';

type Slash = {
  readonly name: string;
  readonly form: string;
  /** One sentence. */
  readonly does: string;
  /** What the key must be allowed to. */
  readonly permission: string | null;
  run(state: State, rest: string): Step;
};

const LIVE = { live: true };

/** The end of an id, which every command takes. */
export const short = (id: string): string => shortId(LIVE, id);

function say(state: State, ok: boolean, text: string): Step {
  return { state: { ...state, said: { ok, text } }, effects: [] };
}

function act(state: State, text: string, ...effects: Effect[]): Step {
  const calls = effects.filter((effect) => effect.kind === 'call').length;
  return { state: { ...state, said: text === '' ? null : { ok: true, text }, pending: state.pending + calls }, effects };
}

function open(state: State, overlay: NonNullable<State['overlay']>, ...effects: Effect[]): Step {
  return { state: { ...state, overlay, said: null }, effects };
}

export function openRun(state: State, id: string): Step {
  const overlay = { kind: 'run', id, detail: null, entries: [], lastSeq: 0, skipped: 0, scroll: 0, follow: true } as const;
  return open(state, overlay, { kind: 'readRun', id, after: 0 });
}

export function openApproval(state: State, id: string): Step {
  return open(state, { kind: 'approval', id, detail: null, scroll: 0 }, { kind: 'readApproval', id });
}

function words(rest: string): [first: string, others: string] {
  const [, first = '', others = ''] = /^(\S*)\s*([\s\S]*)$/.exec(rest) ?? [];
  return [first, others];
}

/** Whether a word can be meant as the id of one of these: it ends or begins one. */
function named<T extends { id: string }>(items: readonly T[], word: string, prefix: string): T | null {
  if (word === '') return null;
  try {
    const id = pickId(word, { prefix, ids: items.map((each) => each.id), among: '', list: '' });
    return items.find((each) => each.id === id) ?? null;
  } catch {
    return null; // no id: the word belongs to what follows
  }
}

/** The run named first, else the one that is open or selected; what is left is the reason. */
function whichRun(state: State, rest: string): { run: RunSummary | null; named: boolean; reason: string } {
  const [first, others] = words(rest);
  const run = named(runsOf(state), first, 'run');
  if (run !== null) return { run, named: true, reason: others };
  return { run: /^(?:run_|…)/.test(first) ? null : runMeant(state), named: false, reason: rest };
}

function steer(kind: 'pause' | 'resume' | 'cancel'): Slash['run'] {
  return (state, rest) => {
    const { run, named: isNamed, reason } = whichRun(state, rest);
    if (run === null) return say(state, false, `Which run? Select one, or give the end of its id: /${kind} 4t9kz1ab`);
    if (kind === 'cancel' && !isNamed) {
      const prompt = withText(state.prompt, `/cancel ${short(run.id)}${reason === '' ? '' : ` ${reason}`}`);
      return say({ ...state, prompt }, false, `Enter again cancels ${run.agent} ${short(run.id)} (${run.status}); Escape does not.`);
    }
    return act(state, '', { kind: 'call', call: { kind, run: run.id, reason } });
  };
}

/** The question named first, else the one that is open, that of the selected run, or the only one. */
function whichApproval(state: State, rest: string): { approval: ApprovalView | null; text: string } {
  const approvals = approvalsOf(state);
  const [first, others] = words(rest);
  const found = named(approvals, first, 'apr');
  if (found !== null) return { approval: found, text: others };
  const { overlay } = state;
  if (overlay?.kind === 'approval') return { approval: overlay.detail ?? approvals.find((each) => each.id === overlay.id) ?? null, text: rest };
  if (overlay?.kind === 'approvals') return { approval: approvals.find((each) => each.id === overlay.selected) ?? approvals[0] ?? null, text: rest };
  const ofRun = approvals.filter((each) => each.run === runMeant(state)?.id);
  const [only] = ofRun.length > 0 ? ofRun : approvals;
  return { approval: ofRun.length === 1 || approvals.length === 1 ? (only ?? null) : null, text: rest };
}

function noApproval(state: State, name: string): Step {
  const count = approvalsOf(state).length;
  return say(
    state,
    false,
    count === 0 ? 'No question is open.' : `Which question? /approvals lists them; or give the end of its id: /${name} 4t9kz1ab`,
  );
}

function answer(state: State, approval: ApprovalView, given: Pick<Extract<Call, { kind: 'answer' }>, 'answer' | 'text'>): Step {
  return act(state, '', { kind: 'call', call: { kind: 'answer', approval: approval.id, hash: approval.hash, ...given } });
}

function unfit(state: State, approval: ApprovalView): Step {
  const ways = waysToAnswer({ approvalId: short(approval.id), kind: approval.kind }).map((way) =>
    way.replace('windlass ', '/').replace('--reason "…"', '…'),
  );
  return say(state, false, `This question is of kind ${approval.kind}: ${ways.join('   or   ')}`);
}

/** Only what is on the screen is approved: the first time it is opened, the second time answered, by the hash that was shown. */
function approve(state: State, rest: string): Step {
  const { approval } = whichApproval(state, rest);
  if (approval === null) return noApproval(state, 'approve');
  if (approval.kind !== 'approval') return unfit(openApproval(state, approval.id).state, approval);
  const { overlay } = state;
  if (overlay?.kind === 'approval' && overlay.id === approval.id && overlay.detail !== null)
    return answer(state, overlay.detail, { answer: 'approve', text: '' });
  const step = openApproval(state, approval.id);
  const prompt = withText(state.prompt, `/approve ${short(approval.id)}`);
  return {
    ...step,
    state: { ...step.state, prompt, said: { ok: true, text: 'This is what would be done. Enter again approves exactly this; Escape does not.' } },
  };
}

function deny(state: State, rest: string): Step {
  const { approval, text } = whichApproval(state, rest);
  if (approval === null) return noApproval(state, 'deny');
  if (approval.kind === 'outcome') return unfit(state, approval);
  if (text.trim() === '') return say(state, false, `The reason is missing: the agent is told it. /deny ${short(approval.id)} not before the release`);
  return answer(state, approval, { answer: 'deny', text });
}

function reply(state: State, rest: string): Step {
  const { approval, text } = whichApproval(state, rest);
  if (approval === null) return noApproval(state, 'answer');
  if (approval.kind === 'input' && text.trim() !== '') return answer(state, approval, { answer: 'answer', text });
  if (approval.kind === 'outcome' && (text === 'done' || text === 'not_done')) return answer(state, approval, { answer: text, text: '' });
  return unfit(state, approval);
}

function run(state: State, rest: string): Step {
  const [agent, input] = words(rest);
  if (agent === '') return say(state, false, 'Which agent? /agents lists them; as in /run repo-digest');
  return act(state, '', { kind: 'call', call: { kind: 'run', agent, input } });
}

function runs(state: State, rest: string): Step {
  return act({ ...state, search: rest.trim(), overlay: null, side: false }, '', { kind: 'refresh' });
}

function approvals(state: State): Step {
  return open(state, { kind: 'approvals', selected: approvalsOf(state)[0]?.id ?? null, scroll: 0 });
}

function budgets(state: State): Step {
  return open(state, { kind: 'budgets', scroll: 0 }, { kind: 'refresh' });
}

export const SLASHES: readonly Slash[] = [
  { name: 'help', form: '', does: 'Shows this.', permission: null, run: (state) => open(state, { kind: 'help', scroll: 0 }) },
  { name: 'runs', form: '[text]', does: 'Shows runs; with a text only where agent, reason or id has it.', permission: 'runs.read', run: runs },
  { name: 'approvals', form: '', does: 'Shows what runs ask people.', permission: 'approvals.read', run: approvals },
  { name: 'approve', form: '[question]', does: 'Shows the exact call; a second time approves it.', permission: 'approvals.answer', run: approve },
  { name: 'deny', form: '[question] <reason>', does: 'Refuses it; the agent is told the reason.', permission: 'approvals.answer', run: deny },
  {
    name: 'answer',
    form: '[question] <text>',
    does: 'Answers a question; done or not_done where the outcome is unknown.',
    permission: 'approvals.answer',
    run: reply,
  },
  { name: 'pause', form: '[run] [reason]', does: 'Pauses a run after the step it is in.', permission: 'runs.create', run: steer('pause') },
  { name: 'resume', form: '[run] [reason]', does: 'Lets a paused run go on.', permission: 'runs.create', run: steer('resume') },
  { name: 'cancel', form: '[run] [reason]', does: 'Stops a run within a second.', permission: 'runs.create', run: steer('cancel') },
  {
    name: 'agents',
    form: '',
    does: 'Shows agents and how they are.',
    permission: 'agents.read',
    run: (state) => open(state, { kind: 'agents', scroll: 0 }),
  },
  { name: 'run', form: '<agent> [input]', does: 'Starts a run; the input is text or JSON.', permission: 'runs.create', run },
  { name: 'budget', form: '', does: 'Shows budgets: spent, reserved, left.', permission: 'status.read', run: budgets },
  {
    name: 'config',
    form: '',
    does: 'Shows which server, which key, and what it may do.',
    permission: null,
    run: (state) => open(state, { kind: 'config', scroll: 0 }),
  },
  { name: 'quit', form: '', does: 'Leaves; runs go on.', permission: null, run: (state) => ({ state, effects: [{ kind: 'quit' }] }) },
];

/** What a line does that was entered. */
export function carryOut(state: State, line: string): Step {
  if (!line.startsWith('/')) return say(state, false, 'Commands begin with a slash; /help lists them.');
  const [name, rest] = words(line.slice(1).trim());
  const slash = SLASHES.find((each) => each.name === name);
  if (slash === undefined) return say(state, false, `There is no /${name}. /help lists what there is.`);
  try {
    return slash.run(state, rest.trim());
  } catch (error) {
    return say(state, false, toAppError(error).message); // a fault of ours shall not take the screen away
  }
}

/** The line completed as far as it is clear, and what it could go on with when it is not. */
export function complete(state: State, line: string): { line: string; choices: readonly string[] } {
  const [, head = '', word = ''] = /^(\/(?:\S+\s+)?)(\S*)$/.exec(line) ?? [];
  if (head === '') return { line, choices: [] };
  const fits = wordsAfter(state, head.trim()).filter((each) => each.startsWith(word));
  const [first] = fits;
  if (first === undefined) return { line, choices: [] };
  if (fits.length === 1) return { line: `${head}${first} `, choices: [] };
  return { line: head + commonStart(fits), choices: fits };
}

function wordsAfter(state: State, head: string): string[] {
  if (head === '/') return SLASHES.map(({ name }) => name);
  if (head === '/run') return agentsOf(state).map(({ name }) => name);
  if (['/approve', '/deny', '/answer'].includes(head)) return approvalsOf(state).map(({ id }) => short(id));
  if (['/pause', '/resume', '/cancel'].includes(head))
    return runsOf(state)
      .filter(({ endedAtMs }) => endedAtMs === null)
      .map(({ id }) => short(id));
  return [];
}

function commonStart(texts: readonly string[]): string {
  const [first = ''] = texts;
  let length = first.length;
  for (const text of texts) while (!text.startsWith(first.slice(0, length))) length -= 1;
  return first.slice(0, length);
}
