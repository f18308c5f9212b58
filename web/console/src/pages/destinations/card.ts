// One destination: its figures, why it does not flow, and what can be ordered.
import type { Destination, Replay } from '../../api/types';
import { now, zone } from '../../state/settings';
import { Chip } from '../../ui/fates';
import { ago, brief, bytes, count, latency, moment, rate, span } from '../../ui/format';
import { Foreign, html } from '../../ui/html';
import { Figures, Meter, sentence, type Figure } from '../../ui/parts';
import { Orders, StopReplay } from './orders';

export function Card({ of, reload }: { of: Destination; reload: () => void }) {
  return html`<section class="panel destination" aria-label=${of.name}>
    <header>
      <h3><${Foreign} text=${of.name} /> <span class="muted small">${of.type}</span></h3>
      <${Chip} word=${of.state} />
    </header>
    <div class="body">
      <${Reason} of=${of} />
      ${of.enabled && html`<${Figures} compact of=${figures(of)} />`}
      <${LastError} of=${of} />
      <${Reasons} name="Skipped" of=${of.counts.skipped} />
      <${Reasons} name="Dead" of=${of.counts.dead} />
      ${of.replay && html`<${Replaying} of=${of.replay} name=${of.name} done=${reload} />`}
      ${of.enabled && html`<${Orders} of=${of} done=${reload} />`}
    </div>
  </section>`;
}

/** What a reason means to whoever has to do something. */
const NEXT: Record<string, string> = {
  unauthorized: 'The other side does not accept the key. Put a good one into the configuration, then retry.',
  forbidden: 'The key lacks a right. Give it that right on the other side, then retry.',
  preparing: 'It has just begun.',
  paused: 'An operator has paused it.',
};

/** In place of a reason that only repeats the last error, which stands below. */
const FAILS: Record<string, string> = {
  retrying: 'The other side fails. Events wait in the journal and are tried again by themselves',
  throttled: 'The other side asks for less. Events wait in the journal until it takes more',
  held: 'It cannot go on. Events wait in the journal until the cause is gone',
};

function Reason({ of }: { of: Destination }) {
  if (!of.enabled)
    return html`<p class="muted">
      It is switched off: nothing is sent. Its required settings are empty, or <code>enabled = false</code>.
    </p>`;
  if (of.state === 'flowing') return null;
  const reason = of.reason ?? '';
  const words = reason === of.last_error?.message ? FAILS[of.state] : reason.replaceAll('_', ' ');
  const next =
    NEXT[reason] ?? (of.last_error?.status === 401 ? NEXT.unauthorized : of.last_error?.status === 403 ? NEXT.forbidden : undefined);
  if (!words && !next) return null;
  const isBad = of.state === 'held' && reason !== 'preparing';
  return html`<div class=${isBad ? 'notice bad' : 'notice warn'}>
    <div>
      <strong><${Foreign} text=${sentence(words || of.state)} /></strong> ${next}
    </div>
  </div>`;
}

function figures(of: Destination): Figure[] {
  const waits = of.backlog.events > 0;
  const all: (Figure | false | null)[] = [
    { name: 'Backlog', value: brief(of.backlog.events), beside: waits ? bytes(of.backlog.bytes) : 'nothing waits' },
    {
      name: 'Oldest',
      value: waits ? span(of.oldest_age_ms) : '–',
      beside: of.drain_eta_ms !== null && waits ? `through in ${span(Math.max(1000, of.drain_eta_ms))}` : undefined,
    },
    { name: 'Rate', value: rate(of.rate.out), beside: `${rate(of.rate.in)} in` },
    {
      name: 'Latency p95',
      value: of.latency_ms ? latency(of.latency_ms.p95) : '–',
      beside: of.latency_ms ? `half within ${latency(of.latency_ms.p50)}` : 'nothing delivered lately',
    },
    {
      name: 'Delivered',
      value: brief(of.counts.delivered),
      beside: of.concurrency && `${of.concurrency.limit} of ${of.concurrency.cap} at once`,
    },
    {
      name: 'Breaker',
      value: of.breaker.state.replace('_', '-'),
      beside: breaker(of),
      tone: of.breaker.state === 'closed' ? undefined : 'bad',
    },
    of.next_attempt_at ? { name: 'Next attempt', value: until(of.next_attempt_at), beside: undefined } : null,
    of.holds_journal
      ? {
          name: 'Holds the journal',
          value: `${of.holds_journal.percent} %`,
          beside: of.holds_journal.full_in_ms === null ? 'not growing' : `full in ${span(of.holds_journal.full_in_ms)}`,
          tone: 'bad',
        }
      : null,
  ];
  return all.filter((one): one is Figure => !!one);
}

const until = (at: string): string => {
  const ms = new Date(at).getTime() - now.value;
  return ms <= 0 ? 'now' : `in ${span(Math.max(1000, ms))}`;
};

function breaker({ breaker }: Destination): string | undefined {
  const failed = breaker.failures > 0 ? `${count(breaker.failures)} failed in a row` : '';
  const tries = breaker.reopens_at ? `tries ${until(breaker.reopens_at)}` : '';
  return [failed, tries].filter(Boolean).join(', ') || undefined;
}

function LastError({ of }: { of: Destination }) {
  const error = of.last_error;
  if (!error) return null;
  return html`<div>
    <p class="small muted">
      Last error,${' '}
      <time datetime=${error.at} title=${moment(error.at, zone.value)}>${ago(error.at, now.value)}</time
      >${error.status !== null && html`, status <strong>${error.status}</strong>`}
    </p>
    <pre class="words" tabindex="0"><${Foreign} text=${error.message} empty="no words" /></pre>
  </div>`;
}

function Reasons({ name, of }: { name: string; of: Record<string, number> }) {
  const reasons = Object.entries(of);
  if (reasons.length === 0) return null;
  return html`<p class="reasons">
    ${name}
    ${reasons.map(
      ([reason, number]) =>
        html`<span key=${reason}
          ><code><${Foreign} text=${reason} /></code> <strong>${count(number)}</strong></span
        >`,
    )}
  </p>`;
}

function Replaying({ of, name, done }: { of: Replay; name: string; done: () => void }) {
  const all = Math.max(1, of.until - of.from);
  const part = Math.min(1, Math.max(0, (of.position - of.from) / all));
  return html`<div>
    <p class="reasons">
      <strong>Replay</strong> <${Chip} word=${of.state} /> ${count(of.delivered)} delivered, ${count(of.dead)} dead,${' '}
      ${count(of.left)} left <${StopReplay} name=${name} done=${done} />
    </p>
    <${Meter} label=${`${Math.round(part * 100)} % replayed`} parts=${[{ tone: 'a', share: part }]} />
    ${of.reason && html`<p class="small"><${Foreign} text=${of.reason} /></p>`}
  </div>`;
}
