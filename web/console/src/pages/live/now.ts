// Who is there now, and the last half hour minute by minute.
import { usePoll } from '../../api/poll';
import { withQuery } from '../../api/client';
import type { StreamState } from '../../api/stream';
import type { Presence, Realtime, Report } from '../../api/types';
import { site } from '../../state/settings';
import { Chart } from '../../ui/chart';
import { brief, count, country, money, tenth } from '../../ui/format';
import { html } from '../../ui/html';
import { Empty, Figures, Panel } from '../../ui/parts';
import { Rank } from '../../ui/rank';
import type { Sample } from './index';

interface NowProps {
  presence: Presence | undefined;
  report: Realtime | undefined;
  samples: Sample[];
  state: StreamState;
}

const STATES: Record<StreamState, string> = {
  connecting: 'connecting',
  open: 'live',
  waiting: 'connecting again',
  missing: 'off',
};

export function Now({ presence, report, samples, state }: NowProps) {
  return html`<div class="live-top">
      <section class="panel" aria-label="Active now">
        <header>
          <h2>Active now</h2>
          <span class=${`status ${state}`} role="status"><i></i>${STATES[state]}</span>
        </header>
        <div class="body stack">
          <div class="now-number">
            <strong>${presence ? brief(presence.m5) : '–'}</strong>
            <span class="muted">visitors in the last 5 minutes${presence?.estimated && ', about'}</span>
          </div>
          <${Figures}
            compact
            of=${[
              { name: '1 minute', value: presence ? brief(presence.m1) : '–' },
              { name: '30 minutes', value: presence ? brief(presence.m30) : '–' },
              { name: 'Sessions', value: presence ? brief(presence.sessions) : '–' },
              { name: 'Average', value: presence ? tenth(presence.ema) : '–' },
            ]}
          />
          <${Trend} samples=${samples} />
          ${presence?.degraded && html`<p class="small warn">Numbers of this router alone: the shared store does not answer.</p>`}
        </div>
      </section>
      <${Minutes} report=${report} />
    </div>
    <div class="grid thirds">
      <${Panel} title="Pages now" flush>
        <${Rank}
          of=${(presence?.pages ?? []).map(({ path, visitors }) => ({ key: path, value: visitors }))}
          head=${['Page', 'Visitors']}
          empty="Nobody is on a page."
        />
      <//>
      <${Countries} />
      <${Orders} presence=${presence} carts=${report?.totals.carts} />
    </div>`;
}

/** The moving average, since this page was opened. */
function Trend({ samples }: { samples: Sample[] }) {
  if (samples.length < 2) return null;
  const values = samples.map(({ ema }) => ema);
  return html`<div>
    <${Chart}
      label=${`Moving average of active visitors, ${tenth(values.at(-1)!)} now`}
      height=${92}
      times=${samples.map(({ at }) => at)}
      by="second"
      lines=${[{ name: 'average', tone: 'a', values, show: tenth }]}
    />
    <p class="legend"><span>moving average of active visitors</span></p>
  </div>`;
}

function Minutes({ report }: { report: Realtime | undefined }) {
  const rows = report?.rows ?? [];
  const visitors = rows.map((row) => row.visitors);
  return html`<${Panel}
    title="Last 30 minutes"
    tools=${html`<p class="legend"><span>visitors</span><span class="b">events</span></p>`}
  >
    ${!report && html`<p class="waiting">Loading…</p>`}
    ${
      report && rows.every(({ events }) => events === 0)
        ? html`<${Empty}
            what="Nobody was here."
            next=${html`Events of browsers show up here within two seconds. <a href="#/sources">Get a snippet</a>`}
          />`
        : report &&
          html`<${Chart}
            label=${`Visitors by minute, ${Math.max(...visitors)} at most`}
            height=${250}
            times=${rows.map(({ minute }) => new Date(minute).getTime() / 1000)}
            by="minute"
            lines=${[
              { name: 'visitors', tone: 'a', values: visitors, bars: true, show: count },
              { name: 'events', tone: 'b', values: rows.map(({ events }) => events), show: count },
            ]}
          />`
    }
  <//>`;
}

const HALF_HOUR = 1_800_000;
const COUNTRIES_MS = 15_000;

function Countries() {
  // Whole minutes, so that the question stays the same for one.
  const from = new Date(Math.floor((Date.now() - HALF_HOUR) / 60_000) * 60_000).toISOString();
  const to = new Date(Math.ceil(Date.now() / 60_000) * 60_000 + 60_000).toISOString();
  const { data } = usePoll<Report<{ country: string; visitors: number }>>(
    withQuery('/api/stats/geo', { site: site.value, from, to, limit: 10 }),
    COUNTRIES_MS,
  );
  return html`<${Panel} title="Countries, 30 minutes" flush>
    <${Rank}
      of=${(data?.rows ?? []).map((row) => ({ key: row.country, text: country(row.country), value: row.visitors }))}
      head=${['Country', 'Visitors']}
      empty="No session has begun."
    />
  <//>`;
}

function Orders({ presence, carts }: { presence: Presence | undefined; carts: number | undefined }) {
  const revenue = Object.entries(presence?.orders.revenue ?? {});
  return html`<${Panel} title="Orders today">
    <${Figures}
      compact
      of=${[
        { name: 'Orders', value: presence ? count(presence.orders.count) : '–' },
        ...revenue.map(([currency, { net }]) => ({ name: `Revenue, ${currency}`, value: money(net, currency) })),
        { name: 'Open carts', value: carts === undefined ? '–' : count(carts) },
      ]}
    />
  <//>`;
}
