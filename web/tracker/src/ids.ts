/** Who the visitor is, and which session this is. Knows where ids are kept and nothing of events. */
import { parse, uuid } from './dom';
import { forget, get, LARGE, set } from './store';
import type { Properties } from './types';

const VISITOR = 'ot_aid';
const SESSION = 'ot_sid';
/** A session ends 30 minutes after its last event, and after a day at the latest. */
const TIMEOUT = 18e5;
const LONGEST = 864e5;

export const visitor = (): string => {
  const id = get(VISITOR) || uuid();
  set(VISITOR, id);
  return id;
};

/** The person, if they were identified. */
export const person = () => parse<{ id: string; traits: Properties }>(get(LARGE));

export const identify = (id: string | undefined, traits?: Properties) => {
  const old = person();
  const same = !id || !old.id || old.id === '' + id;
  set(LARGE, JSON.stringify({ id: id ? '' + id : old.id, traits: { ...(same && old.traits), ...traits } }));
};

/** Forgets the visitor. */
export const reset = (...also: string[]) => forget(VISITOR, SESSION, LARGE, ...also);

/**
 * The session at this time (ms). An active event opens one where none is open and keeps it open; a passive one does
 * neither. A campaign, as text, other than that of the session opens the next.
 */
export const session = (at: number, active: boolean, campaign?: string | false) => {
  // eslint-disable-next-line prefer-const -- one reading of one value
  let [id, start, last, number, from] = (get(SESSION) || '').split('.') as (string | number | undefined)[];
  const source = campaign && encodeURIComponent(campaign).replace(/\W/g, '');
  if (!id || (active && (at - +last! > TIMEOUT || at - +start! >= LONGEST)) || (source && source !== from)) {
    id = uuid().slice(-12);
    start = at;
    number = +(number || 0) + 1;
    from = source || '';
    active = true;
  }
  if (active) set(SESSION, [id, start, at, number, from].join('.'));
  return { sessionId: id, sessionStart: +start!, sessionNumber: +number! };
};
