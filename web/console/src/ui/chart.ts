// Lines and bars over time, drawn by uPlot. What a drawing shows is said in words beside it.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { isDark, zone } from '../state/settings';
import { clock, day, hour, time } from './format';
import { html } from './html';

export interface Line {
  name: string;
  tone: 'a' | 'b' | 'soft';
  values: (number | null)[];
  bars?: boolean;
  dashed?: boolean;
  show?: (value: number) => string;
}

interface ChartProps {
  /** What it shows, for whoever does not see it. */
  label: string;
  /** Seconds since 1970. */
  times: number[];
  lines: Line[];
  /** How fine the times are. */
  by: 'second' | 'minute' | 'hour' | 'day';
  height?: number;
}

const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A chart as wide as its place. */
export function Chart({ label, times, lines, by, height = 220 }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const shown = useRef({ lines, by });
  shown.current = { lines, by };
  const shape = lines.map(({ name, tone, bars, dashed }) => [name, tone, bars, dashed].join()).join(';');
  useEffect(() => {
    const element = place.current!;
    const options = drawing(element.clientWidth, height, shown.current);
    options.hooks = { setCursor: [(self) => point(self, tip.current, shown.current)] };
    const made = new uPlot(options, data(times, lines), element);
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
    };
  }, [shape, by, isDark.value, zone.value, height]);
  useEffect(() => plot.current?.setData(data(times, lines)), [times, lines]);
  return html`<div class="chart" role="img" aria-label=${label}>
    <div ref=${place}></div>
    <div class="tip" ref=${tip} hidden></div>
  </div>`;
}

const data = (times: number[], lines: Line[]): uPlot.AlignedData => [times, ...lines.map(({ values }) => values)];

type Shown = Pick<ChartProps, 'lines' | 'by'>;

function drawing(width: number, height: number, { lines, by }: Shown): uPlot.Options {
  const [ink, line] = [colour('--muted'), colour('--line')];
  const font = '12px system-ui, sans-serif';
  const axis = { stroke: ink, font, grid: { stroke: line, width: 1 }, ticks: { show: false } };
  return {
    width,
    height,
    padding: [8, 24, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone.value),
    scales: { x: { range: (_, from, to) => around(from, to, lines) }, y: { range: (_, __, most) => [0, Math.max(4, most * 1.1)] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 64,
        size: 26,
        incrs: STEPS[by],
        values: (_, ticks) => ticks.map((tick) => AXIS[by](tick * 1000, zone.value)),
      },
      {
        ...axis,
        size: 44,
        gap: 4,
        space: 36,
        incrs: WHOLE,
        values: (_, ticks) => ticks.map((tick) => short.format(tick)),
      },
    ],
    series: [{}, ...lines.map(series)],
  };
}

type Write = (at: number, zone: string) => string;
const AXIS: Record<ChartProps['by'], Write> = { second: time, minute: time, hour: time, day };
const TIP: Record<ChartProps['by'], Write> = { second: clock, minute: time, hour, day };
const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;
/** Between two words on the axis, in seconds. */
const STEPS: Record<ChartProps['by'], number[]> = {
  second: [1, 2, 5, 15].map((step) => step * MINUTE),
  minute: [1, 5, 10, 15].map((step) => step * MINUTE),
  hour: [1, 2, 3, 4, 6, 12].map((step) => step * HOUR),
  day: [1, 2, 3, 5, 7, 14, 30, 60, 90].map((step) => step * DAY),
};

/** Bars are as wide as the time that they stand for, half of it on either side. */
function around(from: number, to: number, lines: Line[]): [number, number] {
  const half = lines.some(({ bars }) => bars) ? (to - from) / Math.max(2, lines[0]!.values.length - 1) / 2 : 0;
  return [from - half, to + half];
}

const short = new Intl.NumberFormat(navigator.language, { notation: 'compact' });
const WHOLE = [1, 2, 5].flatMap((step) => Array.from({ length: 12 }, (_, power) => step * 10 ** power)).sort((a, b) => a - b);

function series({ name, tone, bars, dashed }: Line): uPlot.Series {
  const stroke = colour(tone === 'soft' ? '--chart-soft' : `--chart-${tone}`);
  const common = { label: name, stroke, points: { show: false } };
  if (bars) return { ...common, width: 0, fill: stroke, paths: uPlot.paths.bars!({ size: [0.8, 40], radius: 0.15 }) };
  return { ...common, width: 2, ...(dashed ? { dash: [5, 5] } : {}), ...(tone === 'a' ? { fill: `${stroke}18` } : {}) };
}

/** Says the values at the pointer. */
function point(self: uPlot, tip: HTMLDivElement | null, { lines, by }: Shown): void {
  const index = self.cursor.idx;
  if (!tip) return;
  tip.hidden = index === null || index === undefined || (self.cursor.left ?? -1) < 0;
  if (tip.hidden || index === null || index === undefined) return;
  const values = lines.map(({ name, show }, at) => {
    const value = self.data[at + 1]?.[index];
    return value === null || value === undefined ? '' : `${name} ${(show ?? String)(value)}`;
  });
  tip.textContent = [TIP[by](self.data[0][index]! * 1000, zone.value), ...values.filter(Boolean)].join(' · ');
  const left = (self.cursor.left ?? 0) + 52;
  const most = self.root.clientWidth - tip.clientWidth - 4;
  tip.style.left = `${Math.max(0, Math.min(left, most))}px`;
  tip.style.top = '4px';
}
