// Sessions: who came, newest first, and what one visitor did.
import { useState } from 'preact/hooks';
import { usePoll } from '../../api/poll';
import type { Report } from '../../api/types';
import { route, to } from '../../state/route';
import { now, zone } from '../../state/settings';
import { Sheet } from '../../ui/dialog';
import { ago, count, country, moment, share, span } from '../../ui/format';
import { Foreign, html } from '../../ui/html';
import { Answer, Empty, Figures, Panel, Table } from '../../ui/parts';
import { period, Period, report } from '../../ui/period';

const LOOK_MS = 15_000;
const MOST = 500;
const SHOWN = 50;

interface Session {
  id: string;
  visitor: string;
  start: string;
  last: string;
  duration_s: number;
  pageviews: number;
  events: number;
  interactions: number;
  engaged_ms: number;
  conversions: number;
  is_bounce: boolean;
  is_engaged: boolean;
  entry: string;
  exit: string;
  referrer: string;
  channel: string;
  source: string;
  campaign: string;
  country: string;
  city: string;
  device: string;
  browser: string;
  os: string;
}

type Listed = Report<Session>;

export function Sessions() {
  const answer = usePoll<Listed>(report('sessions', { limit: MOST }), LOOK_MS);
  const [text, filter] = useState('');
  const visitor = route.value.detail;
  const search = html`<input
    type="search"
    aria-label="Filter the list"
    placeholder="Visitor, page, channel, country"
    value=${text}
    onInput=${(event: Event) => filter((event.target as HTMLInputElement).value)}
  />`;
  return html`<${Period} title="Sessions" isFiltered />
    <${Answer} of=${answer}>
      ${({ rows, totals }: Listed) => {
        const shown = rows.filter((row) => passes(row, text));
        return html`<div class="stack">
            <${Figures}
              of=${[
                { name: 'Sessions', value: count(totals.sessions ?? rows.length) },
                { name: 'Visitors', value: count(totals.visitors ?? 0) },
                { name: 'Bounce rate', value: share(totals.bounce_rate ?? 0) },
                { name: 'Duration', value: span((totals.avg_duration_s ?? 0) * 1000) },
              ]}
            />
            <${Panel} title="Newest sessions" tools=${search} flush>
              ${
                shown.length === 0
                  ? html`<${Empty}
                      what=${rows.length ? 'No session passes the filter.' : 'No session in this time.'}
                      next=${rows.length ? '' : html`A page view of a browser begins one. <a href="#/sources">Install the tracker</a>`}
                    />`
                  : html`<${Table} label="Sessions" head=${HEAD}
                      >${shown.slice(0, SHOWN).map((row) => html`<${Line} key=${row.id} of=${row} />`)}<//
                    >`
              }
              ${shown.length > SHOWN && html`<p class="muted small pad">${count(shown.length - SHOWN)} older ones; choose a shorter period or a filter.</p>`}
            <//>
          </div>
          ${visitor && html`<${Visitor} id=${visitor} sessions=${rows.filter((row) => row.visitor === visitor)} />`}`;
      }}
    <//>`;
}

const HEAD: [string, boolean?][] = [['Visitor'], ['Began'], ['Way'], ['Views', true], ['Duration', true], ['From'], ['Place'], ['With']];

const passes = (row: Session, text: string): boolean =>
  !text ||
  [row.visitor, row.entry, row.exit, row.channel, row.source, row.country, country(row.country), row.city, row.browser].some((one) =>
    one.toLowerCase().includes(text.toLowerCase()),
  );

const home = () => to('sessions', '', { period: period().key });

const Line = ({ of }: { of: Session }) =>
  html`<tr class="pick">
    <td class="tight">
      <a href=${to('sessions', of.visitor, { period: period().key })} title=${of.visitor}
        ><${Foreign} text=${of.visitor.length > 14 ? `${of.visitor.slice(0, 13)}…` : of.visitor}
      /></a>
    </td>
    <td class="tight">
      <time datetime=${of.start} title=${moment(of.start, zone.value)}>${ago(of.start, now.value)}</time>
    </td>
    <td class="way"><${Way} of=${of} /></td>
    <td class="num">${count(of.pageviews)}</td>
    <td class="num">${span(of.duration_s * 1000)}</td>
    <td class="tight"><${Foreign} text=${of.channel} /></td>
    <td class="tight">${country(of.country)}</td>
    <td class="tight"><${Foreign} text=${[of.browser, of.os].filter(Boolean).join(', ')} /></td>
  </tr>`;

const Way = ({ of }: { of: Session }) =>
  html`<${Foreign}
      text=${of.entry}
    />${of.exit !== of.entry && html` <span class="muted" aria-label="to">→</span> <${Foreign} text=${of.exit} />`}
    ${of.conversions > 0 && html` <span class="chip good">${count(of.conversions)} ${of.conversions === 1 ? 'order' : 'orders'}</span>`}`;

/** What one visitor did in the period, session by session. */
function Visitor({ id, sessions }: { id: string; sessions: Session[] }) {
  const total = (key: 'pageviews' | 'interactions' | 'conversions') => sessions.reduce((sum, one) => sum + one[key], 0);
  return html`<${Sheet}
    title=${html`Visitor <code><${Foreign} text=${id} /></code>`}
    close=${() => (location.hash = home())}
  >
    <${Figures}
      compact
      of=${[
        { name: 'Sessions', value: count(sessions.length) },
        { name: 'Views', value: count(total('pageviews')) },
        { name: 'Interactions', value: count(total('interactions')) },
        { name: 'Orders', value: count(total('conversions')) },
      ]}
    />
    ${sessions.length === 0 && html`<${Empty} what="Not among the newest sessions of this period." next="Choose another period." />`}
    <ol class="path">
      ${sessions.map((one) => html`<${Visit} key=${one.id} of=${one} />`)}
    </ol>
    <p class="small muted">To erase a visitor, run <code>opentrack forget --user ID</code> on the router's machine.</p>
  <//>`;
}

const Visit = ({ of }: { of: Session }) =>
  html`<li class=${of.conversions > 0 ? 'good' : ''}>
    <div class="line">
      <strong>${moment(of.start, zone.value)}</strong
      ><span class="muted">${span(of.duration_s * 1000)}, looked at for ${span(of.engaged_ms)}</span>
    </div>
    <p><${Way} of=${of} /></p>
    <p class="small muted">
      ${count(of.pageviews)} views, ${count(of.interactions)}${' '}
      interactions${of.is_bounce ? ', bounced' : of.is_engaged ? ', engaged' : ''} ·${' '}
      <${Foreign} text=${[of.channel, of.source, of.campaign].filter(Boolean).join(' / ')} />${' '}
      · ${country(of.country)} · <${Foreign} text=${[of.device, of.browser, of.os].filter(Boolean).join(', ')} />
    </p>
  </li>`;
