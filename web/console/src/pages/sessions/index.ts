// Sessions: who came, newest first, and what one visitor did.
import { useState } from 'preact/hooks';
import { usePoll } from '../../api/poll';
import type { Report } from '../../api/types';
import { route, to } from '../../state/route';
import { now, zone } from '../../state/settings';
import { ago, count, country, moment, share, span } from '../../ui/format';
import { Foreign, html } from '../../ui/html';
import { Answer, Empty, Figures, Panel, Table } from '../../ui/parts';
import { period, Period, report } from '../../ui/period';
import { Visitor } from './visitor';
import { Way, type Session } from './way';

const LOOK_MS = 15_000;
const MOST = 500;
const SHOWN = 50;

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
