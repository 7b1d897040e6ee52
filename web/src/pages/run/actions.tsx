/** What can be done with a run as it is now: steer it while it lives, repeat and look into it when it has ended. */
import { useState } from 'react';
import { FINAL_STATUSES } from 'virtual:words';
import type { EntryView, RunDetail } from '../../../../src/runtime/runs/contract.ts';
import { Confirm, Dialog } from '../../parts/dialog.tsx';
import { Icon } from '../../parts/icon.tsx';
import { useAct } from '../../state/act.ts';
import type { AnswerOf } from '../../state/api.ts';
import { api } from '../../state/api.ts';
import { useCall } from '../../state/query.ts';
import { go } from '../../state/router.ts';
import { useMay } from '../../state/session.tsx';
import { Fork } from './fork.tsx';

type Open = 'cancel' | 'note' | 'fork' | 'compare' | null;
type Replayed = AnswerOf<typeof api.runs.replay>;

export function RunActions({ run, entries }: { run: RunDetail; entries: readonly EntryView[] }) {
  const { busy, run: act } = useAct();
  const may = useMay('runs.create');
  const [open, setOpen] = useState<Open>(null);
  const [replayed, setReplayed] = useState<Replayed | null>(null);
  const { id } = run;
  const topic = `run:${id}`;
  const ended = FINAL_STATUSES.includes(run.status);
  const close = (): void => setOpen(null);
  const signal = (call: typeof api.runs.pause) => void act(async () => (await call({ id })).message, topic, 'run');
  const made = (call: typeof api.runs.retry) =>
    void act(async () => {
      const next = await call({ id });
      go(`/runs/${next.id}`);
      return next.message;
    }, 'run');
  return (
    <>
      {may && !ended && (
        <>
          {run.status === 'paused' ? (
            <Action icon="play" label="Resume" busy={busy} onClick={() => signal(api.runs.resume)} />
          ) : (
            <Action icon="pause" label="Pause" busy={busy} onClick={() => signal(api.runs.pause)} />
          )}
          <Action icon="edit" label="Note" busy={busy} onClick={() => setOpen('note')} />
          <Action icon="stop" label="Cancel" danger busy={busy} onClick={() => setOpen('cancel')} />
        </>
      )}
      {may && ended && (
        <>
          {run.status !== 'succeeded' && <Action icon="retry" label="Retry" busy={busy} onClick={() => made(api.runs.retry)} />}
          <Action icon="play" label="Run again" busy={busy} onClick={() => made(api.runs.rerun)} />
        </>
      )}
      {may && <Action icon="fork" label="Fork" busy={busy} onClick={() => setOpen('fork')} />}
      <Action icon="runs" label="Replay" busy={busy} onClick={() => void act(async () => (setReplayed(await api.runs.replay({ id })), null))} />
      <Action icon="context" label="Compare" busy={busy} onClick={() => setOpen('compare')} />
      {ended && (
        <Action icon="more" label="Cassette" busy={busy} onClick={() => void act(async () => save(id, (await api.runs.cassette({ id })).script))} />
      )}
      {open === 'cancel' && (
        <Confirm
          title="Cancel this run"
          action="Cancel the run"
          danger
          ask={{ label: 'Why, for the record' }}
          onConfirm={(reason) => act(async () => (await api.runs.cancel({ id, reason })).message, topic, 'run')}
          onClose={close}
        >
          It stops within a second. What it has done stays done.
        </Confirm>
      )}
      {open === 'note' && (
        <Confirm
          title="A note to the agent"
          action="Send"
          ask={{ label: 'It reads this at its next step', required: true }}
          onConfirm={(text) => act(async () => (await api.runs.note({ id, text })).message, topic)}
          onClose={close}
        >
          Your words stand in the journal, with your name.
        </Confirm>
      )}
      {open === 'fork' && <Fork run={run} seq={entries.at(-1)?.seq ?? run.headSeq} onClose={close} />}
      {open === 'compare' && <Compare run={run} onClose={close} />}
      {replayed !== null && <Replay id={id} replayed={replayed} onClose={() => setReplayed(null)} />}
    </>
  );
}

type ActionProps = { icon: Parameters<typeof Icon>[0]['name']; label: string; busy: boolean; danger?: boolean; onClick: () => void };

function Action({ icon, label, busy, danger = false, onClick }: ActionProps) {
  return (
    <button type="button" className={danger ? 'button danger' : 'button'} disabled={busy} onClick={onClick}>
      <Icon name={icon} size={14} />
      {label}
    </button>
  );
}

/** The model's answers as a script that rehearsal plays: JSON, which is YAML. */
function save(id: string, script: unknown): string {
  const url = URL.createObjectURL(new Blob([JSON.stringify(script, null, 2)], { type: 'application/yaml' }));
  const link = Object.assign(document.createElement('a'), { href: url, download: `${id}.rehearsal.yaml` });
  link.click();
  URL.revokeObjectURL(url);
  return 'Saved as a cassette: put it into rehearsals/NAME/rehearsal.yaml of the home folder and name the model rehearsal/NAME.';
}

function Replay({ id, replayed, onClose }: { id: string; replayed: Replayed; onClose: () => void }) {
  const { diverged } = replayed;
  return (
    <Dialog
      title={diverged === null ? 'Replayed, all the same' : 'Replayed, and it diverges'}
      onClose={onClose}
      buttons={
        <button type="button" className="button" onClick={onClose}>
          Close
        </button>
      }
    >
      <p>{replayed.message}</p>
      {diverged !== null && (
        <div className="diff">
          <pre className="gone">{diverged.expected}</pre>
          <pre className="came">{diverged.found}</pre>
          <a href={`/runs/${id}?all=true&step=${diverged.seq}`} onClick={onClose}>
            Entry {diverged.seq}
          </a>
        </div>
      )}
      <p className="muted small">Nothing was written and nothing was spent: the recorded results were used.</p>
    </Dialog>
  );
}

function Compare({ run, onClose }: { run: RunDetail; onClose: () => void }) {
  const others = useCall(api.runs.list, { agent: run.agent, limit: 50 });
  const [other, setOther] = useState(run.origin?.run ?? '');
  const choices = (others.data?.items ?? []).filter(({ id }) => id !== run.id);
  return (
    <Dialog
      title="Compare with another run"
      onClose={onClose}
      buttons={
        <button type="button" className="button main" disabled={other === ''} onClick={() => (onClose(), go(`/runs/${run.id}/compare/${other}`))}>
          Compare
        </button>
      }
    >
      <div className="field">
        <label htmlFor="other">Another run of {run.agent}</label>
        <select id="other" className="select" value={other} onChange={(event) => setOther(event.target.value)}>
          <option value="">Choose one</option>
          {choices.map((each) => (
            <option key={each.id} value={each.id}>
              {new Date(each.createdAtMs).toLocaleString()} · {each.status} · {each.id.slice(-6)}
            </option>
          ))}
        </select>
      </div>
    </Dialog>
  );
}
