// The journey of one event: what it is, and what became of it at every destination.
import type { Fate, Journey as Told } from '../api/types';
import { usePoll } from '../api/poll';
import { now, zone } from '../state/settings';
import { Sheet } from './dialog';
import { Chip, tone } from './fates';
import { clock, latency, moment, span } from './format';
import { Foreign, html } from './html';
import { Answer, sentence } from './parts';

const LOOK_MS = 2_000;

/** A sheet with the journey of an event. */
export function Journey({ id, close }: { id: string; close: () => void }) {
  const told = usePoll<Told>(`/api/events/${encodeURIComponent(id)}`, LOOK_MS);
  return html`<${Sheet} title=${html`Event <code><${Foreign} text=${id} /></code>`} close=${close}>
    <${Answer} of=${told}>${(journey: Told) => html`<${Way} journey=${journey} />`}<//>
  <//>`;
}

function Way({ journey }: { journey: Told }) {
  const fates = Object.entries(journey.destinations ?? {});
  return html`<ol class="path">
      ${journey.rejected ? html`<${Refused} of=${journey.rejected} />` : html`<${Accepted} journey=${journey} />`}
      ${fates.map(([name, fate]) => html`<${AtDestination} key=${name} name=${name} fate=${fate} />`)}
    </ol>
    ${!journey.rejected && fates.length === 0 && html`<p class="muted">No destination is configured: the event is kept in the journal.</p>`}
    ${
      journey.event !== undefined &&
      html`<section aria-label="The event">
        <h3>The event</h3>
        <${Json} value=${journey.event} />
      </section>`
    }`;
}

const Accepted = ({ journey }: { journey: Told }) =>
  html`<li class="good">
    <div class="line">
      <strong>Accepted</strong>
      ${journey.source && html`<span>from <${Foreign} text=${journey.source} /></span>`}
      ${journey.received_at && html`<span class="muted small">${moment(journey.received_at, zone.value)}</span>`}
    </div>
  </li>`;

const Refused = ({ of }: { of: NonNullable<Told['rejected']> }) =>
  html`<li class="bad">
    <div class="line"><strong>Rejected</strong><${Chip} word="dead" text=${of.code} /></div>
    <p><${Foreign} text=${sentence(of.message)} /> ${of.path && html`<code><${Foreign} text=${of.path} /></code>`}</p>
  </li>`;

function AtDestination({ name, fate }: { name: string; fate: Fate }) {
  const until = fate.next_attempt_at ? new Date(fate.next_attempt_at).getTime() - now.value : 0;
  return html`<li class=${tone(fate.fate)}>
    <div class="line">
      <strong><${Foreign} text=${name} /></strong><${Chip} word=${fate.fate} />
      ${fate.reason && html`<code><${Foreign} text=${fate.reason} /></code>`}
      ${
        fate.table &&
        html`<span class="muted small"
          >table <code><${Foreign} text=${fate.table} /></code
        ></span>`
      }
      ${until > 0 && html`<span class="muted small">next attempt in ${span(until)}</span>`}
    </div>
    ${fate.attempts.map(
      (attempt, index) =>
        html`<div class="try" key=${index}>
          <span class="small muted">
            Attempt ${index + 1} · ${clock(attempt.at, zone.value)} · ${attempt.status ?? 'no status'}
            ${attempt.latency_ms !== null && attempt.latency_ms !== undefined && html` · ${latency(attempt.latency_ms)}`}
          </span>
          ${attempt.answer && html`<pre class="words" tabindex="0"><${Foreign} text=${attempt.answer} /></pre>`}
        </div>`,
    )}
  </li>`;
}

/** A value as text. */
export const Json = ({ value }: { value: unknown }) =>
  html`<pre
    class="words json"
    tabindex="0"
  ><${Foreign} text=${typeof value === 'string' ? value : JSON.stringify(value, null, 2)} /></pre>`;
