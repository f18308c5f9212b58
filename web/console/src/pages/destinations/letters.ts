// Dead letters: events that a destination refused for good, to be read, sent again, or given up.
import { useState } from 'preact/hooks';
import { get, mayChange, order, withQuery } from '../../api/client';
import { usePoll } from '../../api/poll';
import type { Destination, Letter } from '../../api/types';
import { now, zone } from '../../state/settings';
import { Act, Ask } from '../../ui/dialog';
import { Chip } from '../../ui/fates';
import { ago, count, moment } from '../../ui/format';
import { Foreign, html } from '../../ui/html';
import { Journey, Json } from '../../ui/journey';
import { Answer, Empty, Panel } from '../../ui/parts';

const LOOK_MS = 5_000;
const PAGE = 50;

interface Listed {
  dead_letters: Letter[];
  next: string | null;
}

interface LettersProps {
  destinations: Destination[];
  chosen: string;
  settled: () => void;
}

export function Letters({ destinations, chosen, settled }: LettersProps) {
  const [destination, choose] = useState(chosen);
  const [reason, because] = useState('');
  const [asked, ask] = useState(false);
  const [said, say] = useState('');
  const [seen, see] = useState('');
  const filter = { destination, reason };
  const listed = usePoll<Listed>(withQuery('/api/dead-letters', { ...filter, limit: PAGE }), LOOK_MS);
  const settle = async (how: 'retry' | 'drop', parameters: Record<string, string>) => {
    const { count: number, left } = await order<{ count: number; left?: number }>(withQuery(`/api/dead-letters/${how}`, parameters));
    say(
      `${count(number)} ${how === 'retry' ? 'sent again' : 'dropped'}${left ? `, ${count(left)} stay: their destination is off or gone` : ''}.`,
    );
    listed.reload();
    settled();
  };
  const reasons = [...new Set(destinations.flatMap(({ counts }) => Object.keys(counts.dead)))].sort();
  const tools = html`<div class="bar">
    <${Select}
      label="Destination"
      value=${destination}
      choose=${choose}
      of=${destinations.map(({ name }) => name)}
      all="All destinations"
    />
    <${Select} label="Reason" value=${reason} choose=${because} of=${reasons} all="All reasons" />
    ${
      mayChange() &&
      !!listed.data?.dead_letters.length &&
      html`<${Act} class="main-action" run=${() => settle('retry', filter)}>Send all again<//>
        <button type="button" class="danger" onClick=${() => ask(true)}>Drop all…</button>`
    }
  </div>`;
  return html`<${Panel} title="Dead letters" tools=${tools} flush>
      <p class="muted small pad" role="status">
        ${said || 'Events that a destination refused for good, newest first. Nothing is lost: each can be sent again.'}
      </p>
      <${Answer} of=${listed}>
        ${(first: Listed) =>
          first.dead_letters.length === 0
            ? html`<${Empty}
                what="No dead letters."
                next=${destination || reason ? 'None with this filter.' : 'Every event was taken, or still waits for its turn.'}
              />`
            : html`<${List}
                key=${`${destination}/${reason}`}
                first=${first}
                filter=${filter}
                settle=${settle}
                see=${see}
              />`}
      <//>
    <//>
    ${
      asked &&
      html`<${Ask}
        title="Drop dead letters"
        act="Drop for good"
        danger
        confirm=${destination || 'all'}
        close=${() => ask(false)}
        run=${() => settle('drop', { ...filter, confirm: destination || 'all' })}
      >
        <p>
          Every dead letter${destination && ` of ${destination}`}${reason && ` with the reason ${reason}`} is given up.
          They cannot be brought back.
        </p>
      <//>`
    }
    ${seen && html`<${Journey} id=${seen} close=${() => see('')} />`}`;
}

interface SelectProps {
  label: string;
  value: string;
  choose: (value: string) => void;
  of: string[];
  all: string;
}

const Select = ({ label, value, choose, of, all }: SelectProps) =>
  html`<select
    aria-label=${label}
    value=${value}
    onChange=${(event: Event) => choose((event.target as HTMLSelectElement).value)}
  >
    <option value="">${all}</option>
    ${of.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}
  </select>`;

type Settle = (how: 'retry' | 'drop', parameters: Record<string, string>) => Promise<void>;

interface ListProps {
  first: Listed;
  filter: Record<string, string>;
  settle: Settle;
  see: (id: string) => void;
}

/** The newest page is looked at again and again; older ones are read when they are asked for. */
function List({ first, filter, settle, see }: ListProps) {
  const [older, keep] = useState<Listed>();
  const next = older ? older.next : first.next;
  const more = async () => {
    const page = await get<Listed>(withQuery('/api/dead-letters', { ...filter, limit: PAGE, cursor: next ?? '' }));
    keep({ dead_letters: [...(older?.dead_letters ?? []), ...page.dead_letters], next: page.next });
  };
  const known = new Set(first.dead_letters.map(({ id }) => id));
  const letters = [...first.dead_letters, ...(older?.dead_letters ?? []).filter(({ id }) => !known.has(id))];
  return html`<ul class="list">
      ${letters.map((letter) => html`<li key=${letter.id}><${One} letter=${letter} settle=${settle} see=${see} /></li>`)}
    </ul>
    ${next && html`<p class="pad"><${Act} run=${more}>Show older ones<//></p>`}`;
}

function One({ letter, settle, see }: { letter: Letter; settle: Settle; see: (id: string) => void }) {
  const { id, destination } = letter;
  return html`<details>
    <summary>
      <${Chip} word="dead" text=${letter.reason} />
      <strong><${Foreign} text=${destination} /></strong>
      <span class="muted"><${Foreign} text=${title(letter.event)} /></span>
      ${letter.status !== null && html`<span class="muted">status ${letter.status}</span>`}
      <time class="muted small" datetime=${letter.at} title=${moment(letter.at, zone.value)}
        >${ago(letter.at, now.value)}</time
      >
    </summary>
    <div class="inside stack">
      <p class="small muted">
        <code><${Foreign} text=${letter.message_id} /></code>, ${letter.attempts}
        ${letter.attempts === 1 ? 'attempt' : 'attempts'}${letter.table && html`, table <code><${Foreign} text=${letter.table} /></code>`}
      </p>
      ${letter.answer && html`<pre class="words" tabindex="0"><${Foreign} text=${letter.answer} /></pre>`}
      ${letter.ddl && html`<pre class="words" tabindex="0"><${Foreign} text=${letter.ddl} /></pre>`}
      <${Json} value=${letter.event} />
      <div class="bar">
        ${
          mayChange() &&
          html`<${Act} class="main-action" run=${() => settle('retry', { id })}>Send again<//>
            <${Act} class="danger" run=${() => settle('drop', { id, destination, confirm: destination })}>Drop<//>`
        }
        <button type="button" onClick=${() => see(letter.message_id)}>Journey</button>
      </div>
    </div>
  </details>`;
}

/** The name of the event, or its kind. */
function title(event: unknown): string {
  const { event: name, name: page, type } = (event ?? {}) as Record<string, unknown>;
  const text = [name, page, type].find((one) => typeof one === 'string' && one !== '');
  return typeof text === 'string' ? text : '';
}
