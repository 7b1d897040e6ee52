/**
 * What driving a run needs from outside, as ports: `main.ts` fills them in, tests and the simulation with models of them.
 */
import type { JsonObject } from '../../kernel/canonical-json.ts';
import type { By, EventOf, FailureClass } from '../../kernel/events.ts';
import type { AgentId, Ids, OrgId, RunId } from '../../kernel/ids.ts';
import type { Label } from '../../kernel/labels.ts';
import type { RunLimits, RunPlan, ToolManifestEntry } from '../../kernel/plan.ts';
import type { Log } from '../../platform/telemetry/log.ts';
import type { KeptReplies } from '../models/kept-replies.ts';
import type { Models } from '../models/model.ts';
import type { Tool, ToolContext, Tools } from '../tools/tool.ts';
import type { WriteDeps } from './held-run.ts';
import type { PastRun, Rules } from './rules.ts';
import type { NewRun, RunRow, RunStore, StoreTx } from './store-port.ts';

/** What commits together with a run's end. */
export type EndedRun = { row: RunRow; ended: EventOf<'run.ended'> };

export type ChildRequest = {
  id: RunId;
  parent: RunRow;
  /** Who started the parent: the child is that person's as well. */
  by: By;
  callId: string;
  agent: string;
  input: JsonObject;
  allotment: RunLimits;
  depth: number;
  labels: readonly Label[];
};

export type DrivePorts = {
  /** In the commit of `run.ended`: the agent's failure count, notices. A throw refuses the end. */
  onEnded(tx: StoreTx, ended: EndedRun): Promise<void>;
  approvals: {
    /** In the commit of `approval.asked`: the row that people see and answer. */
    ask(tx: StoreTx, question: { row: RunRow; asked: EventOf<'approval.asked'> }): Promise<void>;
  };
  children: {
    /** Agents as tools, for the manifest; those that cannot be called now are left out with the reason. */
    manifest(org: OrgId, names: readonly string[]): Promise<{ entries: ToolManifestEntry[]; missing: { tool: string; why: string }[] }>;
    /** The child's run, not stored yet, or why there can be none. */
    prepare(request: ChildRequest): Promise<{ ok: true; run: NewRun } | { ok: false; class: FailureClass; message: string }>;
  };
  /** A command of a plan as a tool: called with `{argv}`, without a shell, in the run's checkout (spec AGT-7). */
  command(command: Extract<RunPlan, { kind: 'command' }>['commands'][number]): Tool;
  /** Where the run's tools work. */
  surroundings(row: RunRow): Promise<Pick<ToolContext, 'checkout' | 'networkAllow' | 'outside'>>;
  artefacts: { putTranscript(org: OrgId, run: RunId, markdown: string): Promise<void> };
  /** Once the end has committed: tidies up what the run had of its own. Not awaited; a failure harms nothing. */
  leave(row: RunRow): Promise<void>;
  /** The agent's latest successful runs, newest first: what the estimate of a run's end is made of (spec HAR-10). */
  history(org: OrgId, agent: AgentId): Promise<readonly PastRun[]>;
  previews: {
    /** Text being generated, whole so far. Never journal: it may be lost. */
    show(org: OrgId, run: RunId, preview: { turn: number; text: string }): Promise<void>;
    clear(org: OrgId, run: RunId): Promise<void>;
  };
};

export type DriveDeps = WriteDeps &
  DrivePorts & {
    store: Pick<RunStore, 'append' | 'readInbox' | 'readEntries' | 'getRun' | 'release' | 'putInbox' | 'createRun'>;
    models: Models;
    /** Replies that are given again to agents that ask for it; none are without it. */
    replies?: KeptReplies;
    tools: Tools;
    rules: Omit<Rules, 'history' | 'openUntilMs'>;
    ids: Ids;
    log: Log;
  };
