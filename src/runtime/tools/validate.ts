/**
 * Checks values against a tool's JSON Schema (2020-12, and draft-07 where the schema says so) and words what is wrong for the
 * one who has to mend it, mostly a model. Compiled schemas are kept up to a bound. Formats are annotations, as 2020-12 has it.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { digestOf, type JsonObject } from '../../kernel/canonical-json.ts';
import { TOOL_LIMITS } from './limits.ts';
import { withinTime } from './time-bound.ts';

/** Null when the value is valid, else what was wrong, one fault a line. */
export type Check = (schema: JsonObject, value: unknown) => string | null;

const OPTIONS = { strict: false, allErrors: true, validateFormats: false, logger: false, addUsedSchema: false, unicodeRegExp: true } as const;

/** Keywords whose cost has no bound in the size of the value. */
const SLOW = /"(?:pattern|patternProperties|uniqueItems)":/;
type Compiled = { validate: ValidateFunction; slow: boolean };

export function createValidator(): Check {
  const compiled = new Map<string, Compiled | string>();
  const bySchema = new WeakMap<JsonObject, string>();
  return (schema, value) => {
    let digest = bySchema.get(schema);
    if (digest === undefined) bySchema.set(schema, (digest = digestOf(schema)));
    let found = compiled.get(digest);
    if (found === undefined) {
      found = compile(schema);
      const oldest = compiled.keys().next().value;
      if (compiled.size >= TOOL_LIMITS.validators && oldest !== undefined) compiled.delete(oldest);
      compiled.set(digest, found);
    }
    if (typeof found === 'string') return found;
    const { validate, slow } = found;
    const valid = slow ? withinTime(TOOL_LIMITS.validateMs, () => validate(value)) : { value: validate(value) };
    if (valid === null) return `cannot be checked within ${TOOL_LIMITS.validateMs} ms: a pattern of the schema takes too long on it`;
    return valid.value ? null : describe(validate.errors ?? []);
  };
}

/** Why a schema cannot be used at all, or null when it can. */
export function schemaFault(schema: JsonObject): string | null {
  const compiled = compile(schema);
  return typeof compiled === 'string' ? compiled.replace(/^.*?cannot be used: /, '') : null;
}

/** A fresh Ajv each time: an instance keeps every schema and id it ever saw. */
function compile(schema: JsonObject): Compiled | string {
  const draft = typeof schema['$schema'] === 'string' ? schema['$schema'] : '';
  const { $schema: _dialect, ...rest } = schema;
  try {
    const validate = (/draft-0[467]/.test(draft) ? new Ajv(OPTIONS) : new Ajv2020(OPTIONS)).compile(rest);
    return { validate, slow: SLOW.test(JSON.stringify(rest)) };
  } catch (thrown) {
    // a server's schema may be anything: then nothing can be checked against it, which is a refusal, not a pass
    return `the tool's own schema cannot be used: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  }
}

function describe(errors: readonly ErrorObject[]): string {
  const lines = [...new Set(errors.map(wording))];
  const more = lines.length - TOOL_LIMITS.faults;
  return lines.slice(0, TOOL_LIMITS.faults).join('\n') + (more > 0 ? `\nand ${more} more` : '');
}

function wording(error: ErrorObject): string {
  const at = error.instancePath === '' ? '' : `${error.instancePath.slice(1).replaceAll('/', '.')}: `;
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'required':
      return `${at}"${String(params['missingProperty'])}" is missing`;
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return `${at}"${String(params['additionalProperty'] ?? params['unevaluatedProperty'])}" is not known here; leave it out`;
    case 'enum':
      return `${at}must be one of ${JSON.stringify(params['allowedValues'])}`;
    case 'const':
      return `${at}must be ${JSON.stringify(params['allowedValue'])}`;
    default:
      return `${at}${error.message ?? error.keyword}`;
  }
}

/** The validator's words one fault each, as the core wants them. */
export function faultsOf(check: Check): (schema: JsonObject, value: unknown) => string[] {
  return (schema, value) => check(schema, value)?.split('\n') ?? [];
}
