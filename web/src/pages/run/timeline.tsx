/** The steps of a run, one line each, and the chosen one whole beside it. 5,000 of them scroll as smoothly as 50. */
import { useEffect, useMemo, useState } from 'react';
import { FINAL_STATUSES } from 'virtual:words';
import type { RunDetail } from '../../../../src/runtime/runs/contract.ts';
import { Icon } from '../../parts/icon.tsx';
import { Failed, Loading, Notice } from '../../parts/states.tsx';
import { Virtual } from '../../parts/virtual.tsx';
import { clockTime, duration, number } from '../../state/format.ts';
import type { Journal } from '../../state/journal.ts';
import { JOURNAL_MAX } from '../../state/journal.ts';
import { useShortcuts } from '../../state/keys.ts';
import { useParams } from '../../state/router.ts';
import { useMay } from '../../state/session.tsx';
import { Fork } from './fork.tsx';
import { StepDetail } from './step-detail.tsx';
import type { Step } from './steps.ts';
import { stepOf } from './steps.ts';

/** High enough for a finger where there is one. */
const ROW_PX = matchMedia('(pointer: coarse), (max-width: 640px)').matches ? 44 : 40;

export function Timeline({ run, journal }: { run: RunDetail; journal: Journal }) {
  const [params, setParams] = useParams();
  const [find, setFind] = useState('');
  const [forkAt, setForkAt] = useState<number | null>(null);
  const mayFork = useMay('runs.create');
  const all = params.get('all') === 'true';
  const steps = useMemo(() => journal.entries.map(stepOf), [journal.entries]);
  const shown = useMemo(() => {
    const wanted = find.trim().toLowerCase();
    return steps.filter((step) => (all || !step.minor) && (wanted === '' || `${step.title} ${step.about}`.toLowerCase().includes(wanted)));
  }, [steps, all, find]);
  const seq = Number(params.get('step')) || null;
  const index = seq === null ? -1 : shown.findIndex((step) => step.seq === seq);
  const chosen = seq === null ? null : (steps.find((step) => step.seq === seq) ?? null);
  const choose = (step: Step | undefined): void => {
    if (step !== undefined) setParams({ step: String(step.seq) });
  };
  useShortcuts([
    { keys: 'j', does: 'Next step', run: () => choose(shown[index + 1]) },
    { keys: 'k', does: 'Step before', run: () => choose(shown[Math.max(0, index - 1)]) },
    ...(mayFork ? [{ keys: 'f', does: 'Fork from the chosen step', run: () => setForkAt(chosen?.seq ?? journal.entries.at(-1)?.seq ?? 1) }] : []),
  ]);
  if (journal.entries.length === 0) {
    if (journal.problem !== null) return <Failed what="The journal" problem={journal.problem} retry={journal.reload} />;
    if (journal.loading) return <Loading what="the steps" />;
  }
  return (
    <>
      <div className="filters">
        <input
          className="input"
          type="search"
          aria-label="Find in the steps"
          placeholder="Find in the steps"
          value={find}
          onChange={(event) => setFind(event.target.value)}
        />
        <label className="check">
          <input type="checkbox" checked={all} onChange={(event) => setParams({ all: event.target.checked ? 'true' : null })} /> All entries
        </label>
        <span className="muted small number" role="status">
          {number(shown.length)} of {number(journal.total)} {journal.loading && '(still reading)'}
        </span>
      </div>
      {journal.problem !== null && <Notice>The newest entries could not be read: {journal.problem.detail}</Notice>}
      {journal.entries.length >= JOURNAL_MAX && <Notice>The first {number(JOURNAL_MAX)} entries are shown; the rest is in the API by cursor.</Notice>}
      <div className={chosen === null ? 'timeline' : 'timeline split'}>
        <div className="card flush">
          <Virtual
            items={shown}
            rowHeight={ROW_PX}
            label="Steps"
            keyOf={(step) => String(step.seq)}
            showIndex={index < 0 ? null : index}
            follow={!FINAL_STATUSES.includes(run.status)}
            render={(step) => <Row step={step} chosen={step.seq === seq} onChoose={() => choose(step)} />}
          />
        </div>
        {chosen !== null && (
          <div className="chosen">
            <Close onClose={() => setParams({ step: null })} />
            <StepDetail key={chosen.seq} run={run.id} step={chosen} entries={journal.entries} onFork={mayFork ? () => setForkAt(chosen.seq) : null} />
          </div>
        )}
      </div>
      {forkAt !== null && <Fork run={run} seq={forkAt} onClose={() => setForkAt(null)} />}
    </>
  );
}

function Close({ onClose }: { onClose: () => void }) {
  useEffect(() => {
    const on = (event: KeyboardEvent): void => {
      if (event.key === 'Escape' && document.querySelector('dialog[open]') === null) onClose();
    };
    document.addEventListener('keydown', on);
    return () => document.removeEventListener('keydown', on);
  });
  return (
    <button type="button" className="button plain icon close" aria-label="Close the step" onClick={onClose}>
      <Icon name="close" />
    </button>
  );
}

function Row({ step, chosen, onChoose }: { step: Step; chosen: boolean; onChoose: () => void }) {
  return (
    <button type="button" className={`step ${step.tone}`} aria-pressed={chosen} onClick={onChoose}>
      <span className="at muted number">{clockTime(step.atMs)}</span>
      <Icon name={step.icon} />
      <span className="title nowrap">{step.title}</span>
      <span className="about clip muted">{step.about}</span>
      <span className="took muted number nowrap">
        {step.ms !== null && duration(step.ms)} {step.cost}
      </span>
    </button>
  );
}
