/** Dialogs that take an amount: a new budget, another limit, more for a while. Money is typed in dollars. */
import type { ReactNode } from 'react';
import { useId, useState } from 'react';
import type { BudgetPeriod, BudgetScope, BudgetUnit, BudgetView } from '../../../../src/platform/budgets/contract.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { useAct } from '../../state/act.ts';
import { api } from '../../state/api.ts';
import { amount, amountOf, typedOf, unitWord } from './frame.tsx';

type FormProps = {
  title: string;
  action: string;
  unit: BudgetUnit;
  label: string;
  start?: string;
  reason?: string;
  children?: ReactNode;
  send: (amount: number, reason: string) => Promise<string>;
  onClose: () => void;
};

function AmountDialog({ title, action, unit, label, start = '', reason, children, send, onClose }: FormProps) {
  const [typed, setTyped] = useState(start);
  const [why, setWhy] = useState('');
  const { busy, run } = useAct();
  const id = useId();
  const value = amountOf(typed, unit);
  const go = async (): Promise<void> => {
    if (value !== null && (await run(() => send(value, why.trim()), 'budget'))) onClose();
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      buttons={
        <>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="button" className="button main" disabled={busy || value === null} onClick={() => void go()}>
            {action}
          </button>
        </>
      }
    >
      {children}
      <div className="field">
        <label htmlFor={id}>
          {label} ({unitWord(unit)})
        </label>
        <input id={id} className="input number" inputMode="decimal" value={typed} onChange={(event) => setTyped(event.target.value)} />
      </div>
      {reason !== undefined && (
        <div className="field">
          <label htmlFor={`${id}-why`}>{reason}</label>
          <textarea id={`${id}-why`} className="area" rows={2} value={why} onChange={(event) => setWhy(event.target.value)} />
        </div>
      )}
    </Dialog>
  );
}

/** Asks for more, or grants it at once where one may. */
export function Ask({ budget, grants, onClose }: { budget: BudgetView; grants: boolean; onClose: () => void }) {
  return (
    <AmountDialog
      title={grants ? 'Grant more' : 'Ask for more'}
      action={grants ? 'Grant it' : 'Ask'}
      unit={budget.unit}
      label="How much more"
      reason="Why"
      send={async (more, reason) => {
        const asked = { id: budget.id, amount: more, ...(reason === '' ? {} : { reason }) };
        if (grants) await api.budgets.grant(asked);
        else await api.budgets.request(asked);
        return grants ? 'Granted: runs that wait for it go on.' : 'Asked. Who may raise budgets sees it on Home.';
      }}
      onClose={onClose}
    >
      <p className="muted">
        {amount(budget.left, budget.unit)} of {amount(budget.limit + budget.granted, budget.unit)} are left. What is granted lasts until the budget
        resets, or for 7 days where it never does.
      </p>
    </AmountDialog>
  );
}

export function Change({ budget, onClose }: { budget: BudgetView; onClose: () => void }) {
  return (
    <AmountDialog
      title="Change the limit"
      action="Change it"
      unit={budget.unit}
      label="Limit"
      start={typedOf(budget.limit, budget.unit)}
      send={async (limit) => {
        await api.budgets.change({ id: budget.id, limit });
        return 'Changed.';
      }}
      onClose={onClose}
    />
  );
}

const SCOPES = ['org', 'project', 'agent', 'key', 'run'] as const satisfies readonly BudgetScope[];
const UNITS = ['micro_usd', 'tokens', 'calls', 'runs'] as const satisfies readonly BudgetUnit[];
const PERIODS = ['day', 'week', 'month', 'five_hours', 'run', 'total'] as const satisfies readonly BudgetPeriod[];
const SCOPE_WORDS = { org: 'everything', project: 'a project', agent: 'an agent', key: 'a key', run: 'a run and what it started' } as const;

/** `agent` is filled in where one came from its page. */
export function NewBudget({ agent, onClose }: { agent: string | null; onClose: () => void }) {
  const [scope, setScope] = useState<BudgetScope>(agent === null ? 'org' : 'agent');
  const [subject, setSubject] = useState(agent ?? '');
  const [unit, setUnit] = useState<BudgetUnit>('micro_usd');
  const [period, setPeriod] = useState<BudgetPeriod>('month');
  const id = useId();
  return (
    <AmountDialog
      title="New budget"
      action="Set it"
      unit={unit}
      label="Limit"
      send={async (limit) => {
        await api.budgets.set({ scope, unit, period, limit, ...(scope === 'org' ? {} : { subject: subject.trim() }) });
        return 'Set: what would go over it is refused.';
      }}
      onClose={onClose}
    >
      <Choice id={`${id}-scope`} label="Holds" value={scope} choices={SCOPES} say={(each) => SCOPE_WORDS[each]} onChange={setScope} />
      {scope !== 'org' && (
        <div className="field">
          <label htmlFor={`${id}-subject`}>Which {scope}</label>
          <input id={`${id}-subject`} className="input" value={subject} onChange={(event) => setSubject(event.target.value)} />
          <div className="hint">{scope === 'project' ? 'Its code.' : scope === 'agent' ? 'Its name.' : 'Its id.'}</div>
        </div>
      )}
      <Choice id={`${id}-unit`} label="Counts" value={unit} choices={UNITS} say={unitWord} onChange={setUnit} />
      <Choice id={`${id}-period`} label="For each" value={period} choices={PERIODS} say={(each) => each.replace('_', ' ')} onChange={setPeriod} />
    </AmountDialog>
  );
}

type ChoiceProps<T extends string> = {
  id: string;
  label: string;
  value: T;
  choices: readonly T[];
  say: (value: T) => string;
  onChange: (value: T) => void;
};

function Choice<T extends string>({ id, label, value, choices, say, onChange }: ChoiceProps<T>) {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} className="select" value={value} onChange={(event) => onChange(event.target.value as T)}>
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {say(choice)}
          </option>
        ))}
      </select>
    </div>
  );
}
