/** Findings as SARIF 2.1.0 (OASIS), for code hosts and editors. Pure. */
import type { Dimension, Finding, Severity } from './finding.ts';

export type SarifSource = {
  version: string;
  findings: readonly (Finding & { confidence?: number; votes?: readonly { reviewer: string }[] })[];
  /** Of each finding, the same at every review. */
  fingerprint: (finding: Finding) => string;
  /** Reviewers that gave no answer: the result is then told as incomplete. */
  failed: readonly string[];
  properties: Record<string, unknown>;
};

const LEVELS: Record<Severity, 'error' | 'warning' | 'note'> = { critical: 'error', high: 'error', medium: 'warning', low: 'note', info: 'note' };
/** As GitHub sorts security alerts by. */
const SCORES: Record<Severity, string> = { critical: '9.5', high: '8.0', medium: '5.5', low: '3.0', info: '0.0' };

export function sarifOf(source: SarifSource): object {
  const rules = new Map(source.findings.map((finding) => [ruleOf(finding), finding]));
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'Windlass',
            version: source.version,
            rules: [...rules].map(([id, { dimension, rule }]) => ({
              id,
              shortDescription: { text: rule === null ? NAMES[dimension] : rule.replaceAll('-', ' ') },
              properties: { tags: [dimension] },
            })),
          },
        },
        invocations: [
          {
            executionSuccessful: source.failed.length === 0,
            toolExecutionNotifications: source.failed.map((reviewer) => ({
              level: 'warning',
              message: { text: `The reviewer ${reviewer} gave no answer.` },
            })),
          },
        ],
        columnKind: 'utf16CodeUnits',
        results: source.findings.map((finding) => resultOf(finding, [...rules.keys()], source)),
        properties: source.properties,
      },
    ],
  };
}

const NAMES: Record<Dimension, string> = {
  architecture: 'Architecture',
  security: 'Security',
  quality: 'Code quality',
  testing: 'Testing',
  dependencies: 'Dependencies',
  documentation: 'Documentation',
  standards: 'Standards',
};

const ruleOf = ({ dimension, rule }: Finding): string => `${dimension}/${rule ?? 'other'}`;

function resultOf(finding: SarifSource['findings'][number], rules: readonly string[], source: SarifSource): object {
  const { severity, file, line, evidence, problem, fix, standard, confidence, votes } = finding;
  const region = line === null ? {} : { region: { startLine: line, snippet: { text: evidence } } };
  return {
    ruleId: ruleOf(finding),
    ruleIndex: rules.indexOf(ruleOf(finding)),
    level: LEVELS[severity],
    message: { text: fix === '' ? problem : `${problem} ${fix}` },
    locations: [
      { physicalLocation: { artifactLocation: { uri: file.split('/').map(encodeURIComponent).join('/'), uriBaseId: '%SRCROOT%' }, ...region } },
    ],
    partialFingerprints: { 'windlass/v1': source.fingerprint(finding) },
    ...(confidence === undefined ? {} : { rank: Math.round(confidence * 100) }),
    properties: {
      severity,
      'security-severity': SCORES[severity],
      ...(standard === null ? {} : { standard }),
      ...(votes === undefined ? {} : { reviewers: votes.map(({ reviewer }) => reviewer) }),
    },
  };
}
