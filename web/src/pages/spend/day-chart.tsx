/**
 * Amounts by day as stacked bars, drawn by uPlot on a canvas. Whoever does not see it moves from day to day with the arrow keys and hears
 * what is said of each; the figures themselves stand in a table beside it, which is the caller's.
 */
import { useEffect, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useTheme } from '../../state/theme.ts';

export type DaySeries = { name: string; values: readonly number[] };

type Props = {
  /** For people, as in `Spend by day and agent`. */
  label: string;
  /** Under the bars, oldest first. */
  days: readonly string[];
  /** Stacked in this order from below; at most `SERIES_MAX`. */
  series: readonly DaySeries[];
  /** Days whose bars are lower bounds: marked above. */
  least: readonly boolean[];
  /** Beside the axis. */
  format: (value: number) => string;
  /** What is said of a day. */
  say: (day: number) => string;
};

/** As many as there are colours in tokens.css. */
export const SERIES_MAX = 7;
const HEIGHT_PX = 220;
const SLIM_PX = 8;
const KEYS: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  PageUp: 7,
  PageDown: -7,
  Home: -Infinity,
  End: Infinity,
};

export function DayChart({ label, days, series, least, format, say }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const legend = useRef<HTMLUListElement>(null);
  const chart = useRef<uPlot | null>(null);
  const [day, setDay] = useState(days.length - 1);
  const look = useLook();
  const shown = Math.min(day, days.length - 1);
  useEffect(() => {
    const [into, swatches] = [place.current, legend.current];
    if (into === null || swatches === null) return undefined;
    const colours = [...swatches.querySelectorAll('i')].map((each) => getComputedStyle(each).backgroundColor);
    const drawn = draw(into, { days, series, least, format, colours, onDay: setDay });
    chart.current = drawn;
    const sized = new ResizeObserver(() => drawn.setSize({ width: into.clientWidth, height: HEIGHT_PX }));
    sized.observe(into);
    return () => {
      sized.disconnect();
      drawn.destroy();
    };
    // `format` is made anew at every render; what it formats says when it is another
  }, [days, series, least, look]);
  const move = (event: React.KeyboardEvent): void => {
    const step = KEYS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = Math.min(days.length - 1, Math.max(0, shown + step));
    setDay(next);
    chart.current?.setCursor({ left: chart.current.valToPos(next, 'x'), top: 0 });
  };
  return (
    <div className="day-chart">
      <ul className="legend" ref={legend}>
        {series.map(({ name }, index) => (
          <li key={`${index} ${name}`}>
            <i className={`c${index + 1}`} /> <span className="clip">{name}</span>
          </li>
        ))}
      </ul>
      <div
        className="chart"
        ref={place}
        role="slider"
        tabIndex={0}
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={days.length - 1}
        aria-valuenow={shown}
        aria-valuetext={say(shown)}
        onKeyDown={move}
      />
      <p className="small said">{say(shown)}</p>
    </div>
  );
}

/** Changes whenever colours do: the theme that was chosen, or the system's. */
function useLook(): string {
  const theme = useTheme();
  const [dark, setDark] = useState(() => matchMedia('(prefers-color-scheme: dark)').matches);
  useEffect(() => {
    const media = matchMedia('(prefers-color-scheme: dark)');
    const on = (): void => setDark(media.matches);
    media.addEventListener('change', on);
    return () => media.removeEventListener('change', on);
  }, []);
  return `${theme} ${dark}`;
}

type Drawing = Pick<Props, 'days' | 'series' | 'least' | 'format'> & { colours: readonly string[]; onDay: (day: number) => void };

function draw(into: HTMLElement, { days, series, least, format, colours, onDay }: Drawing): uPlot {
  const { color: text, fontFamily } = getComputedStyle(into);
  const [line, ground] = ['--chart-line', '--chart-ground'].map((name) => resolved(into, name)) as [string, string];
  const font = `12px ${fontFamily}`;
  const bars = uPlot.paths.bars?.({ size: [0.72, 44] });
  const axis = { stroke: text, font, ticks: { show: false } };
  // the whole stack first, what stands lower over it
  const stacks = series.map((_each, index) => days.map((_day, day) => sumTo(series, { index, day }) || null)).toReversed();
  return new uPlot(
    {
      width: into.clientWidth,
      height: HEIGHT_PX,
      legend: { show: false },
      padding: [14, 8, 0, 0],
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false, setScale: false } },
      scales: { x: { time: false, range: [-0.6, days.length - 0.4] }, y: { range: (_plot, _least, most) => [0, most > 0 ? most * 1.06 : 1] } },
      axes: [
        {
          ...axis,
          grid: { show: false },
          space: 56,
          size: 28,
          values: (_plot, at) => at.map((index) => (Number.isInteger(index) ? (days[index] ?? '') : '')),
        },
        { ...axis, grid: { stroke: line, width: 1 }, size: 64, space: 36, values: (_plot, at) => at.map(format) },
      ],
      series: [
        {},
        ...stacks.map((_each, index) => ({
          fill: colours[series.length - 1 - index] ?? text,
          stroke: ground,
          // a line of the ground between parts, where bars are wide enough to have one
          width: into.clientWidth / days.length < SLIM_PX ? 0 : 1,
          points: { show: false },
          ...(bars === undefined ? {} : { paths: bars }),
        })),
      ],
      hooks: {
        setCursor: [({ cursor: { idx } }) => typeof idx === 'number' && onDay(idx)],
        draw: [(plot) => markLeast(plot, { least, top: stacks[0] ?? [], text, font })],
      },
    },
    [days.map((_day, index) => index), ...stacks],
    into,
  );
}

function sumTo(series: readonly DaySeries[], { index, day }: { index: number; day: number }): number {
  return series.slice(0, index + 1).reduce((sum, { values }) => sum + (values[day] ?? 0), 0);
}

/** What a custom property comes to in the theme that holds. */
function resolved(inside: HTMLElement, name: string): string {
  const probe = document.createElement('i');
  probe.style.color = `var(${name})`;
  inside.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

type Marks = { least: readonly boolean[]; top: readonly (number | null)[]; text: string; font: string };

function markLeast(plot: uPlot, { least, top, text, font }: Marks): void {
  const { ctx } = plot;
  ctx.save();
  ctx.setTransform(1, 0, 0, 1, 0, 0);
  ctx.textBaseline = 'bottom';
  ctx.fillStyle = text;
  ctx.font = font.replace('12px', `${12 * devicePixelRatio}px`);
  ctx.textAlign = 'center';
  for (const [day, marked] of least.entries()) {
    if (marked) ctx.fillText('≥', plot.valToPos(day, 'x', true), plot.valToPos(top[day] ?? 0, 'y', true));
  }
  ctx.restore();
}
