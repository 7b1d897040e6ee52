/**
 * Templates of rehearsal scripts: Liquid, sandboxed (no files, no prototype, no time of day, no chance) and with limits on time
 * and memory. The engine is loaded on first use. Not for anything that a stranger writes.
 */
import { AppError } from '../../kernel/errors.ts';
import type { Json } from '../../kernel/canonical-json.ts';
import { SCRIPT_BYTES, TEMPLATE_MEMORY, TEMPLATE_RENDER_MS } from './limits.ts';

export type Scope = Readonly<Record<string, Json>>;

export type Templates = {
  /** What is wrong with a text template or an expression, with the 1-based line inside it; null when nothing. */
  textFault(template: string): { message: string; line: number } | null;
  expressionFault(expression: string): { message: string; line: number } | null;
  text(template: string, scope: Scope): string;
  /** A text that is exactly one `{{ … }}` keeps the value's type; inside objects and lists too. */
  value(template: Json, scope: Scope): Json;
  /** A condition as in `{% if %}`: what is not there is false. */
  holds(expression: string, scope: Scope): boolean;
  /** @throws AppError `invalid_input` when it is no list. */
  list(expression: string, scope: Scope): readonly Json[];
};

const ONE_OUTPUT = /^\{\{-?((?:(?!\}\}|\{\{)[\s\S])*?)-?\}\}$/;
const DATE_FILTERS = ['date', 'date_to_xmlschema', 'date_to_rfc822', 'date_to_string', 'date_to_long_string'];
const POSITION = /, line:(\d+), col:\d+/;

export async function loadTemplates(): Promise<Templates> {
  const { Liquid } = await import('liquidjs');
  const engine = new Liquid({
    templates: {},
    ownPropertyOnly: true,
    strictFilters: true,
    strictVariables: true,
    lenientIf: true,
    groupedExpressions: true,
    timezoneOffset: 0,
    locale: 'en-US',
    parseLimit: SCRIPT_BYTES,
    renderLimit: TEMPLATE_RENDER_MS,
    memoryLimit: TEMPLATE_MEMORY,
  });
  // Both would make a rehearsal differ from one time to the next.
  engine.unregisterFilter('sample');
  for (const name of DATE_FILTERS) {
    const filter = engine.filters[name];
    if (typeof filter !== 'function') continue;
    engine.registerFilter(name, function dateOf(value: unknown, ...rest: unknown[]): unknown {
      if (value === 'now' || value === 'today') throw new AppError('invalid_input', 'A rehearsal does not know the time of day.');
      return filter.call(this, value, ...rest) as unknown;
    });
  }

  const faultOf = (parse: () => void): { message: string; line: number } | null => {
    try {
      parse();
      return null;
    } catch (error) {
      // A template that does not parse is what was asked about.
      const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
      return { message: message.replace(POSITION, ''), line: Number(POSITION.exec(message)?.[1] ?? 1) };
    }
  };
  const evaluate = (expression: string, scope: Scope): Json => plain(engine.evalValueSync(expression, scope));
  const text = (template: string, scope: Scope): string => String(engine.parseAndRenderSync(template, scope));
  const value = (template: Json, scope: Scope): Json => {
    if (typeof template === 'string') {
      const expression = ONE_OUTPUT.exec(template.trim())?.[1];
      return expression === undefined ? text(template, scope) : evaluate(expression.trim(), scope);
    }
    if (Array.isArray(template)) return template.map((item: Json) => value(item, scope));
    if (template === null || typeof template !== 'object') return template;
    return Object.fromEntries(Object.entries(template).map(([key, item]) => [key, value(item ?? null, scope)]));
  };
  return {
    textFault: (template) => faultOf(() => engine.parse(template)),
    expressionFault: (expression) => faultOf(() => engine.parse(`{% if ${expression} %}{% endif %}`)),
    text,
    value,
    holds: (expression, scope) => text(`{% if ${expression} %}1{% endif %}`, scope) === '1',
    list(expression, scope) {
      const found = evaluate(expression, scope);
      if (Array.isArray(found)) return found as readonly Json[];
      throw new AppError('invalid_input', `"${expression}" is no list.`);
    },
  };
}

/** Liquid's own values (drops, dates, undefined) as JSON. */
function plain(value: unknown): Json {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? null : (JSON.parse(text) as Json);
}
