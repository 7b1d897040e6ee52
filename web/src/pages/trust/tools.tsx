/** All tools that agents could be allowed to call, and tool servers that do not answer. */
import type { ToolView } from '../../../../src/runtime/tools/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import { ChoiceFilter } from '../../parts/filters.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Notice } from '../../parts/states.tsx';
import { api } from '../../state/api.ts';
import { useCall } from '../../state/query.ts';
import { useParams } from '../../state/router.ts';
import { TrustPage } from './frame.tsx';

const COLUMNS: readonly Column<ToolView>[] = [
  {
    title: 'Tool',
    render: (tool) => (
      <a className="over mono" href={`/trust/tools/${encodeURIComponent(tool.name)}`}>
        {tool.name}
      </a>
    ),
  },
  { title: 'Does', render: (tool) => <SideEffect tool={tool} /> },
  {
    title: 'What for',
    wide: true,
    minor: true,
    render: (tool) => (
      <div className="clip muted" title={tool.description}>
        {tool.description}
      </div>
    ),
  },
  { title: 'From', end: true, minor: true, render: (tool) => tool.source },
];

const TONES = { read: 'plain', reversible: 'plain', irreversible: 'bad', external: 'wait' } as const;

export function SideEffect({ tool }: { tool: Pick<ToolView, 'sideEffect'> }) {
  return <Badge tone={TONES[tool.sideEffect]}>{tool.sideEffect}</Badge>;
}

export function Tools() {
  const [params] = useParams();
  const all = useCall(api.tools.list, {}, { everyMs: 60_000 });
  const sources = [...new Set(all.data?.items.map(({ source }) => source) ?? [])];
  const source = params.get('source');
  const items = all.data?.items.filter((tool) => source === null || tool.source === source);
  return (
    <TrustPage title="Tools">
      {sources.length > 1 && (
        <div className="filters" role="search">
          <ChoiceFilter label="From" name="source" any="From anywhere" choices={sources} />
        </div>
      )}
      {all.data?.faults.map((fault) => (
        <Notice key={fault.tool} kind="bad">
          <code>{fault.tool}</code> cannot be called: {fault.why}
        </Notice>
      ))}
      <Card flush>
        <List
          what="tools"
          rows={{ ...all, items, total: null, more: null }}
          columns={COLUMNS}
          keyOf={(tool) => tool.name}
          empty={<Empty title="No tool">Tools come with Windlass and from the tool servers of its configuration.</Empty>}
        />
      </Card>
    </TrustPage>
  );
}
