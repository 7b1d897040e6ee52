/**
 * The port to tools, whatever they come from: built-ins, MCP servers, later skills. Credentials never pass through here.
 */
import type { Json, JsonObject } from '../../kernel/canonical-json.ts';
import type { FailureClass } from '../../kernel/events.ts';
import type { OrgId, ProjectId, RunId } from '../../kernel/ids.ts';
import type { Label } from '../../kernel/labels.ts';
import type { EvidenceLevel, ToolManifestEntry } from '../../kernel/plan.ts';

export type ToolSpec = ToolManifestEntry & {
  outputSchema?: JsonObject;
  /** Whose credential it uses; empty for none. */
  realm: string;
  /** `builtin`, or `mcp:<server>`. */
  source: string;
  /** Where a server only hinted at something: shown to people, never trusted. */
  hints?: JsonObject;
};

export type ToolContext = {
  org: OrgId;
  project: ProjectId | null;
  run: RunId;
  agent: string;
  callId: string;
  /** The same at every repetition of this effect: what a receiver can recognise it by. */
  key: string;
  signal: AbortSignal;
  /** The effect must be over by then (milliseconds since the epoch). */
  deadlineMs: number;
  /** Absolute path of the project's checkout, null when the run has no project on this machine. */
  checkout: string | null;
  /** Hosts and CIDRs the agent may reach although they are private. */
  networkAllow: readonly string[];
  /** What to say of a path beyond the checkout: the active project, whose the path is, how to hand the work over (spec POL-4). */
  outside?: (path: string) => Promise<string>;
};

export type ToolOutcome =
  | {
      ok: true;
      /** Shown to the model. */
      text: string;
      structured?: Json;
      /** Beyond what the spec's `taints` already say. */
      labels?: readonly Label[];
      /** What this call proves, where it proves something (spec RUN-11). */
      evidence?: { level: EvidenceLevel; what: string };
    }
  /** `mayHaveHappened`: of a write, that its effect may be there although it failed (time-out, connection lost in mid-call). */
  | { ok: false; class: FailureClass; message: string; mayHaveHappened?: true };

export type Tool = {
  spec: ToolSpec;
  /** Input is already validated against the schema. Throws only for our own faults; a tool's failure is an outcome. */
  call(args: JsonObject, context: ToolContext): Promise<ToolOutcome>;
  /** For recovery `probe`: whether the effect with this key and these arguments is there. Reads only. */
  probe?(args: JsonObject, context: ToolContext): Promise<{ found: true; text: string } | { found: false } | { found: 'unknown'; why: string }>;
};

export type ToolFault = { tool: string; why: string };

export type Tools = {
  /** The named tools that can be used now; the others with the reason. `server.*` names all tools of a server. */
  resolve(org: OrgId, names: readonly string[]): Promise<{ tools: Tool[]; missing: ToolFault[] }>;
  /** Everything there is, for listings. */
  list(org: OrgId): Promise<{ specs: ToolSpec[]; faults: ToolFault[] }>;
  close(): Promise<void>;
};
