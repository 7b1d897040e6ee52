/** Spend by day: a chart by agent, model, project, key or person, the same figures as a table, and what they leave open. */
import { useMemo } from 'react';
import type { Figures as Spent, SpendDays } from '../../../../src/work/spend/contract.ts';
import type { DaySeries } from './day-chart.tsx';
import { DayChart, SERIES_MAX } from './day-chart.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';
import { api } from '../../state/api.ts';
import { money, number, plural, tokens } from '../../state/format.ts';
import { useCall } from '../../state/query.ts';
import { useParams } from '../../state/router.ts';

export const BY = ['agent', 'model', 'project', 'key', 'actor'] as const;
export const BY_WORDS = { agent: 'agent', model: 'model', project: 'project', key: 'key', actor: 'person' } as const;
const UNITS = ['money', 'tokens', 'calls'] as const;
const SPANS = [7, 30, 90] as const;
type Unit = (typeof UNITS)[number];
type Day = SpendDays['parts']['rest'][number];

const VALUE: Readonly<Record<Unit, (day: Day) => number>> = {
  money: ({ microUsd }) => microUsd,
  tokens: (day) => day.tokens,
  calls: ({ calls }) => calls,
};

export function said(value: number, unit: Unit, known = true): string {
  if (unit === 'money') return money({ microUsd: value, known });
  return unit === 'tokens' ? tokens(value) : number(value);
}

const dayWords = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' });
const longDayWords = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric', month: 'short', timeZone: 'UTC' });

export function useBy(): (typeof BY)[number] {
  const [params] = useParams();
  return BY.find((each) => each === params.get('by')) ?? 'agent';
}

export function ByDay() {
  const [params] = useParams();
  const by = useBy();
  const unit = UNITS.find((each) => each === params.get('unit')) ?? 'money';
  const span = SPANS.find((each) => String(each) === params.get('days')) ?? 30;
  const read = useCall(api.spend.days, { days: span, by }, { live: ['run.ended', 'budget'], everyMs: 60_000 });
  return (
    <Card title="By day" beside={<Choices by={by} unit={unit} span={span} />}>
      <Loaded query={read} what="spend by day">
        {(found) => <Chart found={found} unit={unit} />}
      </Loaded>
    </Card>
  );
}

function Choices({ by, unit, span }: { by: (typeof BY)[number]; unit: Unit; span: number }) {
  const [, setParams] = useParams();
  return (
    <span className="row tight">
      <select className="select" aria-label="By" value={by} onChange={(event) => setParams({ by: event.target.value })}>
        {BY.map((each) => (
          <option key={each} value={each}>
            by {BY_WORDS[each]}
          </option>
        ))}
      </select>
      <select className="select" aria-label="What is counted" value={unit} onChange={(event) => setParams({ unit: event.target.value })}>
        {UNITS.map((each) => (
          <option key={each}>{each}</option>
        ))}
      </select>
      <select className="select" aria-label="How far back" value={span} onChange={(event) => setParams({ days: event.target.value })}>
        {SPANS.map((each) => (
          <option key={each} value={each}>
            {each} days
          </option>
        ))}
      </select>
    </span>
  );
}

const NOTHING = 'Every call of a model is counted here, of runs and of the gateway.';

function Chart({ found, unit }: { found: SpendDays; unit: Unit }) {
  const { days, parts, sum, by } = found;
  const drawn = useMemo(() => {
    const named = parts.items.slice(0, SERIES_MAX - 1);
    const others = [...parts.items.slice(SERIES_MAX - 1).map((part) => part.days), parts.rest];
    const rest = days.map((_day, index) => others.reduce((total, each) => total + (each[index] === undefined ? 0 : VALUE[unit](each[index])), 0));
    const series: DaySeries[] = named.map(({ name, days: each }) => ({ name, values: each.map(VALUE[unit]) }));
    if (rest.some((value) => value > 0)) series.push({ name: 'others', values: rest });
    return {
      series,
      names: days.map(({ sinceMs }) => dayWords.format(sinceMs)),
      least: days.map(({ unpricedCalls }) => unit === 'money' && unpricedCalls > 0),
    };
  }, [found, unit]);
  if (drawn.series.every(({ values }) => values.every((value) => value === 0))) {
    return (
      <Empty title={unit === 'money' && sum.unpricedCalls > 0 ? 'Nothing with a known price in these days' : 'Nothing was spent in these days'}>
        {sum.calls + sum.rehearsedCalls === 0 ? NOTHING : sayAll(found, unit)}
      </Empty>
    );
  }
  const say = (day: number): string => sayDay(found, { day, unit, series: drawn.series });
  return (
    <>
      <DayChart
        label={`Spend by day and ${BY_WORDS[by]}, in ${unit}`}
        days={drawn.names}
        series={drawn.series}
        least={drawn.least}
        format={(value) => said(value, unit)}
        say={say}
      />
      <p className="muted small">{sayAll(found, unit)}</p>
      <Table found={found} unit={unit} series={drawn.series} />
    </>
  );
}

