// Numbers, sizes and times as people read them.
const LANGUAGE = navigator.language;
const whole = new Intl.NumberFormat(LANGUAGE);
const short = new Intl.NumberFormat(LANGUAGE, { notation: 'compact', maximumSignificantDigits: 3 });
const tenths = new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: 1 });
const percents = new Intl.NumberFormat(LANGUAGE, { style: 'percent', maximumFractionDigits: 1 });
const regions = new Intl.DisplayNames(LANGUAGE, { type: 'region', fallback: 'none' });

/** `1,204,000`. */
export const count = (value: number): string => whole.format(value);

/** `1.2M`; below ten thousand the number itself. */
export const brief = (value: number): string => (Math.abs(value) < 10_000 ? whole.format(Math.round(value)) : short.format(value));

/** A part of one: `12.5%`. */
export const share = (value: number): string => percents.format(value);

/** One digit behind the point. */
export const tenth = (value: number): string => tenths.format(value);

/** `812 B`, `3.4 KiB`, `12 MiB`. */
export function bytes(value: number): string {
  let size = value;
  let unit = 'B';
  for (const larger of ['KiB', 'MiB', 'GiB', 'TiB']) {
    if (size < 1023.5) break;
    size /= 1024;
    unit = larger;
  }
  return `${unit === 'B' || size >= 9.95 ? whole.format(Math.round(size)) : tenths.format(size)}\u00a0${unit}`;
}

const UNITS: [number, string][] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1_000, 's'],
];

/** A span of milliseconds by its two largest units: `0s`, `3m 5s`, `2d 4h`. */
export function span(ms: number): string {
  const first = UNITS.findIndex(([unit]) => ms >= unit);
  if (first < 0) return '0s';
  let rest = ms;
  const parts: string[] = [];
  for (const [unit, name] of UNITS.slice(first, first + 2)) {
    if (rest >= unit) parts.push(`${Math.floor(rest / unit)}${name}`);
    rest %= unit;
  }
  return parts.join(' ');
}

/** A latency: `12 ms`, `1.2 s`. */
export const latency = (ms: number): string =>
  ms < 1000 ? `${whole.format(Math.round(ms))}\u00a0ms` : `${tenths.format(ms / 1000)}\u00a0s`;

/** Events per second: `0/s`, `<0.1/s`, `1,204/s`. */
export function rate(perSecond: number): string {
  if (perSecond > 0 && perSecond < 0.05) return '<0.1/s';
  return `${perSecond >= 9.95 ? whole.format(Math.round(perSecond)) : tenths.format(perSecond)}/s`;
}

/** An amount, which comes as a text with two decimals. */
export function money(amount: string, currency: string): string {
  const value = Number(amount);
  try {
    return new Intl.NumberFormat(LANGUAGE, { style: 'currency', currency }).format(value);
  } catch {
    return `${amount} ${currency}`;
  }
}

/** The name of a country, of its two letters. */
export function country(code: string): string {
  if (!/^[A-Z]{2}$/.test(code) || code === 'ZZ') return 'Unknown';
  return regions.of(code) ?? code;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatted(at: string | number, zone: string, options: Intl.DateTimeFormatOptions): string {
  const key = zone + JSON.stringify(options);
  let format = formats.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat(LANGUAGE, { ...options, timeZone: zone });
    formats.set(key, format);
  }
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? String(at) : format.format(date);
}

/** A moment to the second. */
export const moment = (at: string | number, zone: string): string => formatted(at, zone, { dateStyle: 'medium', timeStyle: 'medium' });

/** The time of the day to the second. */
export const clock = (at: string | number, zone: string): string =>
  formatted(at, zone, { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** The hour and the minute. */
export const time = (at: string | number, zone: string): string => formatted(at, zone, { hour: '2-digit', minute: '2-digit' });

/** A day, short. */
export const day = (at: string | number, zone: string): string => formatted(at, zone, { day: 'numeric', month: 'short' });

/** An hour of a day. */
export const hour = (at: string | number, zone: string): string =>
  formatted(at, zone, { weekday: 'short', hour: '2-digit', minute: '2-digit' });

/** How long ago, at this time. */
export function ago(at: string | number, now: number): string {
  const ms = now - new Date(at).getTime();
  return ms < 1_000 ? 'just now' : `${span(ms)} ago`;
}
