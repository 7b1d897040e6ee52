/** The definition of an agent as a form or as JSON, checked, and shown as a difference before it is saved. */
import { useEffect, useState } from 'react';
import type { Fault } from '../../../../src/kernel/errors.ts';
import type { AgentDetail } from '../../../../src/work/agents/contract.ts';
import { Dialog } from '../../parts/dialog.tsx';
import type { FormValue } from '../../parts/form.tsx';
import { SchemaForm } from '../../parts/form.tsx';
import { Differences } from '../../parts/json.tsx';
import { Card } from '../../parts/page.tsx';
import type { Schema } from '../../parts/schema.ts';
import { faultsOf } from '../../parts/schema.ts';
import { Loading, Notice } from '../../parts/states.tsx';
import { useAct } from '../../state/act.ts';
import { api, asProblem } from '../../state/api.ts';
import { go } from '../../state/router.ts';
import { differencesOf } from './difference.ts';

type Definition = Parameters<typeof api.agents.create>[0];
type Props = {
  /** Null for an agent that is not there yet. */
  agent: AgentDetail | null;
  start: FormValue;
};

export function Editor({ agent, start }: Props) {
  const [schema, setSchema] = useState<Schema | null>(null);
  const [value, setValue] = useState<FormValue>(start);
  const [faults, setFaults] = useState<readonly Fault[]>([]);
  const [asJson, setAsJson] = useState(false);
  const [reviewing, setReviewing] = useState(false);
  const { busy, run } = useAct();
  useEffect(() => {
    void import('virtual:schemas').then(({ default: schemas }) => setSchema((schemas['agents']?.['create'] ?? {}) as Schema));
  }, []);
  if (schema === null) return <Loading what="the form" />;
  const differences = differencesOf(start, value);
  const review = (): void => {
    const found = faultsOf(schema, value);
    setFaults(found);
    if (found.length === 0) setReviewing(true);
  };
  const save = (): Promise<boolean> =>
    run(async () => {
      try {
        const definition = value as unknown as Definition;
        const saved =
          agent === null
            ? await api.agents.create(definition)
            : await api.agents.update({ ...definition, name: agent.name, baseVersion: agent.version });
        go(`/agents/${saved.name}`);
        return agent === null ? `${saved.name} is there.` : `Saved as version ${saved.version}.`;
      } catch (error) {
        setReviewing(false);
        setFaults(asProblem(error).faults);
        throw error;
      }
    }, 'agent');
  return (
    <>
      {faults.length > 0 && (
        <Notice kind="bad">
          {faults.map((fault) => (
            <div key={`${fault.path} ${fault.message}`}>
              <code>{fault.path}</code> {fault.message}
            </div>
          ))}
        </Notice>
      )}
      <Card
        title="Definition"
        beside={
          <button type="button" className="button" aria-pressed={asJson} onClick={() => setAsJson(!asJson)}>
            {asJson ? 'As a form' : 'As JSON'}
          </button>
        }
      >
        {asJson ? (
          <Text value={value} onChange={setValue} />
        ) : (
          <Fields schema={schema} value={value} onChange={setValue} faults={faults} named={agent !== null} />
        )}
      </Card>
      <div className="row save">
        <button type="button" className="button main" disabled={busy || differences.length === 0} onClick={review}>
          {agent === null ? 'Review and create' : 'Review changes'}
        </button>
        <a className="button" href={agent === null ? '/agents' : `/agents/${agent.name}`}>
          Leave it
        </a>
        <span className="muted small">
          {differences.length === 0 ? 'Nothing is changed.' : `Changed: ${differences.map(({ path }) => path).join(', ')}`}
        </span>
      </div>
      {reviewing && (
        <Dialog
          title={agent === null ? 'Create this agent' : `Save as version ${agent.version + 1}`}
          onClose={() => setReviewing(false)}
          buttons={
            <>
              <button type="button" className="button" onClick={() => setReviewing(false)}>
                Go on editing
              </button>
              <button type="button" className="button main" disabled={busy} onClick={() => void save()}>
                {agent === null ? 'Create' : 'Save'}
              </button>
            </>
          }
        >
          <Differences list={differences} />
        </Dialog>
      )}
    </>
  );
}

/** What every agent is asked; the rest is folded away until somebody wants it or something is wrong in it. */
const FIRST: ReadonlySet<string> = new Set([
  'name',
  'description',
  'kind',
  'instructions',
  'commands',
  'model',
  'tools',
  'schedules',
  'budget',
  'tier',
]);

type FieldsProps = { schema: Schema; value: FormValue; onChange: (value: FormValue) => void; faults: readonly Fault[]; named: boolean };

function Fields({ schema, value, onChange, faults, named }: FieldsProps) {
  const names = Object.keys(schema.properties ?? {});
  const rest = names.filter((name) => !FIRST.has(name));
  // a model is told, a command is run: never both
  const other = value['kind'] === 'command' ? ['instructions', 'model'] : ['commands'];
  const isSet = rest.some((name) => value[name] !== undefined);
  const isWrong = faults.some(({ path }) => rest.some((name) => path === name || path.startsWith(`${name}.`)));
  return (
    <div className="stack">
      <SchemaForm schema={schema} value={value} onChange={onChange} faults={faults} without={[...rest, ...other, ...(named ? ['name'] : [])]} />
      <details key={String(isWrong)} open={isWrong || undefined}>
        <summary>
          Everything else: {rest.length} more{isSet && ', some of them set'}{' '}
          <span className="muted small">limits, access, approval, network, output and the like</span>
        </summary>
        <div className="stack folded-form">
          <SchemaForm schema={schema} value={value} onChange={onChange} faults={faults} without={names.filter((name) => FIRST.has(name))} />
        </div>
      </details>
    </div>
  );
}

function Text({ value, onChange }: { value: FormValue; onChange: (value: FormValue) => void }) {
  const [text, setText] = useState(JSON.stringify(value, null, 2));
  const [wrong, setWrong] = useState<string | null>(null);
  const take = (next: string): void => {
    setText(next);
    try {
      const parsed: unknown = JSON.parse(next);
      if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new Error('It must be an object.');
      onChange(parsed as FormValue);
      setWrong(null);
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error)); // half typed: what was whole stays
    }
  };
  return (
    <div className="field">
      <label htmlFor="definition" className="unseen">
        Definition as JSON
      </label>
      <textarea
        id="definition"
        className="area mono"
        spellCheck={false}
        rows={28}
        value={text}
        aria-invalid={wrong !== null}
        onChange={(event) => take(event.target.value)}
      />
      {wrong !== null && <div className="fault">Not taken yet: {wrong}</div>}
    </div>
  );
}
