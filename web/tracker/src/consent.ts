/**
 * What the visitor has agreed to, from whichever side it is told: our own call, gtag's consent mode, TCF 2.2, Global
 * Privacy Control and Do Not Track. Decides; sends and keeps nothing but the answer itself.
 */
import { merge, n, parse, w } from './dom';
import { local } from './store';
import type { Category, Consent } from './types';

const KEY = 'ot_consent';
const REFUSED = 'ot_optout';

let answers: Consent = {};
let waits: unknown;
let changed = () => {};

/** true: granted, false: refused, undefined: not answered yet. */
export const may = (category: Category) => answers[category] ?? (waits ? undefined : true);

/** What events say of it: explicit answers alone. */
export const preferences = (): Consent => ({ ...answers, ...(n.globalPrivacyControl && { advertising: false }) });

const every = (answer: boolean): Consent => ({ analytics: answer, advertising: answer, storage: answer });

const take = (answer: Consent) => {
  merge(answers, answer);
  changed();
};

/** Takes an answer and remembers it as far as it allows. */
export const consent = (answer: Consent) => {
  take(answer);
  local(REFUSED, '');
  local(KEY, answers.storage ? JSON.stringify(answers) : '');
};

export const optIn = () => consent(every(true));

/** Refuses everything. That alone is remembered: to ask on each page anew would not respect it. */
export const optOut = () => {
  consent(every(false));
  local(REFUSED, '1');
};

/** gtag's consent mode. A denied default is no answer yet: it waits for the update. */
export const gtag = (mode: string, signals: Record<string, unknown>) => {
  const answer: Consent = {};
  for (const name in signals) {
    const granted = signals[name] === 'granted';
    if (/^ad_/.test(name)) answer.advertising = granted && answer.advertising !== false;
    if (name !== 'analytics_storage') continue;
    if (granted || mode === 'update') answer.analytics = answer.storage = granted;
    else waits = 1;
  }
  take(answer);
};

interface Tcf {
  gdprApplies?: boolean;
  eventStatus?: string;
  purpose?: { consents?: Record<number, boolean> };
}

/** TCF 2.2: purpose 1 is storage, 7 and 8 are measurement, 4 is personal advertising. */
const tcf = ({ gdprApplies, eventStatus, purpose }: Tcf) => {
  const given = purpose?.consents || {};
  if (gdprApplies === false) take(every(true));
  else if (eventStatus !== 'cmpuishown')
    take({ storage: !!given[1], analytics: !!(given[7] || given[8]), advertising: !!given[4] });
};

/** Begins; `told` is called at each change. */
export const begin = (optInFirst: boolean, respectDNT: unknown, told: () => void) => {
  const api = w.__tcfapi as
    ((command: string, version: number, listener: (data: Tcf, ok: boolean) => void) => void) | undefined;
  waits = optInFirst || api;
  changed = told;
  answers = {
    ...(local(REFUSED) || (respectDNT && n.doNotTrack === '1') ? every(false) : parse<Consent>(local(KEY))),
    ...answers,
  };
  if (api) api('addEventListener', 2, (data, ok) => ok && tcf(data));
};
