// Sources: who may send, what to paste, whether it works, and what was turned away.
import { useState } from 'preact/hooks';
import { usePoll } from '../../api/poll';
import type { Rejected, Source } from '../../api/types';
import { route } from '../../state/route';
import { now, zone } from '../../state/settings';
import { ago, count, moment } from '../../ui/format';
import { Foreign, html } from '../../ui/html';
import { Json } from '../../ui/journey';
import { Answer, Choice, Empty, Panel, Told } from '../../ui/parts';
import { snippets } from './snippets';
import { Verify } from './verify';

const LOOK_MS = 5_000;

export function Sources() {
  const answer = usePoll<{ sources: Source[] }>('/api/sources', LOOK_MS);
  const chosen = route.value.detail;
  const all = answer.data?.sources ?? [];
  const shown = all.filter(({ name }) => !chosen || name === chosen);
  return html`<div class="top">
      <h1>Sources</h1>
      ${chosen && html`<a class="button" href="#/sources">All sources</a>`}
    </div>
    <div class="stack">
      ${answer.trouble && answer.trouble.status !== 404 && html`<${Told} trouble=${answer.trouble} />`}
      ${answer.data && all.length === 0 && html`<${Open} />`}
      <div class="grid">${shown.map((one) => html`<${Card} key=${one.name} of=${one} />`)}</div>
      <${Snippets} source=${shown.length === 1 ? shown[0]! : undefined} />
      <${Turned} source=${chosen} />
    </div>`;
}

const Open = () =>
  html`<div class="notice warn">
    <div>
      <strong>Any key, or none, is accepted.</strong> That is for development. Add a table${' '}
      <code>[sources.web]</code> with <code>write_keys</code> to the configuration before anybody else can reach this
      router.
    </div>
  </div>`;

const Card = ({ of }: { of: Source }) =>
  html`<section class="panel source-card" aria-label=${of.name}>
    <header>
      <h3><${Foreign} text=${of.name} /></h3>
      <span class="muted small">${count(of.events_total)} events</span>
    </header>
    <div class="body">
      <p>
        ${
          of.last_event_at
            ? html`Last event${' '}
              <time datetime=${of.last_event_at} title=${moment(of.last_event_at, zone.value)}
                  >${ago(of.last_event_at, now.value)}</time
                >.`
            : html`<strong>Nothing has come yet.</strong> Paste a snippet from below, then check.`
        }
      </p>
      <p class="reasons">
        Keys ${of.write_keys.map((key) => html`<code key=${key}><${Foreign} text=${key} /></code>`)}
      </p>
      <p class="reasons">
        Origins${' '}
        ${of.origins.length === 0 ? 'any' : of.origins.map((origin) => html`<code key=${origin}><${Foreign} text=${origin} /></code>`)}
      </p>
      ${of.last_error ? html`<p class="small bad">Last refused: <${Foreign} text=${words(of.last_error)} /></p>` : null}
      <${Verify} source=${of.name} />
    </div>
  </section>`;

/** An error as it comes: a text, or an object with a message. */
function words(error: unknown): string {
  if (typeof error === 'string') return error;
  const { code, message } = error as { code?: string; message?: string };
  return [code, message].filter(Boolean).join(': ');
}

function Snippets({ source }: { source: Source | undefined }) {
  const all = snippets(location.origin, source ? `KEY_OF_${source.name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}` : 'YOUR_WRITE_KEY');
  const [chosen, choose] = useState(all[0]!.key);
  const shown = all.find(({ key }) => key === chosen)!;
  return html`<${Panel}
    title="Send events"
    tools=${html`<${Choice} tabs label="Send events from" of=${all.map(({ key, title }) => [key, title])} value=${chosen} choose=${choose} />`}
  >
    <div class="copy">
      <div class="bar">
        <p class="muted">${shown.about}</p>
        <${Copy} text=${shown.text} />
      </div>
      <pre class="code" tabindex="0"><code>${shown.text}</code></pre>
      <p class="small muted">
        Keys are shown only in part here: the whole one is in the configuration, or in the environment variable that it
        names.
      </p>
    </div>
  <//>`;
}

function Copy({ text }: { text: string }) {
  const [copied, say] = useState('');
  const copy = () =>
    navigator.clipboard
      ? navigator.clipboard.writeText(text).then(
          () => say(text),
          () => say(''),
        )
      : undefined;
  // A page without TLS has no clipboard.
  return navigator.clipboard
    ? html`<button type="button" onClick=${copy}>
        <span role="status">${copied === text ? 'Copied' : 'Copy'}</span>
      </button>`
    : null;
}

function Turned({ source }: { source: string }) {
  const answer = usePoll<{ rejected: Rejected[] }>('/api/rejected?limit=100', LOOK_MS);
  return html`<${Panel} title="Rejected events" flush>
    <${Answer} of=${answer}>
      ${({ rejected }: { rejected: Rejected[] }) => {
        const shown = rejected.filter((one) => !source || one.source === source);
        if (shown.length === 0)
          return html`<${Empty}
            what="No event was rejected."
            next="An event that breaks a rule of Segment's API is set aside with the reason, and shows up here."
          />`;
        return html`<div class="list">${shown.map((one, at) => html`<${Set} key=${at} of=${one} />`)}</div>`;
      }}
    <//>
  <//>`;
}

const Set = ({ of }: { of: Rejected }) =>
  html`<details>
    <summary>
      <span class="chip bad">${of.code}</span><span><${Foreign} text=${of.message} /></span>
      <span class="muted small"
        ><${Foreign} text=${of.source} />,${' '}
        <time datetime=${of.at} title=${moment(of.at, zone.value)}>${ago(of.at, now.value)}</time></span
      >
    </summary>
    <div class="inside stack">
      <p class="small muted">
        ${of.path && html`at <code><${Foreign} text=${of.path} /></code>, `}id${' '}
        <code><${Foreign} text=${of.message_id} empty="none" /></code>
      </p>
      <${Json} value=${of.event} />
    </div>
  </details>`;
