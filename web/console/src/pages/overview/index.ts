// Overview: how many came, from where, to what, and how that was before.
import { useState } from 'preact/hooks';
import { usePoll } from '../../api/poll';
import type { Report } from '../../api/types';
import { Chart } from '../../ui/chart';
import { brief, count, country, share, span } from '../../ui/format';
import { html } from '../../ui/html';
import { Answer, Choice, Empty, Figures, Panel, type Figure } from '../../ui/parts';
import { change, period, Period, report, toggle } from '../../ui/period';
import { Rank } from '../../ui/rank';

const LOOK_MS = 30_000;

interface Time {
  time: string;
  views: number;
  visitors: number;
  sessions: number;
}

interface Totals {
  views: number;
  visitors: number;
  sessions: number;
  bounce_rate: number;
  avg_duration_s: number;
  conversions: number;
}

type Series = Report<Time, Totals>;

export function Overview() {
  const bucket = period().isHourly ? 'hour' : 'day';
  const series = usePoll<Series>(report('series', { bucket, limit: 1000 }), LOOK_MS);
  const before = usePoll<Series>(report('series', { bucket, limit: 1000 }, 'before'), 0);
  return html`<${Period} title="Overview" isFiltered />
    <div class="stack">
      <${Answer} of=${series}
        >${(data: Series) => html`<${Sums} of=${data.totals} before=${before.data?.totals} /><${Lines} of=${data} before=${before.data} />`}<//
      >
      <div class="grid">
        <${Breakdown} title="Sources" report="sources" of=${SOURCES} />
        <${Pages} />
        <${Breakdown} title="Places" report="geo" of=${PLACES} />
        <${Breakdown} title="Devices" report="devices" of=${DEVICES} />
        <${Events} />
      </div>
    </div>`;
}

function Sums({ of, before }: { of: Totals; before: Totals | undefined }) {
  const counted = (name: string, key: keyof Totals): Figure => ({
    name,
    value: brief(of[key] ?? 0),
    ...change(of[key] ?? 0, before?.[key]),
  });
  return html`<${Figures}
    of=${[
      counted('Visitors', 'visitors'),
      counted('Views', 'views'),
      counted('Sessions', 'sessions'),
      {
        name: 'Bounce rate',
        value: share(of.bounce_rate ?? 0),
        beside: before && `${share(before.bounce_rate ?? 0)} before`,
      },
      {
        name: 'Duration',
        value: span((of.avg_duration_s ?? 0) * 1000),
        beside: before && `${span((before.avg_duration_s ?? 0) * 1000)} before`,
      },
      counted('Conversions', 'conversions'),
    ]}
  />`;
}

const MEASURES = [
  ['visitors', 'Visitors'],
  ['views', 'Views'],
  ['sessions', 'Sessions'],
] as const;

function Lines({ of, before }: { of: Series; before: Series | undefined }) {
  const [measure, choose] = useState<'visitors' | 'views' | 'sessions'>('visitors');
  const isHourly = period().isHourly;
  const values = of.rows.map((row) => row[measure]);
  const tools = html`<${Choice} tabs label="What is drawn" of=${MEASURES} value=${measure} choose=${choose} />`;
  return html`<${Panel} title=${isHourly ? 'By hour' : 'By day'} tools=${tools}>
    ${
      values.every((value) => value === 0)
        ? html`<${Empty}
            what="Nobody came in this time."
            next=${html`Choose a longer period, or <a href="#/sources">install the tracker</a>.`}
          />`
        : html`<${Chart}
              label=${`${measure} over time: ${count(Math.max(...values))} at most`}
              height=${260}
              times=${of.rows.map(({ time }) => new Date(time).getTime() / 1000)}
              by=${isHourly ? 'hour' : 'day'}
              lines=${[
                { name: measure, tone: 'a', values, show: count },
                {
                  name: 'before',
                  tone: 'soft',
                  dashed: true,
                  values: of.rows.map((_, at) => before?.rows[at]?.[measure] ?? null),
                  show: count,
                },
              ]}
            />
            <p class="legend"><span>this period</span><span class="soft">the time before</span></p>`
    }
  <//>`;
}

const SOURCES = [
  ['channel', 'Channel'],
  ['source', 'Source'],
  ['medium', 'Medium'],
  ['campaign', 'Campaign'],
  ['referrer', 'Referrer'],
] as const;
const PLACES = [
  ['country', 'Country'],
  ['region', 'Region'],
  ['city', 'City'],
] as const;
const DEVICES = [
  ['device', 'Device'],
  ['browser', 'Browser'],
  ['os', 'System'],
] as const;

interface BreakdownProps {
  title: string;
  report: string;
  of: readonly (readonly [string, string])[];
}

function Breakdown({ title, report: name, of }: BreakdownProps) {
  const [by, choose] = useState<string>(of[0]![0]);
  const answer = usePoll<Report<Record<string, string | number>>>(report(name, { by, limit: 10 }), LOOK_MS);
  const tools = html`<${Choice} tabs label=${`${title} by`} of=${of} value=${by} choose=${choose} />`;
  return html`<${Panel} title=${title} tools=${tools} flush>
    <${Answer} of=${answer}>
      ${({ rows }: Report<Record<string, string | number>>) =>
        html`<${Rank}
          head=${[of.find(([key]) => key === by)![1], 'Visitors']}
          empty="Nothing in this time."
          choose=${(key: string) => toggle(by, key)}
          of=${rows.map((row) => ({ key: String(row[by] ?? ''), text: by === 'country' ? country(String(row[by])) : String(row[by] ?? ''), value: Number(row.visitors) }))}
        />`}
    <//>
  <//>`;
}

const PAGES = [
  ['views', 'Top'],
  ['entries', 'Entry'],
  ['exits', 'Exit'],
] as const;

type Page = { path: string; views: number; entries: number; exits: number };

function Pages() {
  const [by, choose] = useState<'views' | 'entries' | 'exits'>('views');
  const answer = usePoll<Report<Page>>(report('pages', { limit: 100 }), LOOK_MS);
  const tools = html`<${Choice} tabs label="Pages by" of=${PAGES} value=${by} choose=${choose} />`;
  return html`<${Panel} title="Pages" tools=${tools} flush>
    <${Answer} of=${answer}>
      ${({ rows }: Report<Page>) => {
        const sorted = rows.filter((row) => row[by] > 0).sort((a, b) => b[by] - a[by]);
        const of = sorted.slice(0, 10).map((row) => ({ key: row.path, value: row[by] }));
        return html`<${Rank}
          head=${['Page', by === 'views' ? 'Views' : 'Sessions']}
          empty="No page was seen in this time."
          choose=${(key: string) => toggle('path', key)}
          of=${of}
        />`;
      }}
    <//>
  <//>`;
}

function Events() {
  const answer = usePoll<Report<{ name?: string; event?: string; count: number }>>(report('events', { limit: 10 }), LOOK_MS);
  return html`<${Panel} title="Events" class="whole" flush>
    <${Answer} of=${answer}>
      ${({ rows }: Report<{ name?: string; event?: string; count: number }>) =>
        html`<${Rank}
          head=${['Event', 'Count']}
          empty="No track call in this time."
          choose=${(key: string) => toggle('event', key)}
          of=${rows.map((row) => ({ key: row.event ?? row.name ?? '', value: row.count }))}
        />`}
    <//>
  <//>`;
}
