/** Tools of toolset `context` for the course of a session: looked around before, started, briefed, kept up, what it works on claimed, ended. */
import { inputRequired, inputResponse } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { canonicalJson, sha256Hex } from '../../kernel/canonical-json.ts';
import { isoTime } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { renderCount } from '../../kernel/page.ts';
import { data, dataBlock } from '../../kernel/say.ts';
import { identityOperations } from '../../platform/identity/contract.ts';
import type { BriefingView } from '../../work/briefing/contract.ts';
import { BriefingInput, briefingOperations } from '../../work/briefing/contract.ts';
import type { HandoffView, Proposal } from '../../work/handoffs/contract.ts';
import { HandoffParts, handoffOperations } from '../../work/handoffs/contract.ts';
import { projectOperations } from '../../work/projects/contract.ts';
import { ClaimRef, StartInput, sessionOperations, UpdateInput } from '../../work/sessions/contract.ts';
import type { SessionView } from '../../work/sessions/contract.ts';
import { contextTool, needed, remember, settled } from './context-tool.ts';
import type { McpCall, Tool } from './toolset.ts';
import { answer } from './toolset.ts';

const { budgetTokens: BudgetTokens, environment: Environment } = BriefingInput.shape;

export const SESSION_TOOLS: readonly Tool[] = [
  contextTool({
    name: 'preflight',
    title: 'Look around before a session',
    description:
      'Says whether a session can start here: whose key this is and what it may do, which project the repository belongs to, who is at work.',
    input: z.object({ repository: StartInput.shape.repository, project: StartInput.shape.project }),
    uses: [identityOperations.whoami, projectOperations.list, sessionOperations.list, briefingOperations.read],
    async run(place, call) {
      const self = await call.invoke(identityOperations.whoami, {});
      const mayWrite = self.permissions.includes('context.write');
      const found = await settled(() => call.invoke(briefingOperations.read, place));
      const lines = [
        `- Key of ${data(self.actor.name)}, ${self.role}: ${mayWrite ? 'it may start sessions' : 'it may **not** start sessions; it lacks the role member or the scope context'}`,
        ...('error' in found
          ? [`- No project: ${found.error.message} ${found.error.next ?? ''}`.trimEnd(), await projectsLine(call)]
          : [
              `- Project ${data(found.value.project.code)} (${data(found.value.project.name)})`,
              ...found.value.sources.filter(({ state }) => state !== 'ok').map(({ name, state }) => `- ${name}: ${state}`),
            ]),
      ];
      const live = 'error' in found ? null : await call.invoke(sessionOperations.list, { project: found.value.project.code, limit: 20 });
      const others = live === null ? [] : [`- At work there: ${renderCount(live.total)}`, ...live.items.map((each) => `  - ${sessionLine(each)}`)];
      const ready = mayWrite && !('error' in found);
      const head = ready ? 'Ready: call session_start.' : 'Not ready yet:';
      return answer([head, '', ...lines, ...others].join('\n'), {
        ...{ ready, mayWrite, self },
        project: 'error' in found ? null : found.value.project,
        live: live ?? null,
      });
    },
  }),
  contextTool({
    name: 'session_start',
    title: 'Start a session',
    description:
      'Starts your working session, or resumes it, and briefs you: call it first. Answers where you are, what was left, what is urgent and due, stop rules.',
    input: StartInput.omit({ metadata: true }).extend({ budgetTokens: BudgetTokens, environment: Environment }),
    uses: [sessionOperations.start, briefingOperations.read],
    idempotent: true,
    async run({ budgetTokens, environment, ...place }, call) {
      const started = await call.invoke(sessionOperations.start, place);
      const { session, outcome, warnings, closed, branchPrefix, nextHeartbeatAtMs } = started;
      remember(call, session.id);
      // a session without a briefing is better than none
      const briefed = await settled(() => call.invoke(briefingOperations.read, { session: session.id, budgetTokens, environment }));
      const lines = [
        `Session ${data(session.id)} ${outcome} in ${data(session.project)}. Tool calls here count as heartbeats; the next is due by ${isoTime(nextHeartbeatAtMs)}. Branches begin with ${data(branchPrefix, 200)}. End with session_end.`,
        ...warnings.map((warning) => `- Warning: ${data(warning, 300)}`),
        ...closed.map(({ id, reason }) => `- Ended by this start: ${data(id)}, ${reason}`),
      ];
      const briefing = 'error' in briefed ? `No briefing: ${briefed.error.message} The tool briefing tries again.` : briefed.value.markdown;
      return answer(`${lines.join('\n')}\n\n${briefing}`, {
        ...{ session, outcome, warnings, closed, branchPrefix, nextHeartbeatAtMs, nextHeartbeatInMs: started.nextHeartbeatInMs },
        briefing: 'error' in briefed ? null : brief(briefed.value),
      });
    },
  }),
  contextTool({
    name: 'session_update',
    title: 'Say what you work on',
    description: 'Keeps up what others see of your session: branch, commit, issue, what you work on. What is left out stays.',
    input: UpdateInput.omit({ id: true, metadata: true }),
    uses: [sessionOperations.update],
    async run(changes, call, session) {
      const updated = await call.invoke(sessionOperations.update, { ...changes, id: needed(session) });
      return answer(
        [`Kept: ${sessionLine(updated.session)}`, ...updated.warnings.map((each) => `- Warning: ${data(each, 300)}`)].join('\n'),
        updated,
      );
    },
  }),
  contextTool({
    name: 'session_end',
    title: 'End a session',
    description:
      'Ends your session with a handoff for the next one. Without `handoff` it only proposes one from what happened; mend it, show it to the person, call again with it.',
    input: z.object({
      handoff: HandoffParts.optional(),
      without: z
        .enum(['manual', 'error'])
        .optional()
        .meta({ description: 'Ends without a handoff, for this reason; only when there is nothing to hand over.' }),
    }),
    uses: [handoffOperations.propose, handoffOperations.write, sessionOperations.end],
    idempotent: true,
    async run({ handoff, without }, call, session) {
      const id = needed(session);
      if (handoff === undefined)
        return without === undefined ? proposed(await call.invoke(handoffOperations.propose, { id })) : endWithout(call, id, without);
      const asked = await confirm(call, id, handoff);
      if (asked.kind === 'ask') return asked.form;
      const written = await call.invoke(handoffOperations.write, { ...handoff, ...(asked.confirmed ? { confirmed: true } : {}), session: id });
      remember(call, null);
      const how = written.created ? (asked.confirmed ? 'confirmed by a person' : 'confirmed by nobody') : 'it was left before, and stays as it was';
      return answer(`The session ${data(id)} has ended. Handoff ${data(written.handoff.id)}: ${how}.`, written);
    },
  }),
  contextTool({
    name: 'briefing',
    title: 'Brief me',
    description:
      'Briefs you again, or on a project: where you are, what was left, urgent issues, alerts, who is at work, what is due, notes, documents.',
    input: BriefingInput.omit({ session: true, view: true }),
    uses: [briefingOperations.read],
    async run(input, call, session) {
      const here = input.project === undefined && input.repository === undefined && session !== null;
      const view = await call.invoke(briefingOperations.read, { ...input, ...(here ? { session } : {}) });
      return answer(view.markdown, brief(view));
    },
  }),
  contextTool({
    name: 'claim',
    title: 'Claim what you work on',
    description:
      'Claims an issue, file or track for your session, so that no other one takes it up, or releases it. Answers the fencing number for `under`.',
    input: ClaimRef.extend({ action: z.enum(['claim', 'release']).default('claim'), onHeld: z.enum(['warn', 'refuse', 'take']).default('warn') }),
    uses: [sessionOperations.claim, sessionOperations.release],
    async run({ action, onHeld, ...what }, call, session) {
      const id = needed(session);
      if (action === 'release') {
        const { released } = await call.invoke(sessionOperations.release, { ...what, id });
        return answer(released ? `Released ${what.kind} ${data(what.name)}.` : `You did not hold ${what.kind} ${data(what.name)}.`, { released });
      }
      const claimed = await call.invoke(sessionOperations.claim, { ...what, id, onHeld });
      const { granted, claim, warnings } = claimed;
      const said = granted
        ? `Yours: ${claim.kind} ${data(claim.name)} with fencing number ${claim.fence}, until ${isoTime(claim.expiresAtMs)} after your last heartbeat.`
        : `**Not yours**: ${claim.kind} ${data(claim.name)}.`;
      return answer([said, ...warnings.map((each) => `- ${data(each, 300)}`)].join('\n'), claimed);
    },
  }),
];

