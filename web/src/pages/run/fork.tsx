/** A fork: the same run up to an entry, and from there with other instructions or another model. */
import { useState } from 'react';
import type { RunDetail } from '../../../../src/runtime/runs/contract.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Differences } from '../../parts/json.tsx';
import { useAct } from '../../state/act.ts';
import { api } from '../../state/api.ts';
import { useCall } from '../../state/query.ts';
import { go } from '../../state/router.ts';

export function Fork({ run, seq, onClose }: { run: RunDetail; seq: number; onClose: () => void }) {
  const { busy, run: act } = useAct();
  const [at, setAt] = useState(String(seq));
  const [typed, setTyped] = useState<string | null>(null);
  const [model, setModel] = useState('');
  const version = useCall(api.agents.version, { name: run.agent, version: run.version });
  const before = version.data?.definition.instructions ?? '';
  const instructions = typed ?? before;
  const keep = Number(at);
  const whole = Number.isInteger(keep) && keep > 0 && keep <= run.headSeq;
  const fork = (): Promise<boolean> =>
    act(async () => {
      const made = await api.runs.fork({
        id: run.id,
        seq: keep,
        ...(instructions === before ? {} : { instructions }),
        ...(model.trim() === '' ? {} : { model: model.trim() }),
      });
      onClose();
      go(`/runs/${made.id}`);
      return made.message;
    }, 'run');
  return (
    <Dialog
      title={`Fork ${run.agent}`}
      onClose={onClose}
      buttons={
        <>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="button" className="button main" disabled={busy || !whole} onClick={() => void fork()}>
            Fork
          </button>
        </>
      }
    >
      <p className="muted">A new run with what was done up to that entry; nothing of it is done again. This one stays as it is.</p>
      <div className="field">
        <label htmlFor="fork-seq">Keep up to entry (1 to {run.headSeq})</label>
        <input
          id="fork-seq"
          className="input number"
          type="number"
          min={1}
          max={run.headSeq}
          value={at}
          aria-invalid={!whole}
          onChange={(event) => setAt(event.target.value)}
        />
      </div>
      <div className="field">
        <label htmlFor="fork-words">Instructions</label>
        <textarea
          id="fork-words"
          className="area"
          rows={8}
          value={instructions}
          disabled={version.data === undefined && version.loading}
          onChange={(event) => setTyped(event.target.value)}
        />
      </div>
      {instructions !== before && <Differences list={[{ path: 'instructions', before, after: instructions }]} />}
      <div className="field">
        <label htmlFor="fork-model">Model</label>
        <input
          id="fork-model"
          className="input"
          placeholder={version.data?.definition.model ?? 'as before'}
          value={model}
          onChange={(event) => setModel(event.target.value)}
        />
      </div>
    </Dialog>
  );
}
