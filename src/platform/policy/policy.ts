/**
 * The one policy decision before every effect (spec POL-1..3): the foundation's fixed rules, pure and default deny.
 * Not the policy language, which replaces the rules behind the same `Decide`.
 */
import type { Decision } from '../../kernel/events.ts';
import type { SideEffect } from '../../kernel/plan.ts';

/** What is asked: who (tier, allowlist), what (action), on what (name, side effect), in which context (labels). */
export type PolicyQuestion = {
  action: 'model' | 'tool';
  name: string;
  sideEffect: SideEffect;
  tier: 1 | 2 | 3;
  /** Names, or `server.*` for all tools of a server. */
  allowlist: readonly string[];
  /** Names that wait for a human whatever their side effect. */
  confirm: readonly string[];
  labels: readonly string[];
  /** What its result does to the labels: a tool that brings in untrusted words reaches beyond this machine. */
  taints: readonly string[];
};

/** One policy decision, pure: the same question gives the same answer, so that replay can ask again. */
export type Decide = (question: PolicyQuestion) => Decision;

type Rule = {
  id: string;
  answer: Decision['answer'];
  /** When it holds, for people. */
  says: string;
  when: (question: PolicyQuestion) => boolean;
  reason: (question: PolicyQuestion) => string;
};

/** A read can carry data out as well as a write: in an address, in a search. */
const reachesOut = (q: PolicyQuestion): boolean => q.sideEffect === 'external' || (q.sideEffect === 'read' && q.taints.includes('untrusted'));
const leavesUs = (q: PolicyQuestion): boolean => q.sideEffect === 'external' || q.sideEffect === 'irreversible';

/** Whether an allowlist names it; `github.*` names every tool of the server `github`, which are `github__create_issue` and the like. */
export function isListed(allowlist: readonly string[], name: string): boolean {
  return allowlist.some((entry) => entry === name || (entry.endsWith('.*') && name.startsWith(`${entry.slice(0, -2)}__`)));
}

/** The first group with a match decides, and within it every matching rule is named: deny before confirm before allow. */
const RULES: readonly Rule[] = [
  {
    id: 'allowlist',
    answer: 'deny',
    says: "A tool, agent or model that the agent's definition does not name.",
    when: (q) => !isListed(q.allowlist, q.name),
    reason: (q) => `${q.name} is not among what this agent may use`,
  },
  {
    id: 'two_of_three',
    answer: 'confirm',
    says: 'What reaches outside (an external effect, or reading the words of strangers) of a run that has read untrusted content and holds private data.',
    when: (q) => q.action === 'tool' && reachesOut(q) && q.labels.includes('untrusted') && q.labels.includes('private'),
    reason: () => 'the run has read untrusted content and holds private data, so a person confirms what it does outside',
  },
  {
    id: 'external_confirmed',
    answer: 'confirm',
    says: 'A tool that acts outside this machine, or that cannot be undone. Tools that nobody has classified count as both.',
    when: (q) => q.action === 'tool' && leavesUs(q),
    reason: (q) => (q.sideEffect === 'external' ? `${q.name} acts outside this machine` : `${q.name} cannot be undone`),
  },
  {
    id: 'agent_confirm',
    answer: 'confirm',
    says: "A tool that the agent's definition lists under confirm.",
    when: (q) => isListed(q.confirm, q.name),
    reason: (q) => `the agent's definition asks for a person's word before ${q.name}`,
  },
  {
    id: 'tier1_confirmed',
    answer: 'confirm',
    says: 'Everything but reading, for an agent of tier 1.',
    when: (q) => q.action === 'tool' && q.tier === 1 && q.sideEffect !== 'read',
    reason: () => 'everything but reading is approved for a tier 1 agent',
  },
  {
    id: 'model_allowed',
    answer: 'allow',
    says: 'A model that the agent names.',
    when: (q) => q.action === 'model',
    reason: (q) => `${q.name} is a model of this agent`,
  },
  {
    id: 'read_allowed',
    answer: 'allow',
    says: 'A tool that only reads.',
    when: (q) => q.action === 'tool' && q.sideEffect === 'read',
    reason: (q) => `${q.name} only reads`,
  },
  {
    id: 'reversible_allowed',
    answer: 'allow',
    says: 'A tool whose effect can be undone.',
    when: (q) => q.action === 'tool' && q.sideEffect === 'reversible',
    reason: (q) => `${q.name} can be undone`,
  },
];

/** What decides where no rule matches, or where deciding fails. */
const OTHERWISE: readonly RuleWords[] = [
  { id: 'default_deny', answer: 'deny', says: 'Whatever no rule allows.' },
  { id: 'error', answer: 'deny', says: 'Whatever could not be decided because a rule failed.' },
];

export type RuleWords = Pick<Rule, 'id' | 'answer' | 'says'>;

/** Every rule in words, in the order in which they decide: deny before confirm before allow. */
export function ruleWords(): RuleWords[] {
  const words = RULES.map(({ id, answer, says }) => ({ id, answer, says }));
  return [...(['deny', 'confirm', 'allow'] as const).flatMap((answer) => words.filter((rule) => rule.answer === answer)), ...OTHERWISE];
}

/** The foundation's rules. An error inside is a deny. */
export const decideByTier: Decide = (question) => {
  try {
    for (const answer of ['deny', 'confirm', 'allow'] as const) {
      const matching = RULES.filter((rule) => rule.answer === answer && rule.when(question));
      if (matching.length > 0) {
        return { answer, rules: matching.map((rule) => rule.id), reason: matching.map((rule) => rule.reason(question)).join('; ') };
      }
    }
    return { answer: 'deny', rules: ['default_deny'], reason: `no rule allows ${question.name}` };
  } catch (thrown) {
    // A decision that cannot be made must not let anything through (spec POL-1: default deny).
    return {
      answer: 'deny',
      rules: ['error'],
      reason: `the policy could not be evaluated: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    };
  }
};
