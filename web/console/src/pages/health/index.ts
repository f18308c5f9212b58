// Health: whether the router can take events, and how its journal is.
import { useEffect, useState } from 'preact/hooks';
import { getText } from '../../api/client';
import { usePoll } from '../../api/poll';
import { isDestination, type Ready } from '../../api/types';
import { to } from '../../state/route';
import { brief, bytes, latency } from '../../ui/format';
import { Foreign, html } from '../../ui/html';
import { Answer, Figures, Panel, sentence, type Figure } from '../../ui/parts';
import { sum, type Metrics } from './metrics';

const LOOK_MS = 3_000;
const WORDS: Record<Ready['status'], [string, string]> = {
  ready: ['good', 'Everything is fine.'],
  degraded: ['warn', 'Events are taken and stored; something else needs a look.'],
  not_ready: ['bad', 'Events cannot be stored: senders get 503 and try again.'],
};

export function Health() {
  const ready = usePoll<Ready>('/ready', LOOK_MS);
  const version = document.querySelector<HTMLMetaElement>('meta[name="opentrack-version"]')?.content;
  return html`<div class="top">
      <h1>Health</h1>
      <span class="muted">OpenTrack ${version}</span>
    </div>
    <div class="stack">
      <${Answer} of=${ready}>
        ${({ status, checks }: Ready) => {
          const [tone, words] = WORDS[status];
          return html`<div class=${`notice ${tone}`} role="status">
              <div><strong>${status.replace('_', ' ')}</strong> ${words}</div>
            </div>
            <${Numbers} />
            <${Panel} title="Checks" flush
              ><ul class="list">
                ${checks.map((check) => html`<${Check} key=${check.name} of=${check} />`)}
              </ul><//
            >`;
        }}
      <//>
      <${Panel} title="More">
        <p>
          <a href="/metrics">/metrics</a> has every number for Prometheus, <a href="/ready">/ready</a> what is above for
          a load balancer, <a href="/api/openapi.json">/api/openapi.json</a> the description of the interface.
        </p>
      <//>
    </div>`;
}

const Check = ({ of }: { of: Ready['checks'][number] }) =>
  html`<li class="letter">
    <div class="bar">
      <span class=${of.ok ? 'chip good' : 'chip bad'}>${of.ok ? 'fine' : 'not fine'}</span>
      <strong>${isDestination(of) ? html`<a href=${to('destinations', of.name)}><${Foreign} text=${of.name} /></a>` : html`<${Foreign} text=${of.name} />`}</strong>
      <span><${Foreign} text=${sentence(of.message)} /></span>
    </div>
  </li>`;

function Numbers() {
  const [text, keep] = useState<Metrics>();
  useEffect(() => {
    const read = () => document.hidden || getText('/metrics').then(keep, () => undefined);
    void read();
    const timer = setInterval(read, LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  if (text === undefined) return null;
  const of = (name: string) => sum(text, `opentrack_${name}`);
  const lost = of('events_lost_total');
  const most = of('journal_max_bytes');
  const commits = of('journal_commit_seconds_count');
  const figures: Figure[] = [
    { name: 'Accepted', value: brief(of('events_accepted_total')), beside: 'events since the start' },
    { name: 'Rejected', value: brief(of('events_rejected_total')), beside: 'set aside with a reason' },
    { name: 'Lost', value: brief(lost), beside: lost ? 'see each destination' : 'none', tone: lost ? 'bad' : 'good' },
    { name: 'Journal', value: bytes(of('journal_bytes')), beside: most ? `of ${bytes(most)}` : undefined },
    {
      name: 'Commit',
      value: commits ? latency((1000 * of('journal_commit_seconds_sum')) / commits) : '–',
      beside: 'on the average',
    },
    {
      name: 'In flight',
      value: bytes(of('http_bytes_in_flight')),
      beside: `${brief(of('http_requests_waiting'))} requests wait`,
    },
  ];
  return html`<${Figures} of=${figures} />`;
}
