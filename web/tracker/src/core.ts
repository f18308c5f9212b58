/**
 * The tracker: puts its parts together and offers the calls. The only file that knows every part.
 */
import { clicks } from './clicks';
import { EVENTS, helper } from './commerce';
import * as consents from './consent';
import { d, listen, merge, n, parse, safely, warn, w } from './dom';
import { engagement } from './engagement';
import { errors } from './errors';
import { auto, commands, emit, on, options, send } from './events';
import * as ids from './ids';
import { layer, stub } from './layer';
import { page, tell } from './page';
import * as queue from './queue';
import { durable, forget, keep, keys } from './store';
import type { CallOptions, Callback, Consent, Message, Options, Plugin, Properties, Tracker } from './types';
import { view } from './view';

declare const ENDPOINT: string;

/** These neither open a session nor keep one open. */
const PASSIVE = /^(Web Vital|Error Occurred)$/;
/** What rules the first event comes before it, wherever the page has put it. */
const RULES = /^(consent|opt|use|on$)/;

let writeKey: string;
let running = false;
let origin: string;
let features: (() => void)[];
const plugins: Plugin[] = [];
/** Calls from before the start. */
let early: [string, unknown[]][] = [];

/** Says whose a message is, and lets plugins change or stop it. Late, so that what was held for consent obeys it. */
const seal = (message: Message): Message | undefined => {
  const { type, event, context, timestamp } = message;
  const campaign = type === 'page' && context.campaign;
  const active = /page|screen/.test(type) || (type === 'track' && !PASSIVE.test(event!));
  const categoryPreferences = consents.preferences();
  if (!options.cookieHttpOnly) message.anonymousId = message.anonymousId || ids.visitor();
  merge(
    context,
    ids.session(Date.parse(timestamp), active, campaign ? JSON.stringify(campaign) : ''),
    Object.keys(categoryPreferences)[0] && { consent: { categoryPreferences } },
    !durable() && { cookieless: true },
  );
  for (const plugin of plugins) {
    const answer = safely(() => plugin.message && plugin.message(message));
    if (answer === false) return;
    message = answer || message;
  }
  emit('message', message);
  return message;
};

const begin = (plugin: Plugin) => safely(() => plugin.start && plugin.start({ options, view, send, auto, on, emit, commands }));

/** Follows a change of consent. */
const settle = () => {
  const storage = consents.may('storage');
  keep(storage ? options.persistence || 'cookie' : 'memory', options.cookieDomain);
  if (storage) ids.remember();
  if (storage === false) forget('ot_aid', 'ot_sid', 'ot_user', 'ot_consent', ...keys('ot_q.'));
  const bot = n.webdriver && options.environment === 'production' && !options.allowBots;
  queue.open(bot ? false : consents.may('analytics'));
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
    if (typeof id === 'object') return commands.identify!(...([undefined, id, traits] as never[]));
    ids.identify(id === undefined ? id : String(id), traits);
    send('identify', { traits: { ...traits } }, own);
  },
  group: (groupId: string, traits?: Properties, own?: CallOptions) => send('group', { groupId, traits: { ...traits } }, own),
  alias: (userId: string, previousId?: string, own?: CallOptions) =>
    send('alias', { userId, previousId: previousId || ids.person().id || ids.visitor() }, own),
  reset: () => {
    queue.settle();
    ids.reset();
  },
  ready: (callback: Callback) => callback(),
  on,
  use: (plugin: Plugin) => {
    plugins.push(plugin);
    if (running) begin(plugin);
  },
  consent: (answer: Consent | string, signals: Properties) =>
    typeof answer === 'string' ? consents.gtag(answer, signals) : consents.consent(answer),
  optIn: consents.optIn,
  optOut: consents.optOut,
  flush: queue.flush,
  event: (...args: unknown[]) => options.gtagEvents && run('track', ...args),
  // gtag's other commands, which are not for us.
  js() {},
  set() {},
  get() {},
});

const run = (command: string, ...args: unknown[]) => {
  const known = commands[command];
  const callback = !/^(on|ready)$/.test(command) && typeof args[args.length - 1] === 'function' && args.pop();
  if (/^(config|load)$/.test(command)) config(args[0] as string, args[1] as Options);
  else if (!running) early.push([command, callback ? [...args, callback] : args]);
  else if (!known) warn(`no command "${command}"`);
  else {
    known(...(args as never[]));
    emit(command, ...args);
    if (callback) (callback as Callback)();
  }
};

const start = () => {
  const replay = (rules: boolean) => {
    for (const [command, args] of early) if (RULES.test(command) === rules) safely(() => run(command, ...args));
  };
  queue.begin((options.endpoint || ENDPOINT || origin).replace(/\/$/, '') + options.path, writeKey, seal);
  running = true;
  consents.begin(options.consent === 'opt-in', options.respectDNT, settle);
  replay(true);
  settle();
  for (const feature of [page, clicks, errors, engagement, ...features]) safely(feature);
  plugins.forEach(begin);
  replay(false);
  const hide = () => {
    emit('hide');
    queue.hide();
  };
  // Behind everybody else's listeners: the last vitals are told in theirs.
  listen(w, 'visibilitychange', () => d.visibilityState === 'hidden' && hide());
  listen(w, 'pagehide', hide);
};

const config = (key: string, own?: Options) => {
  if (writeKey && key !== writeKey) warn(`has a write key already; "${key}" is ignored`);
  if (writeKey) return;
  if (!key) return warn('no write key');
  writeKey = key;
  merge(options, own);
  if ((d as { prerendering?: boolean }).prerendering) d.addEventListener('prerenderingchange', start, { once: true });
  else start();
};

/** Makes `window.opentrack`, and starts as soon as a key is known. */
export const boot = (...extra: (() => void)[]) => {
  const script = (d.currentScript || {}) as HTMLScriptElement;
  const data = script.dataset || {};
  const tracker = {} as Tracker;
  const offer = (name: string, ...bound: unknown[]) => {
    tracker[name] = (...args: unknown[]) => run(...([...bound, ...args] as [string]));
  };
  if (w.opentrack) return;
  features = extra;
  origin = new URL(script.src || location.href).origin;
  for (const name of ['load', ...Object.keys(commands)]) offer(name, name);
  for (const event of EVENTS) offer(helper(event), 'track', event);
  tracker.user = () => ({
    id: () => ids.person().id,
    anonymousId: ids.visitor,
    traits: () => ids.person().traits || {},
  });
  w.opentrack = tracker;
  merge(options, data.endpoint && { endpoint: data.endpoint }, parse<Options>(data.options));
  const key = data.writeKey || ((data as Properties).globalSegmentAnalyticsKey && (w.analytics as Properties)._writeKey);
  if (key) config(key as string);
  stub(tracker, data.globalSegmentAnalyticsKey, run);
  layer(data.layer || 'dataLayer', run);
};
