// Waits until a source has sent something since the question, and says so.
import { useState } from 'preact/hooks';
import { withQuery } from '../../api/client';
import { usePoll } from '../../api/poll';
import { useStream } from '../../api/stream';
import type { Source, Tapped } from '../../api/types';
import { now, zone } from '../../state/settings';
import { clock, span } from '../../ui/format';
import { Foreign, html } from '../../ui/html';

const LOOK_MS = 2_000;
const FRAMES = ['accepted', 'rejected'] as const;

export interface Heard {
  at: string;
  name: string;
  rejected: string | null;
}

/** A button that begins to wait. */
export function Verify({ source }: { source: string }) {
  const [since, wait] = useState(0);
  return html`<div class="bar">
    <button type="button" class="main-action" onClick=${() => wait(Date.now())}>
      ${since ? 'Check again' : 'Check the installation'}
    </button>
    ${since > 0 ? html`<${Waiting} key=${since} source=${source} since=${since} />` : html`<span class="small muted">Waits for the next event of this source.</span>`}
  </div>`;
}

/** The tap says it at once; the list of sources says it where there is no tap. */
function Waiting({ source, since }: { source: string; since: number }) {
  const [heard, hear] = useState<Heard>();
  const isOver = heard !== undefined;
  useStream(isOver ? null : '/api/live', FRAMES, (kind, data) => {
    const tapped = data as Tapped;
    if (tapped.source !== source) return;
    hear({
      at: tapped.at,
      name: tapped.name ?? tapped.kind ?? '',
      rejected: kind === 'rejected' ? (tapped.reason ?? 'rejected') : null,
    });
  });
  const polled = usePoll<{ sources: Source[] }>(isOver ? null : withQuery('/api/sources', {}), LOOK_MS);
  const last = polled.data?.sources.find(({ name }) => name === source)?.last_event_at;
  const seen = heard ?? (last && new Date(last).getTime() >= since ? { at: last, name: '', rejected: null } : undefined);
  if (!seen)
    return html`<span role="status"
      >Waiting for ${span(Math.max(0, now.value - since))}. Open a page with the snippet, or send an event.</span
    >`;
  if (seen.rejected)
    return html`<span class="bad" role="status"
      >An event came and was rejected: <${Foreign} text=${seen.rejected} />. See below.</span
    >`;
  return html`<span class="good" role="status"
    ><strong>It works.</strong> ${seen.name && html`“<${Foreign} text=${seen.name} />” `}arrived at${' '}
      ${clock(seen.at, zone.value)}.</span
  >`;
}
