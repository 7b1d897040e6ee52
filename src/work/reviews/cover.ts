/**
 * Covers credentials in what a finding quotes before it is shown, written into an issue or exported: a report has more readers than the file has.
 * What is stored stays as quoted, since the next review looks for it in the source. Not the scan that finds them. Pure.
 */

/** Enough to know which one it is. */
const KEPT = 4;

const FORMS: readonly RegExp[] = [
  // keys that tell by their beginning whose they are
  /\b(?:gh[pousr]_|github_pat_|glpat-|sk-(?:ant-)?|xox[abeoprs]-|AKIA|ASIA|AIza|npm_|wl_)([A-Za-z0-9_-]{12,})/g,
  // a name that says so, and its value in quotation marks
  /(?:password|passwd|pwd|secret|api[_-]?key|access[_-]?key|private[_-]?key|token|credentials?)[\w-]{0,40}["'`]?\s{0,5}[:=]{1,3}\s{0,5}["'`]([^"'`\s]{8,})["'`]/gi,
  // an address with a password
  /:\/\/[^\s:@/"'`]{1,100}:([^\s@/"'`…]{3,})@/g,
  // the body of a PEM block
  /^\s{0,20}([A-Za-z0-9+/]{48,}={0,2})\s*$/gm,
];

export function coverSecrets(text: string): string {
  return FORMS.reduce(
    (covered, form) =>
      covered.replaceAll(form, (whole: string, value: string) => {
        const at = whole.lastIndexOf(value);
        return `${whole.slice(0, at)}${value.slice(0, Math.min(KEPT, value.length >> 2))}…${whole.slice(at + value.length)}`;
      }),
    text,
  );
}

export function covered<T extends { evidence: string }>(finding: T): T {
  return { ...finding, evidence: coverSecrets(finding.evidence) };
}
