/**
 * All tidy rules, and what remains of their findings after the exceptions.
 */
import { type Exception } from './exceptions.ts';
import { layerRule } from './layers.ts';
import { barrelRule, errorRule, headRule, nameRule, silencedRule, sizeRule } from './shape.ts';
import type { Finding, Rule, Source } from './source.ts';
import { sqlPlaceRule, sqlTimeRule } from './sql.ts';
import { clockRule, sleepRule } from './time.ts';
import { machineRule, unfinishedRule } from './words.ts';

export const RULES: readonly Rule[] = [
  barrelRule,
  clockRule,
  errorRule,
  headRule,
  layerRule,
  machineRule,
  nameRule,
  silencedRule,
  sizeRule,
  sleepRule,
  sqlPlaceRule,
  sqlTimeRule,
  unfinishedRule,
];

export function checkAll(sources: readonly Source[]): Finding[] {
  return sources.flatMap((source) => RULES.filter((rule) => rule.applies(source.path)).flatMap((rule) => rule.check(source)));
}

/** Lines to show: findings that no exception covers, and exceptions that are wider than what they cover. */
export function applyExceptions(findings: readonly Finding[], exceptions: readonly Exception[]): string[] {
  const covers = (exception: Exception, finding: Finding): boolean => exception.rule === finding.rule && exception.path === finding.path;
  const lines: string[] = [];
  for (const exception of exceptions) {
    const count = findings.filter((finding) => covers(exception, finding)).length;
    if (count < exception.findings) {
      lines.push(`${exception.path}: ${exception.rule} allows ${exception.findings}, needs ${count}: lower or remove the exception`);
    }
  }
  for (const finding of findings) {
    const exception = exceptions.find((entry) => covers(entry, finding));
    const count = findings.filter((other) => exception !== undefined && covers(exception, other)).length;
    if (exception === undefined || count > exception.findings) lines.push(`${finding.path}:${finding.line} ${finding.rule}: ${finding.message}`);
  }
  return lines;
}
