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
let asked: string | undefined;
const memory: Record<string, string> = {};

/** Does something with localStorage, which throws where it is switched off: then the answer is empty. */
const attempt = <T>(run: (storage: Storage) => T): T | '' => {
  try {
    return run(w.localStorage);
  } catch {
    return '';
  }
};

/** Reads (no value), writes or removes ('') a key of localStorage; returns what it holds afterwards, '' for nothing. */
export const local = (key: string, value?: string) =>
  attempt((storage) => {
    if (value) storage.setItem(key, value);
    else if (value === '') storage.removeItem(key);
    return storage.getItem(key) || '';
  });

/** The person's traits may be more than a cookie takes. */
export const LARGE = 'ot_user';

/** What the queues of tabs are kept under begins so. */
export const QUEUE = 'ot_q.';

/** Where the queues of all tabs are kept. */
export const queues = () => Object.keys(attempt((storage) => storage)).filter((key) => key.startsWith(QUEUE));

const cookie = (key: string) => (d.cookie.match(`(?:^|; )${key}=([^;]+)`) || [])[1];

const bake = (key: string, value: string, age: number) => {
  d.cookie = `${key}=${value};path=/;max-age=${age};samesite=lax;domain=${domain}${/s:/.test(location.protocol) ? ';secure' : ''}`;
};

/** Finds the widest domain that takes a cookie: the browser knows the public suffixes. It stays empty where none does. */
const widen = () => {
  const taken = (asked ? [asked] : location.hostname.split('.').reverse()).some((label) => {
    domain = domain ? label + '.' + domain : label;
    bake('ot_t', '1', 9);
    return cookie('ot_t');
  });
  bake('ot_t', '', 0);
  return (domain = taken ? domain : '');
};

/** Whether this is kept in a cookie. Asked late: the first look at cookies takes longer than the start of the tracker. */
const baked = (key: string) => kind === 'cookie' && key !== LARGE && (domain || widen());

/** Whether values may leave memory. */
export const durable = () => kind !== 'memory';

export const get = (key: string): string | undefined =>
  (baked(key) && cookie(key)) || (durable() && local(key)) || memory[key];

export const set = (key: string, value: string) => {
  memory[key] = value;
  if (baked(key)) bake(key, value, MAX_AGE);
  else if (durable()) local(key, value);
};

/** Removes these keys everywhere. */
export const forget = (...gone: string[]) => {
  if (!domain) widen();
  for (const key of gone) {
    delete memory[key];
    bake(key, '', 0);
    local(key, '');
  }
};

/** Sets where values are kept from now on, and writes down there what memory holds. */
export const keep = (where: Persistence, at?: string) => {
  kind = where;
  asked = at;
  for (const key in memory) set(key, get(key)!);
};
