/** Rules of alerts, pure: what raises and what resolves one, when one is escalated. Not where the events come from. */
import { sha256Hex } from '../../kernel/canonical-json.ts';

export type AlertKind = 'ci' | 'deployment' | 'security' | 'other';
export type Severity = 'low' | 'medium' | 'high' | 'critical';

/**
 * What one event says of the world. `key` is what makes two reports the same alert; a `green` of the same key resolves it. `gone` is a
 * branch that was deleted: nothing on it will ever turn green, so its alerts of CI end with it.
 */
export type Signal =
  | {
      tone: 'red';
      key: string;
      kind: AlertKind;
      severity: Severity;
      title: string;
      url: string | null;
      repository: string | null;
      branch: string | null;
      /** Code of a project, where the sender names one. */
      project: string | null;
      atMs: number;
    }
  | { tone: 'green'; key: string; atMs: number; reason: string }
  | { tone: 'gone'; repository: string; branch: string; atMs: number };

export const ALERT_LIMITS = { titleChars: 300, branchChars: 300, urlChars: 2_000, reasonBytes: 2_000 } as const;

/** Days within which a security alert should be gone; escalated beyond, to the whole organization beyond twice as many. */
export const SECURITY_DAYS = { critical: 1, high: 3, medium: 7, low: 30 } as const satisfies Record<Severity, number>;

/** Of any length and any characters: what the sender calls it stays apart from what others do. */
export function foldKey(parts: readonly (string | number)[]): string {
  return sha256Hex(JSON.stringify(parts));
}

/** Text of a stranger as one line of plain text: no control or direction characters, no half ones, cut with a mark. */
export function plainLine(text: string, maxChars: number): string {
  const line = text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return line.length <= maxChars ? line : `${line.slice(0, maxChars - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** An address that people may follow; null for anything but http and https. */
export function plainUrl(text: string | null | undefined): string | null {
  if (text === null || text === undefined || text.length > ALERT_LIMITS.urlChars || !URL.canParse(text)) return null;
  const url = new URL(text);
  return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : null;
}
