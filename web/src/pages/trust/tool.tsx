/** One tool: what it does to the world, and what it takes. */
import { Json } from '../../parts/json.tsx';
import { Card, Page } from '../../parts/page.tsx';
import { Loaded } from '../../parts/states.tsx';
import type { PageProps } from '../../routes.ts';
import { api } from '../../state/api.ts';
import { duration } from '../../state/format.ts';
import { useCall } from '../../state/query.ts';
import { SideEffect } from './tools.tsx';

const CRUMBS = [{ to: '/trust/tools', label: 'Tools' }];

export function Tool({ params }: PageProps) {
  const tool = useCall(api.tools.get, { name: params['name'] ?? '' });
  const found = tool.data;
  return (
    <Page title={params['name'] ?? 'Tool'} crumbs={CRUMBS} beside={found === undefined ? undefined : <SideEffect tool={found} />}>
      <Loaded query={tool} what="the tool">
        {(shown) => (
          <>
            <Card>
              <div className="prose">{shown.description}</div>
            </Card>
            <Card title="Taken for">
              <dl className="facts">
                <dt>From</dt>
                <dd>{shown.source}</dd>
                <dt>Credential</dt>
                <dd>{shown.realm === '' ? 'none' : shown.realm}</dd>
                <dt>Its results</dt>
                <dd>{shown.taints ? 'are words of strangers: what follows from them is watched' : 'are trusted'}</dd>
                <dt>After a crash</dt>
                <dd>{shown.recovery.replaceAll('_', ' ')}</dd>
                <dt>Ends after</dt>
                <dd>{duration(shown.timeoutMs)}</dd>
              </dl>
            </Card>
            <p>
              <a href={`/trust/policy?tool=${encodeURIComponent(shown.name)}`}>What would be decided if an agent called it?</a>
            </p>
            <Card title="What it takes">
              <Json value={shown.inputSchema} />
            </Card>
          </>
        )}
      </Loaded>
    </Page>
  );
}
