// One visitor: their sessions in the period, their events as far as the journal has them, and how they are forgotten.
import { useState } from 'preact/hooks';
import { get, withQuery } from '../../api/client';
import { usePoll } from '../../api/poll';
import type { Timeline } from '../../api/types';
import { to } from '../../state/route';
import { zone } from '../../state/settings';
import { Act, Sheet } from '../../ui/dialog';
import { count, country, moment, span } from '../../ui/format';
import { Foreign, html } from '../../ui/html';
import { Journey } from '../../ui/journey';
import { Answer, Empty, Figures } from '../../ui/parts';
import { period } from '../../ui/period';
import { Erase } from './erase';
import { Way, type Session } from './way';

export function Visitor({ id, sessions }: { id: string; sessions: Session[] }) {
  const [seen, see] = useState('');
  const total = (key: 'pageviews' | 'interactions' | 'conversions') => sessions.reduce((sum, one) => sum + one[key], 0);
  if (seen) return html`<${Journey} id=${seen} close=${() => see('')} />`;
  return html`<${Sheet}
    title=${html`Visitor <code><${Foreign} text=${id} /></code>`}
    close=${() => (location.hash = to('sessions', '', { period: period().key }))}
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
    <h3>Sessions</h3>
    ${sessions.length === 0 && html`<${Empty} what="Not among the newest sessions of this period." next="Choose another period." />`}
    <ol class="path">
      ${sessions.map((one) => html`<${Visit} key=${one.id} of=${one} />`)}
    </ol>
    <h3>Events</h3>
    <${Events} id=${id} see=${see} />
    <${Erase} id=${id} />
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

function Events({ id, see }: { id: string; see: (id: string) => void }) {
  const path = withQuery('/api/events', { user: id });
  const listed = usePoll<Timeline>(path, 0);
  const [older, keep] = useState<Timeline>();
  return html`<${Answer} of=${listed}>
    ${(first: Timeline) => {
      const { next, looked_back_to: back, kept_since: kept } = older ?? first;
      // Those of one batch may have come in any order.
      const events = [...first.events, ...(older?.events ?? [])].sort((a, b) => (a.timestamp < b.timestamp ? 1 : -1));
      const more = async () => {
        const page = await get<Timeline>(withQuery(path, { cursor: next ?? '' }));
        keep({ ...page, events: [...(older?.events ?? []), ...page.events] });
      };
      return html`<ol class="path" aria-label="Events">
          ${events.map(
            (one) =>
              html`<li key=${one.message_id}>
                <div class="line">
                  <button type="button" class="link" onClick=${() => see(one.message_id)}>
                    <${Foreign} text=${one.name ?? one.kind} />
                  </button>
                  ${one.name && html`<span class="chip">${one.kind}</span>`}
                  ${one.path && html`<${Foreign} text=${one.path} />`}
                  <span class="muted small">${moment(one.timestamp, zone.value)}</span>
                </div>
              </li>`,
          )}
        </ol>
        ${
          next
            ? html`<p class="small muted">
                Looked back to ${back ? moment(back, zone.value) : 'nothing yet'}.${' '}
                <${Act} run=${more}>Look further back<//>
              </p>`
            : html`<p class="small muted">
                ${events.length === 0 ? 'None is in the journal. ' : ''}Older ones are not kept: the journal begins
                ${kept ? ` ${moment(kept, zone.value)}` : ' with the next event'}. Warehouses keep events for as long as they are told to.
              </p>`
        }`;
    }}
  <//>`;
}
