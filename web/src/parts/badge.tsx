/** States as a word with a colour, never as a colour alone. */
import type { RunStatus } from '../../../src/kernel/run-status.ts';
import type { AgentView } from '../../../src/work/agents/contract.ts';

export type Tone = 'plain' | 'good' | 'busy' | 'wait' | 'bad';

export function Badge({ tone = 'plain', children }: { tone?: Tone; children: string }) {
  return (
    <span className={`badge ${tone}`}>
      {tone !== 'plain' && <i />}
      {children}
    </span>
  );
}

const RUN_TONES: Readonly<Record<RunStatus, Tone>> = {
  queued: 'plain',
  running: 'busy',
  paused: 'wait',
  waiting: 'wait',
  succeeded: 'good',
  failed: 'bad',
  halted: 'bad',
  limited: 'wait',
  budget_exhausted: 'wait',
  cancelled: 'plain',
  skipped: 'plain',
  missed: 'wait',
};

/** `waiting for approval` says more than `waiting`. */
export function RunBadge({ status, waitingFor = null }: { status: RunStatus; waitingFor?: string | null }) {
  const text = status === 'waiting' && waitingFor !== null ? `waiting: ${waitingFor.replaceAll('_', ' ')}` : status.replaceAll('_', ' ');
  return <Badge tone={RUN_TONES[status]}>{text}</Badge>;
}

const AGENT_TONES = { active: 'good', paused: 'wait', error: 'bad', archived: 'plain' } as const;

export function AgentBadge({ state }: { state: AgentView['state'] }) {
  return <Badge tone={AGENT_TONES[state]}>{state}</Badge>;
}
