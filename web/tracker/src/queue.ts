/**
 * The patience of the page: events wait here, are written down, sent in batches and sent again. Knows what the router
 * answers; nothing of what events mean.
 */
import { listen, n, now, uuid, w, warn } from './dom';
import { durable, keys, local } from './store';
import type { Message } from './types';

/** What one body may hold: browsers give keepalive requests and beacons 64 KiB together. */
const BODY = 60000;
const BATCH = 100;
const KEPT = 1000;
const KEPT_CHARS = 524288;
/** Events that wait for consent. */
const HELD = 100;
const SOON = 2000;
const STORED = 'ot_q.';
const LEASE = 5000;

const own = STORED + uuid();
let url: string;
let head: object;
let seal: (message: Message) => Message | undefined;
/** undefined: hold; false: forget; true: send. */
let gate: boolean | undefined;
/** Events of the task that runs, still open to change, or held. */
let pending: Message[] = [];
/** Events as text; the first `flying` of them are under way. */
let waiting: string[] = [];
let flying = 0;
let dropped = 0;
/** Attempts that failed, one after the other. */
let tries = 0;
let most = BATCH;
let notBefore = 0;
/** The last answer; 0 when there was none. */
let answered = 1;
let timer = 0;
let task = 0;
let release: () => void;

const stored = () => waiting.join('\n');
const persist = () => local(own, durable() && waiting[0] ? now() + '\n' + stored() : '');

const later = (wait: number) => {
  clearTimeout(timer);
  timer = w.setTimeout(send, Math.max(wait, notBefore - now()));
};

/** Takes the events behind `from` that one body may hold. */
const cut = (from: number) => {
  let bytes = 200;
  let end = from;
  for (; end < waiting.length && end - from < most; end++) {
    bytes += new Blob([waiting[end]!]).size + 1;
    if (bytes > BODY && end > from) break;
  }
  const rest = JSON.stringify({ ...head, sentAt: new Date() }).slice(1);
  return { count: end - from, bytes, body: `{"batch":[${waiting.slice(from, end)}],${rest}` };
};

/** Decides what the router's answer means for the first `count` events; 0 is no answer. */
const judge = (count: number, status: number, after?: string | null) => {
  flying = 0;
  answered = status;
  if (status === 413 && count > 1) most = count >> 1;
  else if (!status || status === 408 || status === 429 || status > 499)
    notBefore = now() + (+after! * 1000 || Math.random() * Math.min(60000, 500 * 2 ** tries++));
  else {
    if (status > 299) warn(`${count} events refused with ${status}`);
    waiting.splice(0, count);
    most = BATCH;
    tries = 0;
  }
  persist();
  if (waiting[0]) later(0);
};

const send = () => {
  if (flying || !gate || !waiting[0] || n.onLine === false) return;
  if (now() < notBefore) return later(0);
  const { count, bytes, body } = cut(0);
  flying = count;
  fetch(url, {
    method: 'POST',
    body,
    keepalive: bytes <= BODY,
    credentials: 'include',
    headers: { 'content-type': 'text/plain' },
  }).then(
    (answer) => judge(count, answer.status, answer.headers.get('retry-after')),
    () => judge(count, 0),
  );
};

/** Ends the task: what is pending is sealed, made text, and written down. */
export const settle = () => {
  clearTimeout(task);
  task = 0;
  if (!gate) return;
  let wait = SOON;
  for (const open of pending.splice(0)) {
    const message = seal(open);
    if (!message) continue;
    if (dropped) message.context.dropped = dropped;
    dropped = 0;
    if (/^(page|identify)$/.test(message.type)) wait = 0;
    waiting.push(JSON.stringify(message));
  }
  for (; waiting.length > KEPT || (waiting[flying + 1] && stored().length > KEPT_CHARS); dropped++) waiting.splice(flying, 1);
  persist();
  if (waiting[0]) later(waiting[19] ? 0 : wait);
};

export const add = (message: Message) => {
  if (gate === false) return;
  if (pending.push(message) > HELD && !gate) {
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
  let room = BODY - (flying && cut(0).bytes);
  while (gate && waiting[flying] && n.onLine !== false && !(tries && durable())) {
    const { count, bytes, body } = cut(flying);
    room -= bytes;
    if (room < 0 || !n.sendBeacon(url, body)) break;
    waiting.splice(flying, count);
  }
  persist();
};

/** Takes over what a tab that is gone left behind. A living tab holds the lock of its key. */
const adopt = () => {
  for (const key of keys(STORED)) {
    const take = (free: unknown) => {
      const [at, ...left] = (local(key) || '').split('\n');
      if (!free || !left[0] || (!n.locks && now() - +at! < LEASE)) return;
      waiting.push(...left);
      persist();
      local(key, '');
      later(0);
    };
    if (key === own) continue;
    if (n.locks) void n.locks.request(key, { ifAvailable: true }, take);
    else take(1);
  }
};

const hold = () => n.locks && n.locks.request(own, () => new Promise<void>((free) => (release = free)));

/** Opens (true), holds (undefined) or forgets (false) everything. */
export const open = (allowed: boolean | undefined) => {
  const first = !gate && allowed;
  gate = allowed;
  if (allowed === false) {
    pending = [];
    waiting.splice(flying);
  }
  if (first) {
    adopt();
    settle();
  }
  persist();
};

/** Begins to send there with this key. `finish` is the last to see each message, and may stop it. */
export const begin = (there: string, writeKey: string, finish: typeof seal) => {
  url = there;
  head = { writeKey };
  seal = finish;
  void hold();
  listen(w, 'online', () => {
    if (!answered) notBefore = 0;
    flush();
  });
  listen(w, 'pagehide', () => release && release());
  listen(w, 'pageshow', (event: PageTransitionEvent) => {
    if (!event.persisted) return;
    // While this page slept another tab may have taken what it had written down.
    if (durable()) waiting = (local(own) || '').split('\n').slice(1);
    void hold();
  });
  if (!n.locks)
    setInterval(() => {
      if (waiting[0]) persist();
      if (gate) adopt();
    }, SOON);
};
