/**
 * Known patterns of mistakes, as data: what the scan looks for in a line, and which personas care. Regular expressions here are ours, run
 * over single lines of bounded length, and none repeats a repetition.
 */
import type { Dimension, Severity } from './finding.ts';

export type ScanRule = {
  rule: string;
  personas: readonly string[];
  dimension: Dimension;
  severity: Severity;
  /** Which files it concerns; all when left out. */
  files?: RegExp;
  /** Files it does not concern, beside tests where `tests` is false. */
  notFiles?: RegExp;
  /** Whether it also concerns test files; false when left out. `only` for tests alone. */
  tests?: boolean | 'only';
  line: RegExp;
  unless?: RegExp;
  /** Excuses it in the line above. */
  unlessAbove?: RegExp;
  /** Whether it also concerns lines that are nothing but comment; false when left out. */
  comments?: true;
  /** False: what stands in quotation marks does not count. */
  quotes?: false;
  /** What is indented below the line, its end being seen: this must be all of it, or no line of it may be that. */
  body?: RegExp;
  unlessBody?: RegExp;
  problem: string;
  fix: string;
};

const CODE = /\.(m?[jt]sx?|c[jt]s|py|rb|go|rs|java|kt|cs|php|swift|scala|c|cc|cpp|h)$/;
const SCRIPT = /\.(m?[jt]sx?|c[jt]s)$/;
const TYPED = /\.(m?tsx?|cts)$/;
const MARKUP = /\.(html?|[jt]sx|vue|svelte)$/;
const STYLE = /\.(css|scss|less|html?|[jt]sx|vue|svelte)$/;
const SQL = /\.(sql|prisma)$|migrations?\//;

const SECRET_IN_SOURCE = {
  rule: 'hard-coded-secret',
  personas: ['security', 'pattern-scanner', 'code-reviewer'],
  dimension: 'security',
  severity: 'high',
  problem: 'A credential stands in the source: everybody who reads the repository, now or in its history, has it.',
  fix: 'Take it from the environment or a secret store, and rotate the one that was committed.',
} as const;

/** Where a value stands in a statement, rather than a clause or a name that is put together; a constant or what escapes is none. */
const VALUE = String.raw`(?:[=<>'"%]|\b(?i:like|values\s*\(|in\s*\(|limit|offset|order\s+by))\s*\$\{(?![A-Z][A-Z0-9_]*(?:\s*[-+*]\s*\d+)?\}|\w*(?i:escape|quote|placeholder)\w*\()`;
/** The verb alone is no statement: buttons say "Update" and "Delete from", too. */
const STATEMENT = String.raw`\s*(?i:select\b.*\sfrom\s|insert\s+into\s|update\b.*\sset\s|delete\s+from\s+\S+\s+where\b)`;
const SQL_WITH_VALUES = new RegExp(
  [
    `\`(?=[^\`]*${VALUE})${STATEMENT}`,
    String.raw`"${STATEMENT}[^"]*(?:"\s*(?:\+|%\s*[\w(]|\.format\()|\$\{)`,
    String.raw`'${STATEMENT}[^']*'\s*(?:\+|%\s*[\w(]|\.format\()`,
    String.raw`\bf["']{1,3}(?=.*\{)${STATEMENT}`,
    String.raw`Sprintf\(\s*["\`]${STATEMENT}.*%[sv]`,
    String.raw`\b(?:execute|query|raw)\(\s*(?:"[^"]*"|'[^']*')\s*(?:\+|%)\s*\w`,
    String.raw`\b(?:execute|query|raw)\(\s*\`[^\`]*${VALUE}`,
  ].join('|'),
);

