/** The command palette: every page, agent and recent run, and what can be done anywhere, by a few letters. */
import { useEffect, useId, useMemo, useRef, useState } from 'react';
import { api } from '../state/api.ts';
import { shortId } from '../state/format.ts';
import { useCall } from '../state/query.ts';
import { go } from '../state/router.ts';

export type Command = { id: string; label: string; hint: string; run: () => void };

const SHOWN = 12;

/** All of the letters in order; those at the begin of a word count more. Null when they are not there. */
export function rank(label: string, typed: string): number | null {
  const [text, wanted] = [label.toLowerCase(), typed.toLowerCase().trim()];
  if (wanted === '') return 0;
  const whole = text.indexOf(wanted);
  if (whole >= 0) return 100 - whole + (whole === 0 || /\W/.test(text.charAt(whole - 1)) ? 50 : 0);
  let at = 0;
  for (const letter of wanted) {
    at = text.indexOf(letter, at) + 1;
    if (at === 0) return null;
  }
  return 10 - at / 100;
}

export function Palette({ commands, onClose }: { commands: readonly Command[]; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [typed, setTyped] = useState('');
  const [chosen, setChosen] = useState(0);
  const id = useId();
  const agents = useCall(api.agents.list, { limit: 200 }, { live: ['agent'] });
  const runs = useCall(api.runs.list, { limit: 30 }, { live: ['run'] });
  useEffect(() => dialog.current?.showModal(), []);
  const found = useMemo(() => {
    const all: Command[] = [
      ...commands,
      ...(agents.data?.items ?? []).map((agent) => ({ id: agent.id, label: agent.name, hint: 'agent', run: () => go(`/agents/${agent.name}`) })),
      ...(runs.data?.items ?? []).map((run) => ({
        id: run.id,
        label: `${run.agent} ${shortId(run.id)}`,
        hint: `run, ${run.status}`,
        run: () => go(`/runs/${run.id}`),
      })),
      ...(/^run_[0-9a-z]{26}$/.test(typed.trim()) ? [{ id: 'typed', label: typed.trim(), hint: 'run', run: () => go(`/runs/${typed.trim()}`) }] : []),
    ];
    return all
      .flatMap((command) => ((score) => (score === null ? [] : [{ command, score }]))(rank(`${command.label} ${command.hint}`, typed)))
      .toSorted((a, b) => b.score - a.score)
      .slice(0, SHOWN)
      .map(({ command }) => command);
  }, [commands, agents.data, runs.data, typed]);
  const take = (command: Command | undefined): void => {
    if (command === undefined) return;
    onClose();
    command.run();
  };
  const onKey = (event: React.KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0) setChosen((chosen + step + found.length) % Math.max(1, found.length));
    else if (event.key === 'Enter') take(found[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <dialog ref={dialog} className="palette" aria-label="Go to or do" onClose={onClose}>
      <input
        role="combobox"
        aria-expanded="true"
        aria-controls={id}
        aria-activedescendant={found[chosen] === undefined ? undefined : `${id}-${chosen}`}
        aria-label="Go to a page, agent or run, or do something"
        placeholder="Go to a page, agent or run…"
        autoFocus
        value={typed}
        onKeyDown={onKey}
        onChange={(event) => {
          setTyped(event.target.value);
          setChosen(0);
        }}
      />
      <ul id={id} role="listbox" aria-label="Found">
        {found.map((command, index) => (
          <li
            key={command.id}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === chosen}
            onMouseEnter={() => setChosen(index)}
            onClick={() => take(command)}
          >
            <span className="clip">{command.label}</span>
            <span className="muted small nowrap">{command.hint}</span>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className="state muted">Nothing has these letters.</p>}
    </dialog>
  );
}
