// Destinations: where events go, how that is going, and what an operator can do about it.
import { usePoll } from '../../api/poll';
import type { Destination, Source } from '../../api/types';
import { route } from '../../state/route';
import { html } from '../../ui/html';
import { Answer, Empty } from '../../ui/parts';
import { Card } from './card';
import { Graph } from './graph';
import { Letters } from './letters';

const LOOK_MS = 2_000;
const SOURCES_MS = 10_000;

export function Destinations() {
  const listed = usePoll<{ destinations: Destination[] }>('/api/destinations', LOOK_MS);
  const sources = usePoll<{ sources: Source[] }>('/api/sources', SOURCES_MS);
  const chosen = route.value.detail;
  return html`<div class="top"><h1>Destinations</h1></div>
    <div class="stack">
      <${Answer} of=${listed}>
        ${({ destinations }: { destinations: Destination[] }) => {
          if (destinations.length === 0) return html`<${None} />`;
          const shown = destinations.filter(({ name }) => !chosen || name === chosen);
          return html`<${Graph} sources=${sources.data?.sources ?? []} destinations=${destinations} chosen=${chosen} />
            <div class="grid">
              ${inOrder(shown).map((one) => html`<${Card} key=${one.name} of=${one} reload=${listed.reload} />`)}
            </div>
            <${Letters} key=${chosen} destinations=${destinations} chosen=${chosen} settled=${listed.reload} />`;
        }}
      <//>
    </div>`;
}

const None = () =>
  html`<section class="panel">
    <${Empty}
      what="No destination is configured."
      next=${html`Events are kept in the journal. Add a table <code>[destinations.NAME]</code> to the configuration; it is read while the router runs.`}
    />
  </section>`;

const ORDER = ['held', 'retrying', 'throttled', 'paused', 'draining', 'flowing', 'off'];

/** What needs somebody comes first. */
const inOrder = (destinations: Destination[]): Destination[] =>
  [...destinations].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || a.name.localeCompare(b.name));
