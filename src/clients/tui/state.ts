/** All that the screen knows. What changes it is in `update.ts`, what it looks like in `view.ts`. */
import type { z } from 'zod';
import type { Count } from '../../kernel/page.ts';
import type { ApprovalDetail, ApprovalView } from '../../platform/approvals/contract.ts';
import type { BudgetView } from '../../platform/budgets/contract.ts';
import type { identityOperations } from '../../platform/identity/contract.ts';
import type { EntryView, RunDetail, runOperations, RunSummary } from '../../runtime/runs/contract.ts';
import type { AgentView } from '../../work/agents/contract.ts';
import type { Line } from '../cli/terminal.ts';
import type { Key } from './keys.ts';
import type { Prompt } from './prompt.ts';
import { EMPTY_PROMPT } from './prompt.ts';

export type Listed<T> = { readonly items: readonly T[]; readonly total: Count };
/** A part of what was asked for, or why it is missing. */
export type Part<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };
export type Stats = z.output<typeof runOperations.stats.output>;
export type Me = z.output<typeof identityOperations.whoami.output>;

/** What the server said last. */
export type Snapshot = {
  readonly me: Part<Me>;
  /** Those that go on and then the newest that ended. */
  readonly runs: Part<Listed<RunSummary>>;
  readonly approvals: Part<Listed<ApprovalView>>;
  readonly stats: Part<Stats>;
  readonly agents: Part<Listed<AgentView>>;
  /** Null while nobody looks at them. */
  readonly budgets: Part<Listed<BudgetView>> | null;
};

export type Overlay =
  | { readonly kind: 'help' | 'config' | 'agents' | 'budgets'; readonly scroll: number }
  | { readonly kind: 'approvals'; readonly selected: string | null; readonly scroll: number }
  | { readonly kind: 'approval'; readonly id: string; readonly detail: ApprovalDetail | null; readonly scroll: number }
  | RunOverlay;

export type RunOverlay = {
  readonly kind: 'run';
  readonly id: string;
  readonly detail: RunDetail | null;
  /** One line for each entry, oldest first. */
  readonly entries: readonly Line[];
  /** Sequence number of the last entry read. */
  readonly lastSeq: number;
  /** Entries that are not shown because there are too many. */
  readonly skipped: number;
  readonly scroll: number;
  /** Stays at the newest entry. */
  readonly follow: boolean;
};

export type Link =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  | { readonly kind: 'away'; readonly sinceMs: number; readonly why: string };

export type Size = { readonly columns: number; readonly rows: number };

export type State = {
  readonly url: string;
  readonly version: string;
  readonly nowMs: number;
  readonly size: Size;
  readonly link: Link;
  readonly snapshot: Snapshot | null;
  /** Only runs with this text. */
  readonly search: string;
  /** Id of a run. */
  readonly selected: string | null;
  /** Errors and details in place of the runs where there is no room for both. */
  readonly side: boolean;
  readonly overlay: Overlay | null;
  readonly prompt: Prompt;
  /** The last word on what was asked for. */
  readonly said: { readonly ok: boolean; readonly text: string } | null;
  /** Commands that the server has not answered yet. */
  readonly pending: number;
};

export type Event =
  | { readonly type: 'key'; readonly key: Key }
  | { readonly type: 'size'; readonly size: Size }
  | { readonly type: 'tick'; readonly nowMs: number }
  | { readonly type: 'snapshot'; readonly snapshot: Snapshot; readonly nowMs: number; readonly url: string }
  | { readonly type: 'away'; readonly why: string; readonly nowMs: number }
  | { readonly type: 'run'; readonly detail: RunDetail; readonly entries: readonly EntryView[]; readonly skipped: number }
  | { readonly type: 'approval'; readonly detail: ApprovalDetail }
  | { readonly type: 'unread'; readonly why: string }
  /** What came of a call; `approval` names the question that it answered. */
  | { readonly type: 'answered'; readonly ok: boolean; readonly text: string; readonly approval: string | null };

/** What is asked of the server; each is carried out beside everything else. */
export type Call =
  | { readonly kind: 'pause' | 'resume' | 'cancel'; readonly run: string; readonly reason: string }
  | { readonly kind: 'answer'; readonly approval: string; readonly hash: string; readonly answer: ApprovalAnswer; readonly text: string }
  | { readonly kind: 'run'; readonly agent: string; readonly input: string };
export type ApprovalAnswer = 'approve' | 'deny' | 'answer' | 'done' | 'not_done';

/** What has to be done outside of the state. */
export type Effect =
  | { readonly kind: 'call'; readonly call: Call }
  | { readonly kind: 'refresh' | 'redraw' | 'suspend' | 'quit' }
  | { readonly kind: 'readRun'; readonly id: string; readonly after: number }
  | { readonly kind: 'readApproval'; readonly id: string };

export type Step = { readonly state: State; readonly effects: readonly Effect[] };

export function initialState(known: Pick<State, 'url' | 'version' | 'nowMs' | 'size'>): State {
  return {
    ...known,
    link: { kind: 'connecting' },
    snapshot: null,
    search: '',
    selected: null,
    side: false,
    overlay: null,
    prompt: EMPTY_PROMPT,
    said: null,
    pending: 0,
  };
}

export function runsOf({ snapshot }: State): readonly RunSummary[] {
  return snapshot?.runs.ok === true ? snapshot.runs.value.items : [];
}

export function approvalsOf({ snapshot }: State): readonly ApprovalView[] {
  return snapshot?.approvals.ok === true ? snapshot.approvals.value.items : [];
}

export function agentsOf({ snapshot }: State): readonly AgentView[] {
  return snapshot?.agents.ok === true ? snapshot.agents.value.items : [];
}

/** The run that is meant where none is named: the one that is open, else the selected one. */
export function runMeant(state: State): RunSummary | null {
  const id = state.overlay?.kind === 'run' ? state.overlay.id : state.selected;
  const open = state.overlay?.kind === 'run' ? state.overlay.detail : null;
  return runsOf(state).find((run) => run.id === id) ?? open;
}
