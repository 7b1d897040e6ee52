/**
 * When an agent stops instead of going on, and how it says so: the words for everything that instructs one (spec HAR-8, LCH-7).
 * Who counts is elsewhere: the runtime for runs, the hooks of the launcher for coding CLIs.
 */
import { z } from 'zod';
import type { Said } from './say.ts';

export const STOP_LIMITS = {
  /** The same error, from different attempts. */
  sameErrors: 3,
  /** The same call with the same arguments. */
  sameCalls: 3,
  /** Calls refused as belonging to another project. */
  refusedAsForeign: 2,
  /** On one problem, without a success in between. */
  blockedMs: 30 * 60_000,
} as const;

/** The form of three parts in which an agent says that it stops. */
export const EscalationForm = z.object({ blocked: z.string(), tried: z.string(), need: z.string() });
export type EscalationForm = z.infer<typeof EscalationForm>;

export function escalationText({ blocked, tried, need }: EscalationForm): string {
  return `BLOCKED: ${blocked}\nTRIED: ${tried}\nNEED: ${need}`;
}

/** Markdown without a heading, for instruction files and for the answer to the start of a session. */
export const STOP_RULES = `Stop, instead of trying on, when one of these is so:

- the same error has come ${STOP_LIMITS.sameErrors} times from different attempts;
- the same call with the same arguments has been made ${STOP_LIMITS.sameCalls} times;
- a credential is missing, or the environment has no network that the task needs;
- ${STOP_LIMITS.blockedMs / 60_000} minutes have gone into one problem without progress;
- a call was refused as belonging to another project for the second time.

Then say exactly this, three lines and nothing invented, and wait for a person:

    BLOCKED: what stops you, in one sentence.
    TRIED: what you tried and what came of it, each attempt by name.
    NEED: the one decision, credential or environment that would let you go on.` as Said;

/** Markdown without a heading: whose repository, secrets and documents may be touched (spec POL-4). */
export const BOUNDARY_RULE =
  `You work on the project of this repository and on nothing else. Do not read or change other projects' repositories, secrets or
documents, here or through tools. What belongs to another project is left to it as a handoff: \`handoff\` with \`to\` set to its code.` as Said;
