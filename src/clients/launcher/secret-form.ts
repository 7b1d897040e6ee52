/**
 * What a secret's value looks like, so that a description, a placeholder or another service's key is refused when it is stored (spec
 * SEC-3). Pure; messages name forms and lengths, never a part of a value.
 */
import { AppError } from '../../kernel/errors.ts';

/** Path of a secret: the project's own is injected, `vault` never is, `staging` overrides there (spec SEC-2). */
export const SECRET_PATH = /^\/?([a-z0-9][a-z0-9-]{0,62})(?:\/(vault|staging))?$/;
export const SECRET_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
export const SECRET_BYTES_MAX = 65_536;

/** What changes how programs are found and loaded; a stored value for these would run code, not name a credential. */
const LOADER =
  /^(?:PATH|HOME|SHELL|USER|PWD|IFS|ENV|BASH_ENV|TMPDIR|LD_\w+|DYLD_\w+|NODE_\w+|PYTHON\w*|PERL5\w*|RUBY\w*|GIT_\w*|WINDLASS_(?!GATEWAY_KEY$)\w+)$/;

const PREFIXES: readonly (readonly [pattern: RegExp, form: string, names?: RegExp])[] = [
  [/^sk-ant-[\w-]{20,}$/, 'Anthropic key', /^ANTHROPIC_API_KEY$/],
  [/^sk-(?!ant-)[\w-]{20,}$/, 'OpenAI key', /^OPENAI_API_KEY$/],
  [/^AIza[\w-]{30,}$/, 'Google key'],
  [/^(?:gh[pousr]_\w{30,}|github_pat_\w{30,})$/, 'GitHub token', /^(?:GITHUB|GH)_TOKEN$/],
  [/^glpat-[\w-]{15,}$/, 'GitLab token'],
  [/^(?:sk|rk)_(?:live|test)_\w{15,}$/, 'Stripe key', /^STRIPE_(?:SECRET|API)_KEY$/],
  [/^whsec_[\w+/=]{15,}$/, 'webhook secret'],
  [/^xox[abeprs]-[\w-]{10,}$/, 'Slack token', /^SLACK_(?:BOT_)?TOKEN$/],
  [/^(?:AKIA|ASIA)[A-Z0-9]{16}$/, 'AWS key id', /^AWS_ACCESS_KEY_ID$/],
  [/^npm_\w{30,}$/, 'npm token', /^NPM_TOKEN$/],
  [/^wl_\w{20,}$/, 'Windlass key', /^WINDLASS_GATEWAY_KEY$/],
  [/^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*$/, 'JSON web token'],
];
const PLACEHOLDER =
  /^(?:<.*>|\[.*\]|\{\{.*\}\}|\$\{?\w+\}?|(?:change[-_ ]?me|todo|tbd|fixme|placeholder|example|secret|password|token|none|null|undefined)|x{3,}|\*{3,}|\.{3,}|your[-_ ].*|.*[-_]here)$/i;
const BITS_PER_CHAR_MIN = 1.5;
const ENTROPY_CHARS_MIN = 8;
const WORDS_OF_A_SENTENCE = 4;

/** @throws AppError `invalid_input` for a name that no variable has, or that must not be injected. */
export function checkSecretName(name: string): void {
  if (!SECRET_NAME.test(name)) {
    throw new AppError('invalid_input', `"${name.slice(0, 60)}" is no name of a variable: letters, digits and underscores, no digit first.`);
  }
  if (LOADER.test(name)) {
    throw new AppError('invalid_input', `${name} decides how programs run and is never set from a secret.`, { next: 'Set it in your shell.' });
  }
}

/** The form in words, as in `hex of 64`. Never a part of the value. */
export function formOf(value: string): string {
  const pem = /^-----BEGIN ([A-Z0-9 ]{1,40})-----\r?\n[\s\S]+\r?\n-----END \1-----\s*$/.exec(value);
  if (pem !== null) return `PEM ${(pem[1] ?? '').toLowerCase()}`;
  const known = PREFIXES.find(([pattern]) => pattern.test(value));
  if (known !== undefined) return known[1];
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)) return 'UUID';
  if (/^\d+$/.test(value)) return `digits, ${value.length}`;
  if (/^(?:[0-9a-f]{2}){8,}$/i.test(value)) return `hex of ${value.length}`;
  if (/^[a-z][a-z0-9+.-]*:\/\/\S+$/i.test(value) && URL.canParse(value)) return new URL(value).password === '' ? 'URL' : 'URL with a password';
  if (/^[A-Za-z0-9+/_-]{16,}={0,2}$/.test(value) && bitsPerChar(value) > 3) return `random text of ${value.length}`;
  return value.includes('\n') ? `text of ${value.split('\n').length} lines` : `text of ${value.length}`;
}

/**
 * The form of a value that may be stored. `before` is the form of the value it replaces.
 * @throws AppError `invalid_input` with what is wrong; the value is not shown.
 */
export function checkForm(name: string, value: string, before: string | null): string {
  const refuse = (why: string): never => {
    throw new AppError('invalid_input', `This is no value for ${name}: ${why}.`, {
      next: 'Copy the value itself from where it was issued. If it really is this, say so with --as-is.',
    });
  };
  const form = formOf(value);
  if (PLACEHOLDER.test(value) || value === name) refuse('it is a placeholder');
  if (value.startsWith('-----BEGIN') && !form.startsWith('PEM')) refuse('it begins like a PEM block and does not end like one');
  if (!value.includes('\n') && value.split(/\s+/).length >= WORDS_OF_A_SENTENCE) refuse('it reads like a description');
  const wanted = PREFIXES.find(([, , names]) => names?.test(name));
  if (wanted !== undefined && !wanted[0].test(value)) refuse(`a ${wanted[1]} is expected there, and it is ${form}`);
  if (name.endsWith('_URL') && !form.startsWith('URL')) refuse(`a URL is expected there, and it is ${form}`);
  if (value.length >= ENTROPY_CHARS_MIN && bitsPerChar(value) < BITS_PER_CHAR_MIN) refuse('it repeats itself too much to be one');
  if (before !== null && /^(?:hex|PEM|UUID)/.test(before) && form !== before) refuse(`the value before was ${before}, this is ${form}`);
  return form;
}

/** Without the line break that a pipe or a file leaves. @throws AppError `invalid_input` for what no variable can hold. */
export function cleanValue(text: string): string {
  const value = text.startsWith('-----BEGIN') ? text.replace(/\s+$/, '\n') : text.trim();
  if (value.trim() === '') throw new AppError('invalid_input', 'The value is empty.');
  if (Buffer.byteLength(value) > SECRET_BYTES_MAX) throw new AppError('too_large', `The value has more than ${SECRET_BYTES_MAX} bytes.`);
  if (value.includes('\0') || !value.isWellFormed()) throw new AppError('invalid_input', 'The value holds bytes that no variable can.');
  return value;
}

/** Shannon's, over the characters of the value. */
function bitsPerChar(value: string): number {
  const counts = new Map<string, number>();
  let total = 0;
  for (const char of value) {
    counts.set(char, (counts.get(char) ?? 0) + 1);
    total += 1;
  }
  return [...counts.values()].reduce((sum, count) => sum - (count / total) * Math.log2(count / total), 0);
}
