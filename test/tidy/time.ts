/**
 * Time and chance are passed in: nothing in src but the kernel's clock touches the machine's, and no test sleeps.
 */
import { importsOf } from './layers.ts';
import { type Finding, type Rule, type Source, findingsOf, lineAt, scan } from './source.ts';

const MACHINE =
  /\bDate\.now\b|\bnew\s+Date\s*\(\s*\)|\bDate\s*\(\s*\)|\bMath\.random\b|\bset(?:Timeout|Interval)\b|\bAbortSignal\.timeout\b|\bperformance\.now\b|\bprocess\.hrtime\b/g;
const TIMERS = /^(?:node:)?timers(?:\/promises)?$/;

const timerImports = (rule: string, source: Source, message: string): Finding[] =>
  importsOf(source)
    .filter((entry) => TIMERS.test(entry.specifier))
    .map((entry) => ({ rule, path: source.path, line: entry.line, message: `${entry.specifier}: ${message}` }));

const PASS_IT_IN = 'take the clock or the randomness as an argument';

export const clockRule: Rule = {
  name: 'clock',
  applies: (path) => /^src\/.*\.ts$/.test(path) && path !== 'src/kernel/clock.ts',
  check: (source) => [
    ...findingsOf('clock', source, { in: scan(source.text).code, pattern: MACHINE, message: (match) => `${match}: ${PASS_IT_IN}` }),
    ...timerImports('clock', source, PASS_IT_IN),
  ],
};

const SLEEP = /\bset(?:Timeout|Interval)\s*\(|\bsystemClock\s*\.\s*sleep\b|\bAtomics\.wait\b/g;
const SQL_SLEEP = 'pg_sleep';
const DO_NOT_WAIT = "move the test's clock, or wait for what should happen with until()";

export const sleepRule: Rule = {
  name: 'sleep-in-test',
  applies: (path) => /^test\/(?!tidy\/).*\.ts$/.test(path),
  check(source) {
    const { code, strings } = scan(source.text);
    const inSql = strings.filter((string) => string.text.includes(SQL_SLEEP));
    return [
      ...findingsOf('sleep-in-test', source, { in: code, pattern: SLEEP, message: (match) => `${match}: ${DO_NOT_WAIT}` }),
      ...timerImports('sleep-in-test', source, DO_NOT_WAIT),
      ...inSql.map((string) => ({
        rule: 'sleep-in-test',
        path: source.path,
        line: lineAt(source.text, string.at),
        message: `${SQL_SLEEP}: ${DO_NOT_WAIT}`,
      })),
    ];
  },
};
