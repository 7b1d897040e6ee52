/**
 * What `next(fold(journal))` can ask for: the whole interface between the pure core and the interpreter that carries it out.
 */
import type { JsonObject } from '../../kernel/canonical-json.ts';
import type { EventOf, RunEvent } from '../../kernel/events.ts';
import type { Message } from '../../kernel/messages.ts';
import type { RunLimits, ToolManifestEntry } from '../../kernel/plan.ts';
import type { WaitingFor } from '../../kernel/run-status.ts';
import type { ToolDeclaration } from '../models/model.ts';

/** A tool call that may be carried out now. `intent` is complete but for the deadline, which counts from the act. */
export type PlannedCall = {
  callId: string;
  tool: ToolManifestEntry;
  args: JsonObject;
  intent: Omit<EventOf<'tool.intended'>, 'deadlineMs'>;
};

/** An effect that was intended under an earlier lease and has no outcome (spec RUN-4). */
export type OpenEffect = { callId: string; intent: EventOf<'tool.intended'>; how: 'repeat' | 'probe'; notBeforeMs: number };

export type Action =
  /** First lease of the run: resolve its tools and models, journal `run.started`. */
  | { do: 'begin' }
  /** Nothing outside happens: append these (a denial, a fallback, an expired approval, a tripped rule, an interrupted model call, a phase). */
  | { do: 'record'; events: readonly RunEvent[] }
  /** A turn, or a summary of older messages (`intended.summarises`): carried out alike. */
  | {
      do: 'call_model';
      intended: EventOf<'model.intended'>;
      assembled: EventOf<'context.assembled'>;
      request: {
        instructions: string;
        messages: readonly Message[];
        tools: readonly ToolDeclaration[];
        outputSchema: JsonObject | null;
        temperature: number | null;
      };
    }
  /** Reads of one turn, side by side; or exactly one write. */
  | { do: 'call_tools'; calls: readonly PlannedCall[]; parallel: boolean }
  | { do: 'recover'; effect: OpenEffect }
  | { do: 'start_child'; callId: string; agent: string; input: JsonObject; allotment: RunLimits; depth: number }
  /** Journal `approval.asked`, make its row; then the run waits. `deadlineMs` of the event counts from now. */
  | { do: 'ask'; asked: Omit<EventOf<'approval.asked'>, 'approvalId'> }
  /** `release` false: so short that the worker sleeps until then in place and journals nothing. */
  | { do: 'wait'; for: WaitingFor | 'pause'; untilMs: number | null; reason: string; release: boolean }
  /** The wait the journal ends with is over: journal `run.resumed`, then ask again. A takeover's `run.resumed` is the interpreter's own. */
  | { do: 'resume'; after: 'wait' | 'pause' }
  | { do: 'end'; ended: EventOf<'run.ended'> };