const SECURITY: readonly ScanRule[] = [
  {
    ...SECRET_IN_SOURCE,
    ...{ tests: true, comments: true },
    line: /-----BEGIN [A-Z ]*PRIVATE KEY-----\\?[nr]?$|-----BEGIN [A-Z ]*PRIVATE KEY-----\\n[\w+/]{20}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}|\bxox[abp]-[\w-]{20,}/,
  },
  {
    ...SECRET_IN_SOURCE,
    comments: true,
    // a word for "password" in another language is none
    notFiles: /(^|\/)(locales?|i18n|lang|translations?|messages)\//,
    line: /(?:password|passwd|secret|api[_-]?key|access[_-]?key|private[_-]?key|auth[_-]?token)["']?\s*[:=]\s*["'`][^"'`\s${]{8,}["'`]/i,
    unless: /example|placeholder|changeme|dummy|process\.env|getenv|your[_-]|<[a-z]|x{6}|\*{4}/i,
  },
  {
    rule: 'sql-injection',
    personas: ['security', 'database', 'data', 'pattern-scanner', 'code-reviewer'],
    dimension: 'security',
    severity: 'high',
    files: CODE,
    line: SQL_WITH_VALUES,
    // a tag makes parameters of what stands in the template
    unless: /\b(?:sql|\w*queryRaw|\w*executeRaw)(?:<[^>`]*>)?\s*`/i,
    problem: 'A value is put into SQL as text: whoever controls it decides what the statement does.',
    fix: 'Pass it as a parameter ($1, ?), never as part of the statement.',
  },
  {
    rule: 'shell-injection',
    personas: ['security', 'pattern-scanner', 'code-reviewer'],
    dimension: 'security',
    severity: 'high',
    files: CODE,
    line: /(?:(?:^|[^.\w])|\b(?:os|cp|child_process|subprocess)\.)(?:exec|execSync|system|popen|shell_exec)\(\s*(?:`[^`]*\$\{|["'][^"']*["']\s*\+|f["'])|shell\s*[:=]\s*true/i,
    problem: 'A shell sees text that is put together here: a value with ; or $( in it runs as a command.',
    fix: 'Start the program without a shell, with its arguments as a list.',
  },
  {
    rule: 'code-evaluation',
    personas: ['security', 'pattern-scanner', 'code-reviewer'],
    dimension: 'security',
    severity: 'high',
    files: CODE,
    line: /(?:^|[^.\w])eval\(|new Function\(|pickle\.loads?\(|yaml\.load\((?!.*SafeLoader)/,
    problem: 'Data is carried out as code.',
    fix: 'Parse it as data; for a fixed set of operations use a table.',
  },
  {
    rule: 'html-injection',
    personas: ['security', 'accessibility', 'pattern-scanner', 'code-reviewer'],
    dimension: 'security',
    severity: 'high',
    line: /\.innerHTML\s*\+?=(?!\s*["'`]{2})|dangerouslySetInnerHTML|document\.write\(|v-html=|\{\{[^}]*\|\s*safe\b/,
    files: /\.(m?[jt]sx?|html?|vue|svelte|py)$/,
    problem: 'Text becomes markup without being escaped: a value with a script in it runs in the reader’s browser.',
    fix: 'Set it as text, or pass it through a sanitiser that is kept up to date.',
  },
  {
    rule: 'tls-off',
    personas: ['security', 'sre', 'pattern-scanner', 'code-reviewer'],
    dimension: 'security',
    severity: 'high',
    tests: true,
    line: /rejectUnauthorized\s*:\s*false|NODE_TLS_REJECT_UNAUTHORIZED|verify\s*=\s*False|InsecureSkipVerify\s*:\s*true|curl\s+(?:-\S+\s+)*(?:-k|--insecure)\b/,
    problem: 'The certificate of the other side is not checked: anybody on the way can read and change what is sent.',
    fix: 'Leave the check on and trust the right authority instead.',
  },
  {
    rule: 'weak-hash',
    personas: ['security'],
    dimension: 'security',
    severity: 'medium',
    files: CODE,
    line: /createHash\(\s*["'](?:md5|sha1)["']|hashlib\.(?:md5|sha1)\(|MessageDigest\.getInstance\("(?:MD5|SHA-?1)"/i,
    problem: 'MD5 and SHA-1 can be made to collide; where the digest decides on trust, it can be forged.',
    fix: 'Use SHA-256, and for passwords a slow hash made for them.',
  },
  {
    rule: 'weak-randomness',
    personas: ['security'],
    dimension: 'security',
    severity: 'high',
    files: CODE,
    line: /(?:token|secret|session_?id|password|nonce|salt|\botp|(?:api|access|private|secret|session)_?key)\w*\s*[:=].*(?:Math\.random\(|random\.random\(|rand\(\))/i,
    problem: 'What should not be guessed comes from a generator that can be predicted.',
    fix: 'Take it from a cryptographic source (crypto.randomBytes, secrets.token_hex).',
  },
  {
    rule: 'auth-cors',
    personas: ['security', 'code-reviewer'],
    dimension: 'security',
    severity: 'medium',
    line: /access-control-allow-origin["']?\s*[,:]\s*["']\*|cors\(\s*\)|origin\s*:\s*(?:["']\*["']|true)\b|allow_origins\s*=\s*\[\s*["']\*/i,
    problem: 'Every site may call this from its visitors’ browsers.',
    fix: 'Name the origins that need it.',
  },
  {
    rule: 'auth-claims',
    personas: ['security', 'code-reviewer'],
    dimension: 'security',
    severity: 'high',
    files: CODE,
    line: /jwt\.decode\(|verify_signature["']?\s*[:=]\s*False|algorithms?\s*[:=]\s*\[?\s*["']none["']|ignoreExpiration\s*:\s*true/i,
    problem: 'The token is read without being checked: its holder can write any claim into it.',
    fix: 'Verify signature, issuer, audience and expiry before a claim is used.',
  },
  {
    rule: 'auth-fallback',
    personas: ['security', 'code-reviewer'],
    dimension: 'security',
    severity: 'high',
    files: CODE,
    line: /(?:secret|token|key|password|user|role)\w*(?:["'\])])*\s*(?:\|\||\?\?|or)\s*["'`](?:secret|admin|root|changeme|default|anonymous|dev|test|password)\b/i,
    problem: 'Without the value that decides on access, a known one takes its place.',
    fix: 'Refuse to start, or refuse the request, when it is missing.',
  },
  {
    rule: 'error-leaks',
    personas: ['security', 'product'],
    dimension: 'security',
    severity: 'medium',
    files: CODE,
    line: /(?:res|response|reply|ctx|c)\b.*\b(?:json|send|body|text|write)\b.*\b(?:err(?:or)?|e|ex|exc)\.stack|traceback\.format_exc\(\)/,
    problem: 'The stack of an error leaves in the answer: it shows paths, versions and queries to strangers.',
    fix: 'Answer a message and a correlation id, and log the stack.',
  },
  {
    rule: 'debug-on',
    personas: ['security', 'sre', 'code-reviewer'],
    dimension: 'security',
    severity: 'medium',
    files: /\.py$/,
    line: /\.run\([^)]*\bdebug\s*=\s*True/,
    problem: 'A debugger is offered to whoever causes an error: it shows the code and runs what it is told.',
    fix: 'Leave it off, and switch it on by the environment of a developer.',
  },
  {
    rule: 'secret-in-log',
    personas: ['security', 'observability'],
    dimension: 'security',
    severity: 'high',
    files: CODE,
    line: /(?:console\.\w+|log(?:ger)?\.\w+|print|printf|println)\(.*\b(?:password|passwd|secret|token|api_?key|authorization)\b/i,
    quotes: false,
    problem: 'A credential goes into the log, where it stays and is copied.',
    fix: 'Log that it was there, or its fingerprint.',
  },
];

const DATA: readonly ScanRule[] = [
  {
    rule: 'drops-data',
    personas: ['data', 'database', 'sre'],
    dimension: 'architecture',
    severity: 'high',
    files: SQL,
    line: /\b(?:drop\s+(?:table|column|schema)|truncate\s+(?:table\s+)?\w)/i,
    unless: /temp/i,
    problem: 'Data is deleted for good, and the version of the code that runs beside this migration still reads it.',
    fix: 'Stop reading and writing it first; drop it in a later release, with a backup named.',
  },
  {
    rule: 'not-null-without-default',
    personas: ['data', 'database'],
    dimension: 'architecture',
    severity: 'high',
    files: SQL,
    line: /\badd\s+(?:column\s+)?(?:if\s+not\s+exists\s+)?\w+\s+(?!.*\bdefault\b).*\bnot\s+null\b/i,
    problem: 'On a table with rows this fails: they have no value for the new column.',
    fix: 'Add it with a default, or as nullable, fill it, and set NOT NULL then.',
  },
  {
    rule: 'money-as-float',
    personas: ['data', 'engineer', 'database'],
    dimension: 'quality',
    severity: 'medium',
    tests: true,
    line: /\b(?:price|amount|cost|total|balance|salary|fee)\w*["']?\s*:?\s*(?:float|double|real|parseFloat\()/i,
    problem: 'Money as a floating-point number loses cents.',
    fix: 'Keep it as an integer of the smallest unit, or as numeric.',
  },
  {
    rule: 'time-without-zone',
    personas: ['data', 'database'],
    dimension: 'quality',
    severity: 'medium',
    files: SQL,
    line: /\btimestamp\b(?!\s*(?:\(\d\)\s*)?with\s+time\s+zone|tz)/i,
    unless: /timestamptz/i,
    problem: 'A time without zone means another moment on another machine.',
    fix: 'Use timestamptz.',
  },
  {
    rule: 'select-star',
    personas: ['database', 'data', 'performance'],
    dimension: 'quality',
    severity: 'low',
    line: /\bselect\s+\*\s+from\b/i,
    files: /\.(sql|m?[jt]sx?|py|rb|go|java|php)$/,
    problem: 'Every column is read, also those that come later and those that are large.',
    fix: 'Name the columns that are used.',
  },
  {
    rule: 'offset-paging',
    personas: ['database', 'performance'],
    dimension: 'quality',
    severity: 'low',
    line: /\boffset\s+(?:\$\d|\?|:\w|\d{2,}|\$\{)/i,
    problem: 'A page far down reads and throws away all rows before it, and rows move between pages meanwhile.',
    fix: 'Page by the last key seen.',
  },
];

export const RULES_A: readonly ScanRule[] = [...SECURITY, ...DATA];
export { CODE, SCRIPT, TYPED, MARKUP, STYLE };
