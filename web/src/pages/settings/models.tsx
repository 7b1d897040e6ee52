/** Models: who can be called, where names lead, what they cost and since when that is known, and what was called without a price. */
import type { AliasView, ModelView, ProviderView } from '../../../../src/runtime/models/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import { ChoiceFilter, SearchFilter } from '../../parts/filters.tsx';
import type { Column } from '../../parts/list.tsx';
import { List, STILL } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Loaded, Notice } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import type { AnswerOf } from '../../state/api.ts';
import { api } from '../../state/api.ts';
import { duration, plural, tokens } from '../../state/format.ts';
import { useCall } from '../../state/query.ts';
import { useParams } from '../../state/router.ts';
import { SettingsPage } from './frame.tsx';

type Known = AnswerOf<typeof api.models.list>;

const EVERY_MS = 30_000;

export function Models() {
  const models = useCall(api.models.list, {}, { everyMs: EVERY_MS });
  return (
    <SettingsPage title="Models">
      <Loaded query={models} what="models">
        {(found) => (
          <>
            <Unpriced />
            <div className="columns">
              <Providers providers={found.providers} />
              <Aliases aliases={found.aliases} />
            </div>
            <Prices known={found} />
          </>
        )}
      </Loaded>
    </SettingsPage>
  );
}

/** What was called this month and could not be priced. */
function Unpriced() {
  const spend = useCall(api.spend.read, {}, { live: ['run.ended'], everyMs: 60_000 });
  const without = spend.data?.models.items.filter(({ month }) => month.unpricedCalls > 0) ?? [];
  if (without.length === 0) return null;
  return (
    <Notice>
      Called this month without a known price, so that what was spent is a lower bound:{' '}
      {without
        .map(({ name, month }) => `${name} (${plural(month.unpricedCalls, 'call')}, ${tokens(month.inputTokens + month.outputTokens)} tokens)`)
        .join(', ')}
      . Give them prices under <code>prices</code> in <code>windlass.yaml</code>.
    </Notice>
  );
}

const PROVIDER_COLUMNS: readonly Column<ProviderView>[] = [
  { title: 'Provider', render: ({ name }) => <b>{name}</b> },
  { title: 'State', render: (provider) => <ProviderState provider={provider} /> },
  {
    title: 'Why',
    wide: true,
    minor: true,
    render: ({ why }) => (
      <div className="clip muted" title={why}>
        {why}
      </div>
    ),
  },
];

function ProviderState({ provider: { configured, openUntilMs } }: { provider: ProviderView }) {
  if (!configured) return <Badge>no key</Badge>;
  if (openUntilMs === null) return <Badge tone="good">can be called</Badge>;
  return (
    <span className="row tight">
      <Badge tone="bad">left alone</Badge>
      <span className="muted small">
        until <Time ms={openUntilMs} />
      </span>
    </span>
  );
}

function Providers({ providers }: { providers: readonly ProviderView[] }) {
  return (
    <Card title="Providers" flush beside={<span className="muted small">as this server process knows them</span>}>
      <List what="providers" rows={{ ...STILL, items: providers, total: null }} columns={PROVIDER_COLUMNS} keyOf={({ name }) => name} empty={null} />
    </Card>
  );
}

const ALIAS_COLUMNS: readonly Column<AliasView>[] = [
  {
    title: 'Alias',
    render: ({ name, own }) => (
      <span className="nowrap">
        <b>{name}</b> {!own && <span className="muted small">built in</span>}
      </span>
    ),
  },
  {
    title: 'Leads to',
    wide: true,
    render: ({ models, fallbacks }) => (
      <>
        {models.map(({ model, weight, usable }) => (
          <div key={model} className="clip" title={model}>
            <span className="mono">{model}</span>
            {models.length > 1 && <span className="muted"> weight {weight}</span>}
            {!usable && <span className="muted"> (no key)</span>}
          </div>
        ))}
        {fallbacks.length > 0 && (
          <div className="muted small breaks">then {fallbacks.map(({ model, usable }) => (usable ? model : `${model} (no key)`)).join(', ')}</div>
        )}
      </>
    ),
  },
  {
    title: 'Answers kept',
    end: true,
    minor: true,
    render: ({ cacheSeconds }) => (cacheSeconds === null ? <span className="muted">no</span> : duration(cacheSeconds * 1_000)),
  },
];

