/**
 * Forms from JSON Schema: a field for each property, by its kind; what no field fits is edited as JSON. The value is the whole object;
 * a field that is emptied is left out. Faults, the server's above all, stand at their field.
 */
import { useId, useState } from 'react';
import type { Fault } from '../../../src/kernel/errors.ts';
import type { Schema } from './schema.ts';
import { choicesOf, faultOf, insideOf, kindOf, labelOf, placeOf } from './schema.ts';

export type FormValue = Readonly<Record<string, unknown>>;

type GroupProps = {
  schema: Schema;
  value: FormValue;
  onChange: (value: FormValue) => void;
  faults: readonly Fault[];
  path?: string;
  /** Properties that are shown elsewhere. */
  without?: readonly string[];
};

export function SchemaForm({ schema, value, onChange, faults, path = '', without = [] }: GroupProps) {
  const set = (name: string, next: unknown): void => {
    const { [name]: _gone, ...rest } = value;
    onChange(next === undefined ? rest : { ...value, [name]: next });
  };
  const properties = Object.entries(schema.properties ?? {}).filter(([name]) => !without.includes(name));
  return (
    <div className="stack">
      {properties.map(([name, each]) => (
        <Field
          key={name}
          name={name}
          schema={insideOf(each)}
          path={placeOf(path, name)}
          required={schema.required?.includes(name) === true && each.default === undefined}
          value={value[name]}
          onChange={(next) => set(name, next)}
          faults={faults}
        />
      ))}
    </div>
  );
}

type FieldProps = {
  name: string;
  schema: Schema;
  path: string;
  required: boolean;
  value: unknown;
  onChange: (value: unknown) => void;
  faults: readonly Fault[];
};

function Field(props: FieldProps) {
  const { name, schema, path, required, value, onChange, faults } = props;
  const id = useId();
  const kind = kindOf(schema);
  const fault = faultOf(faults, path);
  if (kind === 'several') return <Several {...props} />;
  if (kind === 'group') {
    return (
      <fieldset>
        <legend>{labelOf(name, schema)}</legend>
        {schema.description !== undefined && <p className="muted small">{schema.description}</p>}
        <SchemaForm
          schema={schema}
          value={(value ?? {}) as FormValue}
          onChange={(next) => onChange(Object.keys(next).length === 0 ? undefined : next)}
          faults={faults}
          path={path}
        />
      </fieldset>
    );
  }
  const described = `${id}-about`;
  const attributes = {
    id,
    'aria-describedby': described,
    'aria-invalid': fault === null ? undefined : true,
    'aria-required': required || undefined,
  } as const;
  return (
    <div className="field">
      {kind !== 'switch' && (
        <label htmlFor={id}>
          {labelOf(name, schema)}
          {required && <span className="muted"> (needed)</span>}
        </label>
      )}
      <Control {...props} kind={kind} attributes={attributes} />
      <div id={described}>
        {fault !== null && <div className="fault">{fault}</div>}
        {schema.description !== undefined && <div className="hint">{schema.description}</div>}
      </div>
    </div>
  );
}

type Attributes = { id: string; 'aria-describedby': string; 'aria-invalid': true | undefined; 'aria-required': true | undefined };

function Control({ name, schema, kind, value, onChange, attributes }: FieldProps & { kind: ReturnType<typeof kindOf>; attributes: Attributes }) {
  switch (kind) {
    case 'choice':
      return (
        <select
          {...attributes}
          className="select"
          value={value === undefined ? '' : JSON.stringify(value)}
          onChange={(event) => onChange(event.target.value === '' ? undefined : JSON.parse(event.target.value))}
        >
          <option value="">{schema.default === undefined ? 'Not set' : `${textOf(schema.default)} (as it comes)`}</option>
          {choicesOf(schema).map((choice) => (
            <option key={String(choice)} value={JSON.stringify(choice)}>
              {String(choice)}
            </option>
          ))}
        </select>
      );
    case 'switch':
      return (
        <label className="check" htmlFor={attributes.id}>
          <input {...attributes} type="checkbox" checked={(value ?? schema.default) === true} onChange={(event) => onChange(event.target.checked)} />
          {labelOf(name, schema)}
        </label>
      );
    case 'number':
      return (
        <input
          {...attributes}
          className="input number"
          type="number"
          step={schema.type === 'integer' ? 1 : 'any'}
          value={typeof value === 'number' ? value : ''}
          placeholder={textOf(schema.default)}
          onChange={(event) => onChange(event.target.value === '' ? undefined : Number(event.target.value))}
        />
      );
    case 'long':
      return (
        <textarea
          {...attributes}
          className="area"
          rows={(schema.maxLength ?? 0) > 10_000 ? 12 : 2}
          value={textOf(value)}
          onChange={(event) => onChange(event.target.value === '' ? undefined : event.target.value)}
        />
      );
    case 'lines':
      return (
        <textarea
          {...attributes}
          className="area"
          rows={Math.min(10, Math.max(2, Array.isArray(value) ? value.length + 1 : 2))}
          placeholder="One on each line"
          defaultValue={Array.isArray(value) ? value.join('\n') : ''}
          onChange={(event) => onChange(linesOf(event.target.value))}
        />
      );
    case 'json':
      return <JsonControl attributes={attributes} value={value} onChange={onChange} />;
    default:
      return (
        <input
          {...attributes}
          className="input"
          value={textOf(value)}
          placeholder={typeof schema.default === 'string' ? schema.default : ''}
          onChange={(event) => onChange(event.target.value === '' ? undefined : event.target.value)}
        />
      );
  }
}

/** Some of a few: a box for each; none ticked is left out. */
function Several({ name, schema, path, value, onChange, faults }: FieldProps) {
  const chosen = Array.isArray(value) ? (value as unknown[]) : [];
  const fault = faultOf(faults, path);
  return (
    <fieldset>
      <legend>{labelOf(name, schema)}</legend>
      {schema.description !== undefined && <p className="muted small">{schema.description}</p>}
      <div className="row">
        {choicesOf(schema.items ?? {}).map((choice) => (
          <label key={String(choice)} className="check">
            <input
              type="checkbox"
              checked={chosen.includes(choice)}
              onChange={(event) => {
                const next = event.target.checked ? [...chosen, choice] : chosen.filter((each) => each !== choice);
                onChange(next.length === 0 ? undefined : next);
              }}
            />
            {String(choice)}
          </label>
        ))}
      </div>
      {fault !== null && <div className="fault">{fault}</div>}
    </fieldset>
  );
}

function textOf(value: unknown): string {
  return value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);
}

function linesOf(text: string): string[] | undefined {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines.length === 0 ? undefined : lines;
}

/** Keeps what is typed while it is no JSON, and says so. */
function JsonControl({ attributes, value, onChange }: { attributes: Attributes; value: unknown; onChange: (value: unknown) => void }) {
  const [text, setText] = useState(value === undefined ? '' : JSON.stringify(value, null, 2));
  const [wrong, setWrong] = useState(false);
  const take = (next: string): void => {
    setText(next);
    try {
      onChange(next.trim() === '' ? undefined : JSON.parse(next));
      setWrong(false);
    } catch {
      setWrong(true); // half typed: the value stays as it was until it is whole
    }
  };
  return (
    <>
      <textarea
        {...attributes}
        aria-invalid={wrong || attributes['aria-invalid']}
        className="area mono"
        spellCheck={false}
        rows={Math.min(16, Math.max(3, text.split('\n').length))}
        value={text}
        onChange={(event) => take(event.target.value)}
      />
      {wrong && <div className="fault">This is no JSON yet, so it is not taken.</div>}
    </>
  );
}
