// What the user has chosen: looks, time zone, site. Kept in this browser and nowhere else.
import { effect, signal, type Signal } from '@preact/signals';

const PREFIX = 'opentrack.console.';

function read(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

/** A choice that is remembered. */
function kept(name: string, fallback: string, allowed: (value: string) => boolean): Signal<string> {
  const stored = read(name);
  const choice = signal(stored !== null && allowed(stored) ? stored : fallback);
  effect(() => {
    const value = choice.value;
    try {
      localStorage.setItem(PREFIX + name, value);
    } catch {
      // A browser that keeps nothing forgets the choice.
    }
  });
  return choice;
}

const OWN_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

export const THEMES = ['auto', 'light', 'dark'] as const;
export const theme = kept('theme', 'auto', (value) => (THEMES as readonly string[]).includes(value));
export const zone = kept('zone', OWN_ZONE, isZone);
/** The source whose numbers are shown; empty: all of them. */
export const site = kept('site', '', () => true);

/** Every time zone that can be chosen: the own one and UTC first. */
export function zones(): string[] {
  const known = typeof Intl.supportedValuesOf === 'function' ? Intl.supportedValuesOf('timeZone') : [];
  return [...new Set([OWN_ZONE, 'UTC', zone.value, ...known])];
}

const preference = matchMedia('(prefers-color-scheme: dark)');
const prefersDark = signal(preference.matches);
preference.addEventListener('change', () => (prefersDark.value = preference.matches));

/** Whether it is dark now. */
export const isDark = signal(false);
effect(() => {
  isDark.value = theme.value === 'dark' || (theme.value === 'auto' && prefersDark.value);
  document.documentElement.dataset.theme = isDark.value ? 'dark' : 'light';
});

/** The time, to the second, for ages and countdowns. */
export const now = signal(Date.now());
setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1000);
