/**
 * Where small values are kept: a cookie, localStorage or memory, whichever may be used and works.
 * Keeps nothing outside memory until it is allowed to; never decides that itself.
 */
import { d, w } from './dom';
import type { Persistence } from './types';

/** 395 days; Chromium takes 400 at most. */
const MAX_AGE = 34128000;

let kind: Persistence = 'memory';
let domain = '';
const memory: Record<string, string> = {};

/** Does something with localStorage, which throws where it is switched off. */
const attempt = <T>(run: (storage: Storage) => T): T | null => {
  try {
    return run(w.localStorage);
  } catch {
    return null;
  }
};

/** Reads (no value), writes or removes ('') a key of localStorage; returns what it holds afterwards. */
export const local = (key: string, value?: string) =>
  attempt((storage) => {
    if (value) storage.setItem(key, value);
    else if (value === '') storage.removeItem(key);
    return storage.getItem(key);
  });

/** The keys of localStorage that begin so. */
export const keys = (start: string) =>
  attempt((storage) => Object.keys(storage).filter((key) => key.startsWith(start))) || [];

const cookie = (key: string) => (d.cookie.match(`(?:^|; )${key}=([^;]+)`) || [])[1];

const bake = (key: string, value: string, age: number) => {
  d.cookie = `${key}=${value};path=/;max-age=${age};samesite=lax;domain=${domain}${/s:/.test(location.protocol) ? ';secure' : ''}`;
};

/** Finds the widest domain that takes a cookie: the browser knows the public suffixes. */
const widen = () => {
  location.hostname
    .split('.')
    .reverse()
    .some((label) => {
      domain = domain ? label + '.' + domain : label;
      bake('ot_t', '1', 9);
      return cookie('ot_t');
    });
  bake('ot_t', '', 0);
};

/** Whether values may leave memory. */
export const durable = () => kind !== 'memory';

export const get = (key: string): string | undefined =>
  (kind === 'cookie' && cookie(key)) || (durable() && local(key)) || memory[key];

/** Keeps a value; a `large` one never becomes a cookie. */
export const set = (key: string, value: string, large?: boolean) => {
  memory[key] = value;
  if (kind === 'cookie' && !large) bake(key, value, MAX_AGE);
  if (durable() && (large || cookie(key) !== value)) local(key, value);
};

/** Removes these keys everywhere. */
export const forget = (...gone: string[]) => {
  for (const key of gone) {
    delete memory[key];
    bake(key, '', 0);
    local(key, '');
  }
};

/** Sets where values are kept from now on. What memory holds is written down by the next `set`. */
export const keep = (where: Persistence, at?: string) => {
  kind = where;
  if (domain || where !== 'cookie') return;
  if (at) domain = at;
  else widen();
};
