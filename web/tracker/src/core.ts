/**
 * The tracker: puts its parts together and offers the calls. The only file that knows every part.
 */
import { clicks } from './clicks';
import * as consents from './consent';
import { d, listen, merge, n, parse, safely, warn, w } from './dom';
import { auto, commands, emit, on, options, send } from './events';
import * as ids from './ids';
import { layer, stub } from './layer';
import { page, tell } from './page';
import * as queue from './queue';
import { durable, keep, queues } from './store';
import type { CallOptions, Consent, Message, Options, Plugin, Properties, Tracker } from './types';
import { timezone, view } from './view';

declare const ENDPOINT: string;

/** These neither open a session nor keep one open. */
const PASSIVE = /^(Web V|Error O)/;
/** What rules the first event is not held until the start. */
const RULES = /^(consent|opt)/;
/** gtag's other commands, which are not for us. */
const GTAG = /^(js|[gs]et|event)$/;

let writeKey: string;
let running = false;
let origin: string;
let features: (() => void)[];
/** Calls from before the start. */
const early: (() => void)[] = [];

/**
 * Says whose a message is, and lets plugins change or stop it; the answer is whether one did. Late, so that what was held
 * for consent obeys it.
 */
const seal = (message: Message) => {
  const { type, event, context, timestamp } = message;
  const campaign = type === 'page' && Object.entries(context.campaign || {}).sort() + '';
  // page, screen and track
  const active = /^[pst]/.test(type) && !PASSIVE.test(event!);
  const categoryPreferences = consents.preferences();
  if (!options.cookieHttpOnly && !message.anonymousId) message.anonymousId = ids.visitor();
  merge(
    context,
    ids.session(+new Date(timestamp), active, campaign),
    Object.keys(categoryPreferences)[0] && { consent: { categoryPreferences } },
    !durable() && { cookieless: true },
    { timezone: timezone(), ...context },
  );
  return emit('message', message);
};

/** Follows a change of consent. */
const settle = () => {
  const storage = consents.may('storage');
  keep(storage ? options.persistence || 'cookie' : 'memory', options.cookieDomain);
  if (storage === false) ids.reset(...queues());
  const robot = n.webdriver && options.environment === 'production' && !options.allowBots;
  queue.open(!robot && consents.may('analytics'));
};

/** Segment's forms of page and screen: category, name, properties, options, each of which may be missing. */
const named = (args: unknown[]): [Partial<Message>, CallOptions | undefined] => {
  const [name, category] = args.filter((arg) => typeof arg === 'string').reverse() as string[];
  const [properties, own] = args.filter((arg) => typeof arg === 'object' && arg) as object[];
  return [{ name, category, properties: { ...properties } } as Partial<Message>, own];
};

merge(commands, {
  track: (event: string, properties?: Properties, own?: CallOptions) =>
    send('track', { event, properties: { ...properties } }, own),
  page: (...args: unknown[]) => tell(true, ...named(args)),
  screen: (...args: unknown[]) => send('screen', ...named(args)),
  identify: (id?: unknown, traits?: Properties, own?: CallOptions) => {
    if (typeof id === 'object') return commands.identify!(...([, id, traits] as never[]));
    ids.identify(id as string, traits);
    send('identify', { traits: { ...traits } }, own);
  },
  group: (groupId: string, traits?: Properties, own?: CallOptions) =>
    send('group', { groupId, traits: { ...traits } }, own),
  alias: (userId: string, previousId?: string, own?: CallOptions) =>
    send('alias', { userId, previousId: previousId || ids.person().id || ids.visitor() }, own),
  reset: () => {
    queue.settle();
    ids.reset();
  },
  // The callback of every call gets the inside of the tracker when the call is done; these do nothing before.
  ready: () => {},
  use: () => {},
  on,
  // Where errors are watched they are also counted; see errors.ts.
  error: (properties: never) => commands.track!('Error Occurred' as never, properties),
  consent: (answer: Consent | string, signals: Properties) =>
    typeof answer === 'string' ? consents.gtag(answer, signals) : consents.consent(answer),
  optIn: consents.optIn,
  optOut: consents.optOut,
  flush: queue.flush,
});

const run = (command: string, ...args: unknown[]): void => {
  if (command === 'event' && options.gtagEvents) command = 'track';
  if (/^(config|load)$/.test(command)) return config(args[0] as string, args[1] as Options);
  if (!running && !RULES.test(command)) return void early.push(() => run(command, ...args));
  if (!commands[command]) return GTAG.test(command) ? undefined : warn(`no command "${command}"`);
  const callback = command !== 'on' && typeof args[args.length - 1] === 'function' && (args.pop() as Plugin);
  commands[command]!(...(args as never[]));
  emit(command, ...args);
  if (callback) callback({ options, view, send, auto, on, emit, commands });
};

const hide = () => {
  emit('hide');
  queue.hide();
};

const start = () => {
  queue.begin((options.endpoint || ENDPOINT || origin).replace(/\/$/, '') + options.path, writeKey, seal);
  running = true;
  consents.begin(options.consent === 'opt-in', options.respectDNT, settle);
  settle();
  [page, clicks, ...features].forEach(safely);
  early.forEach(safely);
  // Behind everybody else's listeners: the last vitals are told in theirs.
  listen(w, 'visibilitychange', () => d.hidden && hide());
  listen(w, 'pagehide', hide);
};

const config = (key: string, own?: Options) => {
  if (writeKey) {
    if (key !== writeKey) warn(`key "${key}" is ignored`);
  } else if (key) {
    writeKey = key;
    merge(options, own);
    if ((d as { prerendering?: boolean }).prerendering) listen(d, 'prerenderingchange', start);
    else start();
  } else warn('no key');
};

/** Makes `window.opentrack`, and starts as soon as a key is known. */
export const boot = (...extra: (() => void)[]) => {
  const { dataset = {}, src } = (d.currentScript || {}) as HTMLScriptElement;
  const { endpoint, writeKey: key, globalSegmentAnalyticsKey: segment } = dataset as Record<string, string>;
  const tracker = {} as Tracker;
  // Not any value: an element with this id is a global as well.
  if (w.opentrack && (w.opentrack as Tracker).load) return;
  w.opentrack = tracker;
  features = extra;
  // A script that stands in the page has no address of its own.
  origin = new URL(src || location.href).origin;
  for (const name of ['load', ...Object.keys(commands)]) tracker[name] = (...args: unknown[]) => run(name, ...args);
  tracker.user = () => ({
    id: () => ids.person().id,
    anonymousId: ids.visitor,
    traits: () => ids.person().traits || {},
  });
  merge(options, { endpoint }, parse<Options>(dataset.options));
  if (key || segment) config(key || (w.analytics as Record<string, string>)._writeKey!);
  stub(tracker, segment, run);
  layer(dataset.layer || 'dataLayer', run);
};