async function projectsLine({ invoke }: McpCall): Promise<string> {
  const { items, total } = await invoke(projectOperations.list, { limit: 20 });
  return `- Projects here, ${renderCount(total)}: ${items.map(({ code }) => data(code)).join(', ') || 'none'}`;
}

export function sessionLine(session: SessionView): string {
  const facts = [
    ...(session.branch === null ? [] : [`branch ${data(session.branch, 80)}`]),
    ...(session.issue === null ? [] : [`issue ${data(session.issue, 40)}`]),
    ...(session.workingOn === '' ? [] : [data(session.workingOn)]),
    ...session.claims.map(({ kind, name }) => `holds ${kind} ${data(name, 80)}`),
  ];
  return `${data(session.agent, 40)} on ${data(session.machine, 60)} (${data(session.id)})${facts.length === 0 ? '' : `: ${facts.join('; ')}`}`;
}

/** For clients that show a model only the structured content: the Markdown once, and what programs ask of it. */
function brief({ markdown, project, tokens, bytes, budgetTokens, parts, sources, faults }: BriefingView): Record<string, unknown> {
  const counts = parts.map(({ key, shown, total, cut, fault }) => ({ key, shown, total, cut, fault }));
  return { markdown, project, tokens, bytes, budgetTokens, parts: counts, troubled: sources.filter(({ state }) => state !== 'ok'), faults };
}

