/** The policy: its rules in words, and what it would decide of a call that nobody makes. */
import { useState } from 'react';
import type { PolicyRule, PolicyTrial } from '../../../../src/work/policy-trial/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Notice } from '../../parts/states.tsx';
import { useAct } from '../../state/act.ts';
import { api } from '../../state/api.ts';
import { useCall } from '../../state/query.ts';
import { useParams } from '../../state/router.ts';
import { TrustPage } from './frame.tsx';

const ANSWERS = {
  allow: { tone: 'good', notice: 'good', word: 'allowed' },
  confirm: { tone: 'wait', notice: 'wait', word: 'a person is asked' },
  deny: { tone: 'bad', notice: 'bad', word: 'refused' },
  invalid: { tone: 'plain', notice: 'bad', word: 'arguments do not fit' },
} as const;

const COLUMNS: readonly Column<PolicyRule>[] = [
  { title: 'Answer', render: (rule) => <Answer answer={rule.answer} /> },
  { title: 'When', wide: true, render: (rule) => rule.says },
  { title: 'Rule', end: true, minor: true, render: (rule) => <code>{rule.id}</code> },
];

function Answer({ answer }: { answer: keyof typeof ANSWERS }) {
  return <Badge tone={ANSWERS[answer].tone}>{ANSWERS[answer].word}</Badge>;
}

export function Policy() {
  const rules = useCall(api.policy.rules, {});
  return (
    <TrustPage title="Policy">
      <Card title="What would be decided?">
        <Trial />
      </Card>
      <Card title="Rules" flush>
        <List
          what="rules"
          rows={{ ...rules, items: rules.data?.items, total: null, more: null }}
          columns={COLUMNS}
          keyOf={(rule) => rule.id}
          empty={<Empty title="No rule" />}
        />
      </Card>
    </TrustPage>
  );
}

const LABELS = [
  { label: 'untrusted', says: 'it has read words from outside' },
  { label: 'private', says: 'it has read private data' },
] as const;

function Trial() {
  const [params] = useParams();
  const [agent, setAgent] = useState(params.get('agent') ?? '');
  const [tool, setTool] = useState(params.get('tool') ?? '');
  const [labels, setLabels] = useState<readonly (typeof LABELS)[number]['label'][]>([]);
  const [args, setArgs] = useState('');
  const [found, setFound] = useState<PolicyTrial | null>(null);
  const { busy, run } = useAct();
  const agents = useCall(api.agents.list, { limit: 200 });
  const definition = useCall(api.agents.get, agent === '' ? null : { name: agent });
  const tools = useCall(api.tools.list, {});
  const [fault, setFault] = useState<string | null>(null);
  const ask = async (): Promise<void> => {
    const parsed = argumentsOf(args);
    setFault(parsed.ok ? null : parsed.fault);
    if (!parsed.ok) return;
    const given = parsed.args === null ? {} : { args: parsed.args };
    await run(async () => {
      setFound(await api.policy.try({ agent, tool: tool.trim(), labels: [...labels], ...given }));
      return null;
    });
  };
  const named = definition.data?.definition.kind === 'model' ? definition.data.definition.tools : [];
  const known = [...new Set([...named.filter((name) => !name.endsWith('.*')), ...(tools.data?.items.map(({ name }) => name) ?? [])])];
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void ask();
      }}
    >
      <p className="muted">Nothing is carried out. It is decided by the same rules as in a run; limits and budgets come on top.</p>
      <div className="field">
        <label htmlFor="trial-agent">If the agent</label>
        <select id="trial-agent" className="select" value={agent} onChange={(event) => setAgent(event.target.value)}>
          <option value="">Choose one</option>
          {agents.data?.items.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </div>
      <div className="field">
        <label htmlFor="trial-tool">called the tool</label>
        <input
          id="trial-tool"
          className="input mono"
          list="trial-tools"
          spellCheck={false}
          autoComplete="off"
          value={tool}
          onChange={(event) => setTool(event.target.value)}
        />
        <datalist id="trial-tools">
          {known.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </div>
      <fieldset>
        <legend>when in its run</legend>
        {LABELS.map(({ label, says }) => (
          <label key={label} className="check">
            <input
              type="checkbox"
              checked={labels.includes(label)}
              onChange={(event) => setLabels(event.target.checked ? [...labels, label] : labels.filter((other) => other !== label))}
            />
            <span>
              {says} <span className="muted">({label})</span>
            </span>
          </label>
        ))}
      </fieldset>
      <div className="field">
        <label htmlFor="trial-args">with these arguments</label>
        <textarea
          id="trial-args"
          className="area mono"
          rows={2}
          spellCheck={false}
          value={args}
          aria-describedby="trial-args-about"
          aria-invalid={fault === null ? undefined : true}
          onChange={(event) => setArgs(event.target.value)}
        />
        <div id="trial-args-about">
          {fault !== null && <div className="fault">{fault}</div>}
          <div className="hint">JSON, as in {'{"url": "https://example.com"}'}. Left out, whether they fit is not looked at.</div>
        </div>
      </div>
      <div>
        <button type="submit" className="button main" disabled={busy || agent === '' || tool.trim() === ''}>
          What would be decided?
        </button>
      </div>
      {found !== null && <Decided trial={found} />}
    </form>
  );
}

function Decided({ trial }: { trial: PolicyTrial }) {
  return (
    <div role="status" className="stack">
      <Notice kind={ANSWERS[trial.answer].notice}>
        <Answer answer={trial.answer} /> {trial.reason}.
      </Notice>
      <dl className="facts">
        <dt>Decided by</dt>
        <dd>
          {trial.rules.length === 0
            ? 'no rule: the model would be told, and nothing would happen'
            : trial.rules.map((id) => <code key={id}>{id} </code>)}
        </dd>
        <dt>Agent</dt>
        <dd>
          <a href={`/agents/${encodeURIComponent(trial.agent.name)}`}>{trial.agent.name}</a>, version {trial.agent.version}, tier {trial.tier}
        </dd>
        <dt>Taken for</dt>
        <dd>{trial.sideEffect === null ? 'nothing: the agent does not have it' : trial.sideEffect}</dd>
        <dt>Labels of the run</dt>
        <dd>{trial.labels.join(', ') || 'none'}</dd>
        <dt>After its result</dt>
        <dd>{trial.labelsAfter.join(', ') || 'none'}</dd>
        {trial.sideEffect === null && (
          <>
            <dt>It may call</dt>
            <dd>{trial.tools.join(', ') || 'nothing'}</dd>
          </>
        )}
      </dl>
    </div>
  );
}

type Arguments = { ok: true; args: Record<string, never> | null } | { ok: false; fault: string };

/** Null where nothing was typed. */
function argumentsOf(text: string): Arguments {
  if (text.trim() === '') return { ok: true, args: null };
  try {
    const args: unknown = JSON.parse(text);
    if (typeof args === 'object' && args !== null && !Array.isArray(args)) return { ok: true, args: args as Record<string, never> };
    return { ok: false, fault: 'Give an object, in {braces}.' };
  } catch {
    return { ok: false, fault: 'This is no JSON yet.' };
  }
}
