// Which source's numbers are shown.
import { usePoll } from '../api/poll';
import type { Source } from '../api/types';
import { site } from '../state/settings';
import { html } from './html';

const LOOK_MS = 60_000;

/** A choice of the sources; nothing where there are none to choose from. */
export function SiteChoice() {
  const { data } = usePoll<{ sources: Source[] }>('/api/sources', LOOK_MS);
  const names = (data?.sources ?? []).map(({ name }) => name);
  const chosen = site.value;
  if (names.length === 0 && !chosen) return null;
  const known = chosen && !names.includes(chosen) ? [...names, chosen] : names;
  return html`<select
    aria-label="Source"
    value=${chosen}
    onChange=${(event: Event) => (site.value = (event.target as HTMLSelectElement).value)}
  >
    <option value="">All sources</option>
    ${known.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
  </select>`;
}