function proposed(proposal: Proposal) {
  const { commits, runs, pulls, notes, draft } = proposal;
  const told = Object.entries({ commits, 'pull requests': pulls, runs, notes }).map(([what, { total }]) => `- ${what}: ${renderCount(total)}`);
  const text = `Proposed from what happened; nothing is written yet:\n\n${told.join('\n')}\n\n${dataBlock(JSON.stringify(draft, null, 2))}\n\nAdd next steps and decisions, show it to the person, and call session_end with it as \`handoff\`.`;
  return answer(text, proposal);
}

async function endWithout(call: McpCall, id: string, reason: 'manual' | 'error') {
  const ended = await call.invoke(sessionOperations.end, { id, reason });
  remember(call, null);
  const handoff = ended.session.handoff === null ? 'It left no handoff.' : `Its handoff: ${data(ended.session.handoff)}.`;
  return answer(`The session ${data(id)} ${ended.changed ? 'has ended' : 'had ended already'}. ${handoff}`, ended);
}

const Confirmed = z.object({ write: z.enum(['yes', 'no']) });

/** A person confirms where the client has forms (spec SES-5). Refusing writes nothing; a form that nobody looked at loses no handoff. */
async function confirm(call: McpCall, session: string, handoff: z.output<typeof HandoffParts>) {
  if (!call.canElicit) return { kind: 'go', confirmed: false } as const;
  const key = `${session}.${sha256Hex(canonicalJson(handoff)).slice(0, 16)}`;
  const response = inputResponse(call.sdk.mcpReq.inputResponses, key);
  if (response.kind === 'missing') {
    const properties = { write: { type: 'string' as const, title: 'Write this handoff and end the session?', enum: ['yes', 'no'] } };
    const message = `Handoff of ${session}:\n\n${JSON.stringify(handoff, null, 2)}`;
    const form = inputRequired.elicit({ message, requestedSchema: { type: 'object', properties, required: ['write'] } });
    return { kind: 'ask', form: inputRequired({ inputRequests: { [key]: form } }) } as const;
  }
  if (response.kind === 'elicit' && response.action === 'accept') {
    if (Confirmed.safeParse(response.content).data?.write === 'yes') return { kind: 'go', confirmed: true } as const;
  } else if (response.kind === 'elicit' && response.action === 'cancel') return { kind: 'go', confirmed: false } as const;
  throw new AppError('denied', 'The person did not confirm the handoff: nothing was written, the session goes on.', {
    next: 'Ask what is wrong with it, mend it, and call session_end again.',
  });
}

export function handoffLine(handoff: HandoffView): string {
  const about = handoff.issue === null ? '' : `, issue ${data(handoff.issue, 40)}`;
  return `${data(handoff.id)} ${handoff.status.replace('_', ' ')}, ${handoff.priority}${about}, from ${data(handoff.from)} to ${data(handoff.to)}, ${isoTime(handoff.createdAtMs)}${handoff.queue === null ? '' : `, ${handoff.queue}`}: ${data(handoff.summary, 300)}`;
}
