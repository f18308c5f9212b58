// Schema: the tables of the warehouses, what has changed in them, and values that do not fit.
import { useState } from 'preact/hooks';
import { usePoll } from '../../api/poll';
import type { Schema as Told } from '../../api/types';
import { now, zone } from '../../state/settings';
import { ago, count, moment } from '../../ui/format';
import { Foreign, html } from '../../ui/html';
import { Answer, Empty, Panel, Table } from '../../ui/parts';

const LOOK_MS = 5_000;
type Shown = Told['tables'][number];
type Change = Told['log'][number];

export function Schema() {
  const answer = usePoll<Told>('/api/schema', LOOK_MS);
  return html`<div class="top"><h1>Schema</h1></div>
    <div class="stack">
      <${Answer} of=${answer}>
        ${(schema: Told) => html`<${Closed} of=${schema.closed ?? []} /><${Conflicts} of=${schema.conflicts} /><${Tables} of=${schema.tables} /><${Log} of=${schema.log} />`}
      <//>
    </div>`;
}

const Closed = ({ of }: { of: NonNullable<Told['closed']> }) =>
  of.map(
    ({ destination, table, why, ddl }) =>
      html`<div class="notice warn" key=${destination + table}>
        <div>
          <strong><${Foreign} text=${`${destination}: table ${table} may not be changed at present.`} /></strong>
          <${Foreign} text=${why} />
          ${ddl && html`<pre class="words" tabindex="0"><${Foreign} text=${ddl} /></pre>`}
        </div>
      </div>`,
  );

const Conflicts = ({ of }: { of: Told['conflicts'] }) =>
  of.length === 0
    ? null
    : html`<${Panel} title="Conflicts" flush>
        <p class="muted small pad">
          Values that their column does not take. None is lost: they are in <code>_unmapped</code>, or the column was
          widened.
        </p>
        <${Table}
          label="Conflicts"
          head=${[['Warehouse'], ['Table'], ['Column'], ['Has'], ['Was given'], ['Values', true]]}
          >${of.map(
            (one) =>
              html`<tr key=${one.destination + one.table + one.column + one.got}>
                <td><${Foreign} text=${one.destination} /></td>
                <td><${Foreign} text=${one.table} /></td>
                <td><${Foreign} text=${one.column} /></td>
                <td><code>${one.have}</code></td>
                <td><code>${one.got}</code></td>
                <td class="num">${count(one.count)}</td>
              </tr>`,
          )}<//
        >
      <//>`;

function Tables({ of }: { of: Shown[] }) {
  const [text, filter] = useState('');
  const shown = of.filter(({ name, columns }) =>
    [name, ...columns.map((column) => column.name)].some((one) => one.includes(text.toLowerCase())),
  );
  const search = html`<input
    type="search"
    aria-label="Filter by table or column"
    placeholder="Table or column"
    value=${text}
    onInput=${(event: Event) => filter((event.target as HTMLInputElement).value)}
  />`;
  return html`<${Panel} title=${`Tables (${count(of.length)})`} tools=${of.length > 0 && search} flush>
    ${of.length === 0 && html`<${Empty} what="No tables yet." next=${html`They appear with the first events of a warehouse: <a href="#/destinations">see the destinations</a>.`} />`}
    ${of.length > 0 && shown.length === 0 && html`<${Empty} what="No table or column of this name." />`}
    <div class="list">
      ${shown.map((table) => html`<${OneTable} key=${`${table.destination}/${table.name}`} of=${table} />`)}
    </div>
  <//>`;
}

const OneTable = ({ of }: { of: Shown }) =>
  html`<details>
    <summary>
      <strong><${Foreign} text=${of.name} /></strong
      ><span class="muted small"><${Foreign} text=${of.destination} />, ${count(of.columns.length)} columns</span>
    </summary>
    <ul class="inside columns">
      ${of.columns.map(
        (column) =>
          html`<li key=${column.name}>
            <${Foreign} text=${column.name} />
            <code class="muted" title=${column.since ? `since ${moment(column.since, zone.value)}` : undefined}
              >${column.type}</code
            >
          </li>`,
      )}
    </ul>
  </details>`;

const WORDS: Record<string, string> = {
  create_table: 'table made',
  add_column: 'column added',
  widen_column: 'column widened',
};

/** Changes that are shown before somebody asks for more. */
const FIRST = 20;

function Log({ of }: { of: Change[] }) {
  const [isAll, showAll] = useState(false);
  const more = of.length > FIRST && !isAll;
  const tools = more && html`<button type="button" onClick=${() => showAll(true)}>Show all ${count(of.length)}</button>`;
  return html`<${Panel} title="Changes" tools=${tools} flush>
    ${
      of.length === 0
        ? html`<${Empty}
            what="Nothing has changed yet."
            next="Each new table, column and type is written down here."
          />`
        : html`<${Table} label="Changes" head=${[['When'], ['Warehouse'], ['Table'], ['Change'], ['Column'], ['Type']]}
            >${of.slice(0, isAll ? of.length : FIRST).map(
              (one, at) =>
                html`<tr key=${at}>
                  <td class="tight">
                    <time datetime=${one.at} title=${moment(one.at, zone.value)}>${ago(one.at, now.value)}</time>
                  </td>
                  <td><${Foreign} text=${one.destination} /></td>
                  <td><${Foreign} text=${one.table} /></td>
                  <td>
                    ${WORDS[one.change] ?? html`<span class="chip bad">${one.change.replaceAll('_', ' ')}</span>`}
                    ${one.reason && html`<span class="small"><${Foreign} text=${one.reason} /></span>`}
                  </td>
                  <td><${Foreign} text=${one.column} /></td>
                  <td class="tight">
                    ${one.from && html`<code>${one.from}</code> → `}${one.to && html`<code>${one.to}</code>`}
                  </td>
                </tr>`,
            )}<//
          >`
    }
  <//>`;
}
