/** All runs: found by agent and status, newest first, as they change. */
import { RUN_STATUSES } from 'virtual:words';
import type { RunStatus } from '../../../src/kernel/run-status.ts';
import { Card, Page } from '../parts/page.tsx';
import { RunList } from '../parts/run-list.tsx';
import { Empty } from '../parts/states.tsx';
import { api } from '../state/api.ts';
import { usePages } from '../state/pages.ts';
import { useCall } from '../state/query.ts';
import { useParams } from '../state/router.ts';

const STATUSES = RUN_STATUSES as readonly RunStatus[];

export function Runs() {
  const [params, setParams] = useParams();
  const agent = params.get('agent') ?? '';
  const status = STATUSES.find((each) => each === params.get('status'));
  const live = params.get('status') === 'live';
  const search = params.get('q') ?? '';
  const agents = useCall(api.agents.list, { limit: 200, archived: 'true' }, { live: ['agent'] });
  const filter = {
    ...(agent === '' ? {} : { agent }),
    ...(status === undefined ? {} : { status }),
    ...(live ? { live: 'true' } : {}),
    ...(search === '' ? {} : { search }),
  };
  const rows = usePages(api.runs.list, filter, { live: ['run'] });
  const filtered = Object.keys(filter).length > 0;
  return (
    <Page title="Runs">
      <div className="filters" role="search">
        <input
          className="input"
          type="search"
          aria-label="Find in why runs wait or how they ended, and by id"
          placeholder="Find a run"
          defaultValue={search}
          onChange={(event) => setParams({ q: event.target.value.trim() })}
        />
        <select
          className="select"
          aria-label="Status"
          value={live ? 'live' : (status ?? '')}
          onChange={(event) => setParams({ status: event.target.value })}
        >
          <option value="">Any status</option>
          <option value="live">Live</option>
          {STATUSES.map((each) => (
            <option key={each} value={each}>
              {each.replaceAll('_', ' ')}
            </option>
          ))}
        </select>
        <select className="select" aria-label="Agent" value={agent} onChange={(event) => setParams({ agent: event.target.value })}>
          <option value="">Any agent</option>
          {(agents.data?.items ?? []).map((each) => (
            <option key={each.id} value={each.name}>
              {each.name}
            </option>
          ))}
        </select>
        {filtered && (
          <button type="button" className="button plain" onClick={() => setParams({ q: null, status: null, agent: null })}>
            Clear
          </button>
        )}
      </div>
      <Card flush>
        <RunList
          rows={rows}
          empty={
            filtered ? (
              <Empty title="No run is like that">Clear the filters to see all runs.</Empty>
            ) : (
              <Empty title="No run yet">
                Start one from <a href="/agents">an agent</a>, or with <code>npx windlass run AGENT</code>.
              </Empty>
            )
          }
        />
      </Card>
    </Page>
  );
}
