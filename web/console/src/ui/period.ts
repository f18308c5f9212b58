// Which days a report is about, and by what it is narrowed. Both are in the address, so that it can be handed on.
import { withQuery } from '../api/client';
import { route, tune } from '../state/route';
import { site, zone } from '../state/settings';
import { Foreign, html } from './html';
import { Choice } from './parts';
import { SiteChoice } from './site';

export const PERIODS = [
  ['1', 'Today'],
  ['7', '7 days'],
  ['30', '30 days'],
  ['365', '12 months'],
] as const;
const DEFAULT = '7';

/** A day as the router takes it, so many days before today in the chosen time zone. */
function dayBefore(days: number): string {
  const today = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone.value,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  }).format(Date.now());
  const date = new Date(`${today}T12:00:00Z`);
  date.setUTCDate(date.getUTCDate() - days);
  return date.toISOString().slice(0, 10);
}

/** What the address asks for. */
export function period() {
  const { query } = route.value;
  const asked = query.get('period') ?? '';
  const key = PERIODS.some(([known]) => known === asked) ? asked : DEFAULT;
  const days = Number(key);
  return {
    key,
    days,
    isHourly: days === 1,
    filters: query.getAll('filter').filter(Boolean),
    now: { from: dayBefore(days - 1), to: dayBefore(0) },
    before: { from: dayBefore(2 * days - 1), to: dayBefore(days) },
  };
}

/** The address of a report for the period, or for the time before it. */
export function report(name: string, parameters: Record<string, string | number> = {}, which: 'now' | 'before' = 'now'): string {
  const of = period();
  return withQuery(`/api/stats/${name}`, {
    site: site.value,
    ...of[which],
    tz: zone.value,
    filter: of.filters,
    ...parameters,
  });
}

/** Adds a filter, or takes it away. */
export function toggle(field: string, value: string): void {
  const text = `${field}:${value}`;
  const [present] = period().filters;
  tune({ filter: present === text ? '' : text });
}

/** The choices above a report. */
export const Period = ({ title, isFiltered }: { title: string; isFiltered?: boolean }) =>
  html`<div class="top">
    <h1>${title}</h1>
    <${SiteChoice} />
    <${Choice} label="Period" of=${PERIODS} value=${period().key} choose=${(key: string) => tune({ period: key })} />
    ${isFiltered && period().filters.map((one) => html`<button key=${one} type="button" aria-label=${`Remove the filter ${one}`} onClick=${() => tune({ filter: '' })}><${Foreign} text=${one.replace(':', ': ')} /> ×</button>`)}
  </div>`;

/** How much more or less than before. */
export function change(value: number, before: number | undefined): { beside: string; tone: 'good' | 'bad' | undefined } | undefined {
  if (before === undefined) return undefined;
  if (before === 0) return { beside: value === 0 ? 'as before' : 'none before', tone: undefined };
  const part = (value - before) / before;
  const text = new Intl.NumberFormat(navigator.language, {
    style: 'percent',
    maximumFractionDigits: 0,
    signDisplay: 'exceptZero',
  }).format(part);
  return { beside: `${text} to before`, tone: part === 0 ? undefined : part > 0 ? 'good' : 'bad' };
}