type Told = { day: number; unit: Unit; series: readonly DaySeries[] };

function totalOf(day: Spent, unit: Unit): string {
  if (unit === 'money') return money({ microUsd: day.microUsd, known: day.unpricedCalls === 0 });
  return unit === 'tokens' ? `${tokens(day.inputTokens + day.outputTokens)} tokens` : plural(day.calls, 'call');
}

function sayDay({ days }: SpendDays, { day, unit, series }: Told): string {
  const found = days[day];
  if (found === undefined) return '';
  const parts = series.flatMap(({ name, values }) => (values[day] === undefined || values[day] === 0 ? [] : [`${name} ${said(values[day], unit)}`]));
  const left = [
    ...(unit === 'money' && found.unpricedCalls > 0 ? [`${plural(found.unpricedCalls, 'call')} without a price`] : []),
    ...(found.estimatedCalls > 0 ? [`${plural(found.estimatedCalls, 'call')} estimated`] : []),
    ...(found.rehearsedCalls > 0 ? [`${plural(found.rehearsedCalls, 'call')} rehearsed`] : []),
  ];
  const when = `${longDayWords.format(found.sinceMs)}${day === days.length - 1 ? ', which is not over' : ''}`;
  return [`${when}: ${totalOf(found, unit)}`, ...(parts.length > 1 || left.length > 0 ? [[...parts, ...left].join(', ')] : parts)].join('. ');
}

/** The whole in words: how much, where most of it went, the dearest day, what is left open. */
function sayAll({ days, sum, parts, by }: SpendDays, unit: Unit): string {
  const [first] = parts.items;
  const most = days.toSorted((a, b) => b.microUsd - a.microUsd)[0];
  return [
    `${totalOf(sum, unit)} in ${days.length} days, ${plural(sum.calls, 'call')}.`,
    ...(first === undefined || first.sum.microUsd === 0 || unit !== 'money'
      ? []
      : [`Most by the ${BY_WORDS[by]} ${first.name}: ${money({ microUsd: first.sum.microUsd, known: true })}.`]),
    ...(most === undefined || most.microUsd === 0 || unit !== 'money' ? [] : [`The dearest day was ${longDayWords.format(most.sinceMs)}.`]),
    ...(sum.unpricedCalls === 0 || unit !== 'money'
      ? []
      : [`Days with ≥ are lower bounds: ${plural(sum.unpricedCalls, 'call')} of models without a price.`]),
    ...(sum.estimatedCalls === 0 ? [] : [`${plural(sum.estimatedCalls, 'call')} broke off and are counted at what they had reserved.`]),
    ...(sum.rehearsedCalls === 0 ? [] : [`${plural(sum.rehearsedCalls, 'call')} were rehearsed and cost nothing.`]),
    'Days are of UTC.',
  ].join(' ');
}

function Table({ found, unit, series }: { found: SpendDays; unit: Unit; series: readonly DaySeries[] }) {
  const rows = found.days.map((day, index) => ({ day, index })).filter(({ day }) => day.calls > 0 || day.rehearsedCalls > 0);
  return (
    <details>
      <summary>The same as a table</summary>
      <div className="list" tabIndex={0} role="group" aria-label="Spend by day as a table">
        <table>
          <caption className="unseen">
            Spend by day and {BY_WORDS[found.by]}, in {unit}
          </caption>
          <thead>
            <tr>
              <th scope="col">Day</th>
              <th scope="col" className="end">
                All
              </th>
              {series.map(({ name }, index) => (
                <th key={`${index} ${name}`} scope="col" className="end">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.toReversed().map(({ day, index }) => (
              <tr key={day.day}>
                <th scope="row" className="nowrap">
                  {longDayWords.format(day.sinceMs)}
                </th>
                <td className="end">{totalOf(day, unit)}</td>
                {series.map(({ name, values }, part) => (
                  <td key={`${part} ${name}`} className="end">
                    {values[index] === 0 ? '–' : said(values[index] ?? 0, unit)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
