/** Starting a run by hand: a form made from the agent's input schema, or plain JSON where it has none. */
import { useState } from 'react';
import type { Fault } from '../../../../src/kernel/errors.ts';
import type { AgentDetail } from '../../../../src/work/agents/contract.ts';
import { Dialog } from '../../parts/dialog.tsx';
import type { FormValue } from '../../parts/form.tsx';
import { SchemaForm } from '../../parts/form.tsx';
import type { Schema } from '../../parts/schema.ts';
import { faultsOf } from '../../parts/schema.ts';
import { useAct } from '../../state/act.ts';
import { api, asProblem } from '../../state/api.ts';
import { useCall } from '../../state/query.ts';
import { go } from '../../state/router.ts';
import { useMay } from '../../state/session.tsx';

type Priority = 'low' | 'normal' | 'high';

export function RunNow({ agent, onClose }: { agent: AgentDetail; onClose: () => void }) {
  const schema = (agent.definition.input ?? null) as Schema | null;
  const [value, setValue] = useState<FormValue>(() => defaultsOf(schema));
  const [project, setProject] = useState('');
  const [priority, setPriority] = useState<Priority>('normal');
  const [faults, setFaults] = useState<readonly Fault[]>([]);
  const { busy, run } = useAct();
  const projects = useCall(api.projects.list, useMay('projects.read') ? { limit: 200 } : null);
  const start = (): Promise<boolean> => {
    const found = schema === null ? [] : faultsOf(schema, value);
    setFaults(found);
    if (found.length > 0) return Promise.resolve(false);
    return run(async () => {
      try {
        const made = await api.agents.run({
          name: agent.name,
          input: (schema === null ? (value['input'] ?? {}) : value) as never,
          priority,
          ...(project === '' ? {} : { project }),
        });
        onClose();
        go(`/runs/${made.id}`);
        return made.message;
      } catch (error) {
        setFaults(asProblem(error).faults.map((fault) => ({ ...fault, path: fault.path.replace(/^input\.?/, '') })));
        throw error;
      }
    }, 'run');
  };
  return (
    <Dialog
      title={`Run ${agent.name}`}
      onClose={onClose}
      buttons={
        <>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="button" className="button main" disabled={busy} onClick={() => void start()}>
            Run
          </button>
        </>
      }
    >
      <SchemaForm schema={schema?.properties === undefined ? ANY_INPUT : schema} value={value} onChange={setValue} faults={faults} />
      {faults
        .filter((fault) => fault.path === '')
        .map((fault) => (
          <p key={fault.message} className="fault">
            {fault.message}
          </p>
        ))}
      {(projects.data?.items.length ?? 0) > 0 && (
        <div className="field">
          <label htmlFor="run-project">Project</label>
          <select id="run-project" className="select" value={project} onChange={(event) => setProject(event.target.value)}>
            <option value="">None</option>
            {projects.data?.items.map((each) => (
              <option key={each.id} value={each.code}>
                {each.code}
              </option>
            ))}
          </select>
        </div>
      )}
      <div className="field">
        <label htmlFor="run-priority">Priority</label>
        <select id="run-priority" className="select" value={priority} onChange={(event) => setPriority(event.target.value as Priority)}>
          <option>low</option>
          <option>normal</option>
          <option>high</option>
        </select>
      </div>
    </Dialog>
  );
}

const ANY_INPUT: Schema = { type: 'object', properties: { input: { description: 'What to work on, as JSON; {} when there is nothing to say.' } } };

function defaultsOf(schema: Schema | null): FormValue {
  const given = Object.entries(schema?.properties ?? {}).flatMap(([name, each]) =>
    each.default === undefined ? [] : [[name, each.default] as const],
  );
  return Object.fromEntries(given);
}
