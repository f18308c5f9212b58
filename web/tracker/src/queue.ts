/**
 * The patience of the page: events wait here, are written down, sent in batches and sent again. Knows what the router
 * answers; nothing of what events mean.
 */
import { listen, n, now, uuid, w, warn } from './dom';
import { durable, local, QUEUE, queues } from './store';
import type { Message } from './types';

/** What one body may hold: browsers give keepalive requests and beacons 64 KiB together. */
const BODY = 60000;
/** Events of one body, and events that wait for consent. */
const BATCH = 100;
const KEPT = 1000;
const KEPT_CHARS = 524288;
const SOON = 2000;
const LEASE = 5000;

const own = QUEUE + uuid();
let url: string;
let key: string;
let seal: (message: Message) => unknown;
/** undefined: hold; false: forget; true: send. */
let gate: boolean | undefined;
/** Events of the task that runs, still open to change, or held. */
let pending: Message[] = [];
/** Events as text; the first `flying` of them are under way, in a body of `air` bytes. */
let waiting: string[] = [];
let flying = 0;
let air = 0;
let dropped = 0;
/** Attempts that failed, one after the other. */
let tries = 0;
let most = BATCH;
let notBefore = 0;
let timer = 0;
let task = 0;
let release = () => {};

const persist = () => local(own, durable() && waiting[0] ? [now(), ...waiting].join('\n') : '');

const later = (wait = 0) => {
  clearTimeout(timer);
  timer = waiting[0] ? w.setTimeout(send, Math.max(wait, notBefore - now())) : 0;
};

/** The events behind `from` that one body may hold: how many, the bytes of the body, and the body. */
const cut = (from: number): [number, number, string] => {
  let bytes = 200;
  let end = from;
  for (; end < waiting.length && end - from < most; end++) {
    bytes += new Blob([waiting[end]!]).size + 1;
    if (bytes > BODY && end > from) break;
  }
  return [
    end - from,
    bytes,
    `{"batch":[${waiting.slice(from, end)}],"sentAt":${JSON.stringify(new Date())},"writeKey":${key}}`,
  ];
};

/** Decides what the router's answer means for what was under way; 0 is no answer. */
const judge = (status: number, after?: string | null) => {
  if (status === 413 && flying > 1) most = flying >> 1;
  // `test` makes it text.
  else if (/^(0|408|429|5..)$/.test(status as never))
    notBefore = now() + (+after! * 1000 || Math.random() * Math.min(60000, 500 * 2 ** tries++));
  else {
    if (status > 299) warn(`${flying} events refused: ${status}`);
    waiting.splice(0, flying);
    most = BATCH;
    tries = 0;
  }
  flying = air = 0;
  persist();
  later();
};

const send = () => {
  timer = 0;
  if (flying || !gate || !waiting[0] || !n.onLine) return;
  if (now() < notBefore) return later();
  const [count, bytes, body] = cut(0);
  flying = count;
  air = bytes;
  fetch(url, {
    method: 'POST',
    body,
    keepalive: bytes <= BODY,
    credentials: 'include',
  }).then(
    (answer) => judge(answer.status, answer.headers.get('retry-after')),
    () => judge(0),
  );
};

/** Ends the task: what is pending is sealed, made text, and written down. */
export const settle = () => {
  task = 0;
  if (!gate) return;
  let urgent;
  for (const message of pending.splice(0)) {
    if (seal(message)) continue;
    if (dropped) message.context.dropped = dropped;
    dropped = 0;
    // page and identify
    urgent = urgent || /^[pi]/.test(message.type);
    waiting.push(JSON.stringify(message));
  }
  for (let chars = waiting.join().length; waiting[KEPT] || (chars > KEPT_CHARS && waiting[flying + 1]); dropped++)
    chars -= waiting.splice(flying, 1)[0]!.length;
  persist();
  if (urgent || waiting[19]) later();
  else if (!timer) later(SOON);
};

export const add = (message: Message) => {
  if (gate === false) return;
  if (pending.push(message) > BATCH && !gate) {
    pending.shift();
    dropped++;
  }
  task = task || w.setTimeout(settle);
};

/** Sends what waits, now. */
export const flush = () => {
  settle();
  send();
};

/** The page may never run again: what waits leaves by beacon, unless the router is known to be ill. */
export const hide = () => {
  settle();
  while (gate && waiting[flying] && n.onLine && !(tries && durable())) {
    const [count, bytes, body] = cut(flying);
    air += bytes;
    if (air > BODY || !n.sendBeacon(url, body)) break;
    waiting.splice(flying, count);
  }
  persist();
};

/** Takes over what a tab that is gone left behind. A living tab holds the lock of its key, or has just written. */
const adopt = () => {
  for (const key of queues()) {
    const take = (free: unknown) => {
      const [at, ...left] = local(key).split('\n');
      if (key === own || !free || (free === 1 && now() - +at! < LEASE)) return;
      waiting.push(...left);
      persist();
      local(key, '');
      later();
    };
    if (n.locks) void n.locks.request(key, { ifAvailable: true }, take);
    else take(1);
  }
};

const hold = () => n.locks?.request(own, () => new Promise<void>((free) => (release = free)));

/** Opens (true), holds (undefined) or forgets (false) everything. */
export const open = (allowed: boolean | undefined) => {
  gate = allowed;
  if (gate === false) {
    pending = [];
    waiting.splice(flying);
  }
  if (gate) adopt();
  settle();
  persist();
};

/** Begins to send there with this key. `finish` is the last to see each message, and may stop it. */
export const begin = (there: string, writeKey: string, finish: typeof seal) => {
  url = there;
  key = JSON.stringify(writeKey);
  seal = finish;
  // Before anything is written down, and not while the page waits for the start.
  setTimeout(hold);
  listen(w, 'online', flush);
  listen(w, 'pagehide', () => release());
  listen(w, 'pageshow', (event: PageTransitionEvent) => {
    if (!event.persisted) return;
    // While this page slept another tab may have taken what it had written down.
    if (durable()) waiting = local(own).split('\n').slice(1);
    void hold();
  });
};
