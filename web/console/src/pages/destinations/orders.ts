// What an operator can order for one destination.
import { useState } from 'preact/hooks';
import { mayChange, order, withQuery } from '../../api/client';
import type { Destination } from '../../api/types';
import { Act, Ask } from '../../ui/dialog';
import { count } from '../../ui/format';
import { html } from '../../ui/html';

const path = (name: string, action: string) => `/api/destinations/${encodeURIComponent(name)}/${action}`;

export function Orders({ of, done }: { of: Destination; done: () => void }) {
  const [asked, ask] = useState('');
  if (!mayChange())
    return html`<p class="small muted">
      To order something here, log in with a token of the scope <code>admin</code>.
    </p>`;
  const run = (action: string) => async () => {
    await order(path(of.name, action));
    done();
  };
  const isPaused = of.state === 'paused';
  const waits = of.backlog.events > 0;
  return html`<div class="bar">
    ${
      isPaused
        ? html`<${Act} key="resume" class="main-action" run=${run('resume')}>Resume<//>`
        : html`<${Act} key="pause" run=${run('pause')}>Pause<//>`
    }
    ${!isPaused && of.state !== 'flowing' && html`<${Act} class="main-action" run=${run('retry')}>Retry now<//>`}
    <button type="button" onClick=${() => ask('replay')}>Replay…</button>
    ${waits && html`<button type="button" class="danger" onClick=${() => ask('drop')}>Drop backlog…</button>`}
    ${asked === 'replay' && html`<${AskReplay} name=${of.name} close=${() => ask('')} done=${done} />`}
    ${
      asked === 'drop' &&
      html`<${Ask}
        title=${`Drop what waits for ${of.name}`}
        act="Drop for good"
        danger
        confirm=${of.name}
        close=${() => ask('')}
        run=${async () => {
          await order(withQuery(path(of.name, 'drop'), { confirm: of.name }));
          done();
        }}
      >
        <p>
          ${count(of.backlog.events)} events will never be sent to this destination, and count as lost. Other
          destinations get them all the same.
        </p>
      <//>`
    }
  </div>`;
}

/** Ends the replay that runs. */
export const StopReplay = ({ name, done }: { name: string; done: () => void }) =>
  mayChange()
    ? html`<${Act}
        run=${async () => {
          await order(withQuery(path(name, 'replay'), { stop: 'true' }));
          done();
        }}
        >Stop replay<//
      >`
    : null;

interface AskReplayProps {
  name: string;
  close: () => void;
  done: () => void;
}

function AskReplay({ name, close, done }: AskReplayProps) {
  const run = async (form: FormData) => {
    const text = (field: string) => String(form.get(field) ?? '').trim();
    const instant = (field: string) => (text(field) ? new Date(text(field)).toISOString() : '');
    const filter = text('filter')
      .split(',')
      .map((one) => one.trim());
    await order(withQuery(path(name, 'replay'), { from: instant('from'), until: instant('until'), filter, rate: text('rate') }));
    done();
  };
  return html`<${Ask} title=${`Replay to ${name}`} act="Replay" close=${close} run=${run}>
    <p class="muted">Sends stored events again, to this destination alone and with the same ids, beside what is new.</p>
    <div class="two">
      <label class="field"><span>From (this browser's time)</span><input type="datetime-local" name="from" /></label>
      <label class="field"><span>Until</span><input type="datetime-local" name="until" /></label>
    </div>
    <label class="field"
      ><span>Only these events, separated by commas (empty: all)</span
      ><input name="filter" placeholder="track:Order *, identify"
    /></label>
    <label class="field"
      ><span>Most events per second (empty: as fast as it goes)</span><input name="rate" type="number" min="1" step="1"
    /></label>
  <//>`;
}
