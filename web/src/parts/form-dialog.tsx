/** A dialog with the form of an operation: what it takes is the contract's own schema, what is wrong with it stands at its field. */
import { useState } from 'react';
import type { Fault } from '../../../src/kernel/errors.ts';
import type { Operations } from '../../operations.ts';
import { useAct } from '../state/act.ts';
import { asProblem } from '../state/api.ts';
import { useQuery } from '../state/query.ts';
import { Dialog } from './dialog.tsx';
import type { FormValue } from './form.tsx';
import { SchemaForm } from './form.tsx';
import type { Schema } from './schema.ts';
import { faultsOf } from './schema.ts';
import { Loaded } from './states.tsx';

/** As in `notes.create`, of `web/operations.ts`. */
export type OperationName = { [D in keyof Operations]: `${D}.${keyof Operations[D] & string}` }[keyof Operations];

type Props = {
  title: string;
  action: string;
  operation: OperationName;
  /** What stands in the form at first. */
  start?: FormValue;
  /** What is sent and not shown. */
  fixed?: FormValue;
  without?: readonly string[];
  /** Fields with room for more than a line. */
  long?: readonly string[];
  /** Fields of which only these values make sense. */
  choices?: Readonly<Record<string, readonly string[]>>;
  /** Sends it; answers what to say, or null. */
  send: (value: never) => Promise<string | null>;
  topics: readonly string[];
  danger?: boolean;
  onClose: () => void;
  children?: React.ReactNode;
};

export function FormDialog(props: Props) {
  const { title, action, operation, start = {}, fixed = {}, danger = false, onClose } = props;
  const [value, setValue] = useState<FormValue>(start);
  const [faults, setFaults] = useState<readonly Fault[]>([]);
  const { busy, run } = useAct();
  const schemas = useQuery('schemas', async () => (await import('virtual:schemas')).default);
  const [domain = '', key = ''] = operation.split('.');
  const schema = schemas.data === undefined ? undefined : fitted(schemas.data[domain]?.[key] ?? {}, props);
  const send = async (): Promise<void> => {
    const whole = { ...value, ...fixed };
    const found = schema === undefined ? [] : faultsOf(schema, whole);
    setFaults(found);
    if (found.length > 0) return;
    const went = await run(
      async () => {
        try {
          return await props.send(whole as never);
        } catch (error) {
          setFaults(asProblem(error).faults);
          throw error;
        }
      },
      ...props.topics,
    );
    if (went) onClose();
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
          <button
            type="button"
            className={danger ? 'button main danger' : 'button main'}
            disabled={busy || schema === undefined}
            onClick={() => void send()}
          >
            {action}
          </button>
        </>
      }
    >
      {props.children}
      <Loaded query={schemas} what="the form">
        {() => (
          <SchemaForm
            schema={schema ?? {}}
            value={value}
            onChange={setValue}
            faults={faults}
            without={[...Object.keys(fixed), ...(props.without ?? [])]}
          />
        )}
      </Loaded>
    </Dialog>
  );
}

const LONG = 100_000;

function fitted(schema: Schema, { long = [], choices = {} }: Pick<Props, 'long' | 'choices'>): Schema {
  const fit = (name: string, each: Schema): Schema => {
    const { default: start, ...rest } = each;
    const base = start === null ? rest : each;
    const given = choices[name];
    if (given === undefined) return long.includes(name) ? { ...base, maxLength: LONG } : base;
    if (each.type === 'array') return { ...base, items: { enum: given } };
    const { anyOf: _gone, ...plain } = base;
    return { ...plain, enum: given };
  };
  const properties: Record<string, Schema> = {};
  for (const [name, each] of Object.entries(schema.properties ?? {})) properties[name] = fit(name, each);
  return { ...schema, properties };
}
