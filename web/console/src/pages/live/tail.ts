// The tail: each event as it comes, with what became of it at every destination. Drawn once per frame of the screen.
import { memo } from './memo';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useStream, type StreamState } from '../../api/stream';
import type { Tapped } from '../../api/types';
import { zone } from '../../state/settings';
import { Chip } from '../../ui/fates';
import { clock, latency } from '../../ui/format';
import { Foreign, html } from '../../ui/html';
import { Journey } from '../../ui/journey';
import { Choice, Empty } from '../../ui/parts';
import { passes, Rows, WINDOW, type Fate, type Frame, type Row } from './rows';

const FRAMES = ['accepted', 'rejected', 'attempt', 'settled', 'gap', 'sampled'] as const;
/** Rows that are drawn while new ones come: more than can be seen. The others are drawn when somebody reads on. */
const FIRST = 40;
/** Frames that are kept while the tail is paused. */
const MOST_WAITING = 5_000;
const KINDS = ['track', 'page', 'screen', 'identify', 'group', 'alias'];
const OUTCOMES = ['delivered', 'skipped', 'transient', 'throttled', 'broken', 'refused', 'dead', 'rejected'];

export function Tail() {
  const { state, rows, isPaused, isRead, pause, read, clear, left } = useTail();
  const [filter, choose] = useState({ text: '', kind: '', outcome: '' });
  const [seen, see] = useState('');
  const passing = rows.filter((row) => passes(row, filter));
  const shown = isPaused || isRead ? passing : passing.slice(0, FIRST);
  const set = (name: string) => (event: Event) => choose({ ...filter, [name]: (event.target as HTMLInputElement).value });
  return html`<section class="panel" aria-label="Events">
    <header>
      <h2>Events</h2>
      <span class=${`status ${state}`} role="status"><i></i>${isPaused ? 'paused' : isRead ? 'held while you read' : WORDS[state]}</span>
      <div class="bar">
        <input
          type="search"
          aria-label="Filter by event, source, destination or id"
          placeholder="Event, source, destination, id"
          value=${filter.text}
          onInput=${set('text')}
        />
        <${Select} label="Kind" all="All kinds" of=${KINDS} value=${filter.kind} change=${set('kind')} />
        <${Select} label="Outcome" all="All outcomes" of=${OUTCOMES} value=${filter.outcome} change=${set('outcome')} />
        <${Choice}
          label="Tail"
          of=${PAUSE}
          value=${isPaused ? 'pause' : 'go'}
          choose=${(value: string) => pause(value === 'pause')}
        />
        <button type="button" onClick=${clear}>Clear</button>
      </div>
    </header>
    ${left > 0 && html`<p class="muted small pad">${left} more than could be shown were left out; all of them are stored.</p>`}
    <${Find} see=${see} />
    <div class="tail" onScroll=${(event: Event) => read((event.target as HTMLElement).scrollTop > 4)} tabindex="0" role="region" aria-label="Newest events">
      ${
        shown.length === 0
          ? html`<${Nothing} state=${state} isFiltered=${rows.length > 0} />`
          : html`<table>
              <thead>
                <tr>
                  <th scope="col" class="c-time">Time</th>
                  <th scope="col" class="c-kind">Kind</th>
                  <th scope="col" class="c-name">Event</th>
                  <th scope="col" class="c-source">Source</th>
                  <th scope="col">Destinations</th>
                </tr>
              </thead>
              <tbody>
                ${shown.map((row) => html`<${One} key=${row.key} row=${row} see=${see} zone=${zone.value} />`)}
              </tbody>
            </table>`
      }
    </div>
    ${seen && html`<${Journey} id=${seen} close=${() => see('')} />`}
  </section>`;
}

const WORDS: Record<StreamState, string> = {
  connecting: 'connecting',
  open: 'live',
  waiting: 'connecting again',
  missing: 'off',
};
const PAUSE = [
  ['go', 'Follow'],
  ['pause', 'Pause'],
] as const;

