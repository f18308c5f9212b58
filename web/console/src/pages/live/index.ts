// Live: who is there, what they look at, and what happens to each event.
import { useState } from 'preact/hooks';
import { withQuery } from '../../api/client';
import { usePoll } from '../../api/poll';
import { useStream } from '../../api/stream';
import type { Presence, Realtime } from '../../api/types';
import { site } from '../../state/settings';
import { html } from '../../ui/html';
import { Told } from '../../ui/parts';
import { SiteChoice } from '../../ui/site';
import { Now } from './now';
import { Tail } from './tail';

const FRAMES = ['snapshot', 'presence'] as const;
const LOOK_MS = 5_000;
/** Samples of the average that are kept: half an hour, at one each two seconds. */
const SAMPLES = 900;

export interface Sample {
  /** Seconds since 1970. */
  at: number;
  ema: number;
}

export function Live() {
  const of = { site: site.value };
  const [presence, hear] = useState<Presence>();
  const [samples, sample] = useState<Sample[]>([]);
  const stream = useStream(withQuery('/presence/stream', of), FRAMES, (_, data) => {
    const heard = data as Presence;
    hear(heard);
    sample((before) => [...before.slice(1 - SAMPLES), { at: Date.now() / 1000, ema: heard.ema }]);
  });
  const realtime = usePoll<Realtime>(stream === 'missing' ? null : withQuery('/api/stats/realtime', of), LOOK_MS);
  return html`<div class="top">
      <h1>Live</h1>
      <${SiteChoice} />
    </div>
    <div class="stack">
      ${
        stream === 'missing'
          ? html`<p class="notice">
              <span>Visitors are not counted here: <code>[realtime] enabled</code> is off.</span>
            </p>`
          : html`<${Told} trouble=${realtime.trouble} />
              <${Now}
                presence=${presence ?? realtime.data?.totals}
                report=${realtime.data}
                samples=${samples}
                state=${stream}
              />`
      }
      <${Tail} />
    </div>`;
}
