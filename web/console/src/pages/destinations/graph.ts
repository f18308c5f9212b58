// The way of events at a glance: sources, the router, destinations.
import type { Destination, Source } from '../../api/types';
import { to } from '../../state/route';
import { now } from '../../state/settings';
import { Chip, tone } from '../../ui/fates';
import { ago, brief, latency, rate, span } from '../../ui/format';
import { classes, Foreign, html } from '../../ui/html';

/** The height of a node with the room around it, as in the style sheet. */
const ROW = 64;

interface GraphProps {
  sources: Source[];
  destinations: Destination[];
  chosen: string;
}

export function Graph({ sources, destinations, chosen }: GraphProps) {
  const left = Math.max(1, sources.length);
  const height = Math.max(left, destinations.length) * ROW;
  const entering = Math.max(0, ...destinations.map(({ rate }) => rate.in));
  return html`<section class="graph" aria-label="The way of events">
    <ul aria-label="Sources">
      ${
        sources.length === 0 &&
        html`<li>
          <a class="node" href=${to('sources')}><strong>Any source</strong><small>keys and snippets</small></a>
        </li>`
      }
      ${sources.map((one) => html`<li key=${one.name}><${From} of=${one} /></li>`)}
    </ul>
    <${Lines} count=${left} height=${height} kind=${() => (entering > 0 ? 'flows moves' : '')} />
    <div class="hub"><strong>Router</strong><small>${rate(entering)} in</small></div>
    <${Lines} isRight count=${destinations.length} height=${height} kind=${(at: number) => line(destinations[at]!)} />
    <ul aria-label="Destinations">
      ${destinations.map((one) => html`<li key=${one.name}><${Node} of=${one} isChosen=${one.name === chosen} /></li>`)}
    </ul>
  </section>`;
}

const From = ({ of }: { of: Source }) =>
  html`<a class="node" href=${to('sources', of.name)}>
    <strong><${Foreign} text=${of.name} /></strong><small>${brief(of.events_total)} events</small>
    <small>${of.last_event_at ? ago(of.last_event_at, now.value) : 'nothing yet'}</small>
  </a>`;

function Node({ of, isChosen }: { of: Destination; isChosen: boolean }) {
  const { backlog, oldest_age_ms: oldest } = of;
  return html`<a
    class=${classes('node', tone(of.state))}
    href=${isChosen ? to('destinations') : to('destinations', of.name)}
    aria-current=${isChosen ? 'true' : undefined}
  >
    <strong><${Foreign} text=${of.name} /></strong><${Chip} word=${of.state} />
    <small>
      ${!of.enabled ? of.type : backlog.events > 0 ? `${rate(of.rate.out)} out · ${brief(backlog.events)} wait, ${span(oldest)}` : `${rate(of.rate.out)} out · ${of.latency_ms ? `p95 ${latency(of.latency_ms.p95)}` : 'nothing waits'}`}
    </small>
  </a>`;
}

function line({ state, enabled, rate }: Destination): string {
  if (!enabled) return 'off';
  return state === 'flowing' ? `flows${rate.out > 0 ? ' moves' : ''}` : tone(state);
}

interface LinesProps {
  isRight?: boolean;
  count: number;
  height: number;
  kind: (at: number) => string;
}

/** Curves between the router and the nodes on one side. */
function Lines({ isRight, count, height, kind }: LinesProps) {
  const middle = height / 2;
  const first = (height - count * ROW) / 2 + ROW / 2;
  const curve = (at: number) => {
    const y = first + at * ROW;
    const [from, end] = isRight ? [middle, y] : [y, middle];
    return `M0 ${from} C50 ${from} 50 ${end} 100 ${end}`;
  };
  return html`<svg viewBox=${`0 0 100 ${height}`} preserveAspectRatio="none" aria-hidden="true">
    ${Array.from({ length: count }, (_, at) => html`<path key=${at} class=${kind(at)} d=${curve(at)} />`)}
  </svg>`;
}