/** Hears frames, and draws what came of them once per frame of the screen. */
function useTail() {
  const rows = useRef(new Rows());
  const waiting = useRef<Frame[]>([]);
  const missed = useRef(0);
  const drawing = useRef(0);
  const paused = useRef(false);
  const [shown, show] = useState<Row[]>([]);
  const [isPaused, setPaused] = useState(false);
  const [isRead, setRead] = useState(false);
  const draw = () => {
    drawing.current = 0;
    if (paused.current || waiting.current.length === 0) return;
    rows.current.take(waiting.current.splice(0));
    show(rows.current.all());
  };
  const state = useStream('/api/live', FRAMES, (kind, data) => {
    if (kind === 'gap' || kind === 'sampled') {
      const { missed: gone, left_out: left } = data as { missed?: number | null; left_out?: number };
      missed.current += gone ?? left ?? 0;
      return;
    }
    waiting.current.push([kind, data as Tapped]);
    if (waiting.current.length > MOST_WAITING) missed.current += waiting.current.splice(0, waiting.current.length - MOST_WAITING).length;
    if (!drawing.current) drawing.current = requestAnimationFrame(draw);
  });
  useEffect(() => () => cancelAnimationFrame(drawing.current), []);
  const hold = (wanted: boolean) => {
    paused.current = wanted;
    if (!wanted) draw();
  };
  const pause = (wanted: boolean) => {
    setPaused(wanted);
    hold(wanted || isRead);
  };
  /** Whoever has scrolled reads: what is read does not move. */
  const read = (wanted: boolean) => {
    if (wanted === isRead) return;
    setRead(wanted);
    hold(wanted || isPaused);
  };
  const clear = () => {
    rows.current.clear();
    waiting.current = [];
    missed.current = 0;
    show([]);
  };
  return { state, rows: shown, isPaused, isRead, pause, read, clear, left: missed.current };
}

interface SelectProps {
  label: string;
  all: string;
  of: string[];
  value: string;
  change: (event: Event) => void;
}

const Select = ({ label, all, of, value, change }: SelectProps) =>
  html`<select aria-label=${label} value=${value} onChange=${change}>
    <option value="">${all}</option>
    ${of.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}
  </select>`;

/** Any stored event, by its id. */
function Find({ see }: { see: (id: string) => void }) {
  const find = (event: SubmitEvent) => {
    event.preventDefault();
    const id = String(new FormData(event.currentTarget as HTMLFormElement).get('id') ?? '').trim();
    if (id) see(id);
  };
  return html`<form class="bar pad" onSubmit=${find}>
    <input name="id" aria-label="Message id" placeholder="Find any stored event by its messageId" autocomplete="off" />
    <button>Find</button>
  </form>`;
}

function Nothing({ state, isFiltered }: { state: StreamState; isFiltered: boolean }) {
  if (isFiltered) return html`<${Empty} what="No event passes the filter." next=${`The last ${WINDOW} events are looked at.`} />`;
  if (state === 'missing')
    return html`<${Empty}
      what="This router has no live tap."
      next="Events are stored and delivered all the same; find one by its id above."
    />`;
  return html`<${Empty}
    what="Waiting for events."
    next=${html`They show up here as they are accepted. <a href="#/sources">Send the first one</a>`}
  />`;
}

const One = memo(({ row, see }: { row: Row; see: (id: string) => void; zone: string }) => {
  const fates = Object.entries(row.fates);
  return html`<tr class="pick">
    <td class="c-time tight muted"><time datetime=${row.at}>${clock(row.at, zone.value)}</time></td>
    <td class="c-kind"><span class="muted">${row.kind}</span></td>
    <td class="name c-name">
      <button type="button" class="link" onClick=${() => see(row.id)}>
        <${Foreign} text=${row.name || row.kind || '(no name)'} />
      </button>
    </td>
    <td class="c-source"><${Foreign} text=${row.source} /></td>
    <td>
      <span class="chips">
        ${row.rejected && html`<${Chip} word="dead" text=${`rejected: ${row.rejected}`} />`}
        ${fates.map(([name, fate]) => html`<${Chip} key=${name} word=${fate.outcome} text=${`${name}: ${fate.outcome}${fate.attempts > 1 ? ` ×${fate.attempts}` : ''}`} title=${about(fate)} />`)}
        ${!row.rejected && fates.length === 0 && html`<span class="chip plain quiet">accepted</span>`}
      </span>
    </td>
  </tr>`;
});

const about = ({ reason, status, latency: ms }: Fate): string =>
  [reason, status !== null && `status ${status}`, ms !== null && latency(ms)].filter(Boolean).join(', ');
