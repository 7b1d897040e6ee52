/** A new agent: from a template that ships with Windlass, or from nothing. */
import { Badge } from '../parts/badge.tsx';
import { Card, Page } from '../parts/page.tsx';
import { Loaded } from '../parts/states.tsx';
import { useAct } from '../state/act.ts';
import type { AnswerOf } from '../state/api.ts';
import { api } from '../state/api.ts';
import { useCall } from '../state/query.ts';
import { go } from '../state/router.ts';
import { Editor } from './agent/editor.tsx';

type Template = AnswerOf<typeof api.templates.list>['items'][number];

export function NewAgent() {
  const templates = useCall(api.templates.list, {}, { live: ['agent'] });
  return (
    <Page title="New agent" crumbs={[{ to: '/agents', label: 'Agents' }]}>
      <Card title="From a template">
        <Loaded query={templates} what="templates">
          {(found) => (
            <ul className="stack tight">
              {found.items.map((template) => (
                <TemplateRow key={template.name} template={template} />
              ))}
            </ul>
          )}
        </Loaded>
      </Card>
      <Editor agent={null} start={{}} />
    </Page>
  );
}

function TemplateRow({ template }: { template: Template }) {
  const { busy, run } = useAct();
  const add = (): Promise<boolean> =>
    run(async () => {
      const { message } = await api.templates.add({ name: template.name });
      go(`/agents/${template.name}`);
      return message;
    }, 'agent');
  return (
    <li className="row">
      <div className="grow">
        <b>{template.name}</b> {template.rehearsed && <Badge>works without a model</Badge>}
        <div className="muted small">{template.description}</div>
      </div>
      {template.added ? (
        <a className="button" href={`/agents/${template.name}`}>
          Is there
        </a>
      ) : (
        <button type="button" className="button" disabled={busy} onClick={() => void add()}>
          Add
        </button>
      )}
    </li>
  );
}