function Aliases({ aliases }: { aliases: readonly AliasView[] }) {
  return (
    <Card title="Aliases" flush>
      <List
        what="aliases"
        rows={{ ...STILL, items: aliases, total: null }}
        columns={ALIAS_COLUMNS}
        keyOf={({ name }) => name}
        empty={
          <Empty title="No alias leads anywhere yet">
            <code>fast</code>, <code>smart</code> and <code>judge</code> are there once a provider has its key. Others are made under{' '}
            <code>aliases</code> in <code>windlass.yaml</code>.
          </Empty>
        }
      />
    </Card>
  );
}

const MILLION = 1_000_000;

function rate({ price }: ModelView, of: 'input' | 'cachedInput' | 'output') {
  if (price === null) return <span className="muted">–</span>;
  const usd = price[of] / MILLION;
  return `$${usd.toFixed(Number.isInteger(price[of] / 10_000) ? 2 : 3)}`;
}

/** Beside its name: what its price alone does not say. */
function aboutOf({ own, price }: ModelView): string {
  const long = price?.long;
  return [
    ...(price === null ? ['no price known'] : []),
    ...(own ? ['your price'] : []),
    ...(long === undefined ? [] : [`$${long.input / MILLION} in, $${long.output / MILLION} out over ${tokens(long.aboveTokens)} tokens`]),
  ].join(', ');
}

const MODEL_COLUMNS: readonly Column<ModelView>[] = [
  {
    title: 'Model',
    wide: true,
    render: (model) => (
      <div className="clip" title={model.id}>
        <span className="mono">{model.id}</span> <span className="muted small">{aboutOf(model)}</span>
      </div>
    ),
  },
  { title: 'Can be called', minor: true, render: ({ usable }) => (usable ? <Badge tone="good">yes</Badge> : <Badge>no key</Badge>) },
  { title: 'In', end: true, render: (model) => rate(model, 'input') },
  { title: 'Cached', end: true, minor: true, render: (model) => rate(model, 'cachedInput') },
  { title: 'Out', end: true, render: (model) => rate(model, 'output') },
  { title: 'Window', end: true, extra: true, render: ({ windowTokens }) => tokens(windowTokens) },
  { title: 'Price of', end: true, extra: true, render: ({ price }) => <span className="nowrap">{price === null ? '–' : price.date}</span> },
];

function Prices({ known }: { known: Known }) {
  const [params] = useParams();
  const provider = params.get('provider');
  const wanted = (params.get('q') ?? '').toLowerCase();
  const providers = [...new Set(known.models.map((each) => each.provider))];
  const items = known.models.filter((each) => (provider === null || each.provider === provider) && each.id.toLowerCase().includes(wanted));
  return (
    <>
      <div className="filters" role="search">
        <SearchFilter label="Find a model" />
        <ChoiceFilter label="Provider" name="provider" any="Every provider" choices={providers} />
      </div>
      <Card title="Prices" flush beside={<span className="muted small">US dollars for a million tokens</span>}>
        <List
          what="models"
          rows={{ ...STILL, items, total: { kind: 'exact', value: items.length } }}
          columns={MODEL_COLUMNS}
          keyOf={({ id }) => id}
          empty={<Empty title="No model is like that">A model that is not listed can be called all the same; what it costs is not known.</Empty>}
        />
      </Card>
      <p className="muted small">
        Prices that come with Windlass were read on <b>{known.prices.date}</b>. {known.prices.source}
      </p>
    </>
  );
}
