/**
 * Time and chance are passed in: nothing in src but the kernel's clock touches the machine's, and no test sleeps.
 */
import { type Rule, findingsOf, scan } from './source.ts';

const MACHINE =
  /\bDate\.now\b|\bnew\s+Date\s*\(\s*\)|\bDate\s*\(\s*\)|\bMath\.random\b|\bset(?:Timeout|Interval)\b|\bAbortSignal\.timeout\b|\bperformance\.now\b|\bprocess\.hrtime\b/g;
const TIMER_IMPORT = /\bfrom\s+'(?:node:)?timers(?:\/promises)?'/g;

export const clockRule: Rule = {
  name: 'clock',
  applies: (path) => /^src\/.*\.ts$/.test(path) && path !== 'src/kernel/clock.ts',
  check(source) {
    const { code, uncommented } = scan(source.text);
    const message = (match: string): string => `${match}: take the clock or the randomness as an argument`;
    return [
      ...findingsOf('clock', source, { in: code, pattern: MACHINE, message }),
      ...findingsOf('clock', source, { in: uncommented, pattern: TIMER_IMPORT, message }),
    ];
  },
};

const SLEEP = /\bset(?:Timeout|Interval)\s*\(|\bsystemClock\s*\.\s*sleep\b|\bAtomics\.wait\b/g;
const SQL_SLEEP = /\bpg_sleep\b/g;

export const sleepRule: Rule = {
  name: 'sleep-in-test',
  applies: (path) => /^test\/.*\.ts$/.test(path),
  check(source) {
    const { code, uncommented, strings } = scan(source.text);
    const message = (match: string): string => `${match} waits for real time: move the test's clock, or wait for what should happen with until()`;
    const inSql = strings.some((string) => SQL_SLEEP.test(string.text) && source.path !== 'test/tidy/time.ts');
    return [
      ...findingsOf('sleep-in-test', source, { in: code, pattern: SLEEP, message }),
      ...findingsOf('sleep-in-test', source, { in: uncommented, pattern: TIMER_IMPORT, message }),
      ...(inSql ? findingsOf('sleep-in-test', source, { in: uncommented, pattern: SQL_SLEEP, message }) : []),
    ];
  },
};
