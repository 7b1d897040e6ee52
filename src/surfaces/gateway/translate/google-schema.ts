/** Gemini's own schema form (a subset of OpenAPI 3.0 with types in capitals) as JSON Schema. */
import type { Json, JsonObject } from '../../../kernel/canonical-json.ts';

/** Said as text on the wire, since they are 64-bit numbers there. */
const NUMBERS = new Set(['minItems', 'maxItems', 'minLength', 'maxLength', 'minProperties', 'maxProperties', 'minimum', 'maximum']);
/** Hints to Gemini's decoder, or examples: they do not change what is valid. */
const DROPPED = new Set(['propertyOrdering', 'nullable', 'example']);

/** The depth of a body is bounded before it comes here. */
export function jsonSchemaOf(schema: JsonObject): JsonObject {
  const out: Record<string, Json> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (value === undefined || DROPPED.has(key)) continue;
    if (key === 'type' && typeof value === 'string') out[key] = typeOf(value, schema['nullable'] === true);
    else if (key === 'properties' && isObject(value))
      out[key] = Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, isObject(inner) ? jsonSchemaOf(inner) : (inner ?? null)]));
    else if (key === 'items' && isObject(value)) out[key] = jsonSchemaOf(value);
    else if (key === 'anyOf' && Array.isArray(value)) out[key] = value.map((inner: Json) => (isObject(inner) ? jsonSchemaOf(inner) : inner));
    else out[key] = NUMBERS.has(key) && typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : value;
  }
  return schema['nullable'] === true && Array.isArray(out['enum']) ? { ...out, enum: [...(out['enum'] as Json[]), null] } : out;
}

function typeOf(type: string, nullable: boolean): Json {
  const name = type.toLowerCase();
  return nullable && name !== 'null' ? [name, 'null'] : name;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
