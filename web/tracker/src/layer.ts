/**
 * The data layer, which may be shared with gtag and a tag manager, and Segment's array stub. Takes what is meant for us,
 * in order and once; leaves everything else as it is.
 */
import { merge, safely, w } from './dom';

/** Keys of Google's products: their `config` is not ours. */
const GOOGLE = /^(G|GT|GTM|AW|UA|DC)-/;

export type Run = (command: string, ...args: unknown[]) => void;

/** Reads what is in the array, and from now on what is pushed. */
const follow = (list: unknown[], run: Run) => {
  const take = (entry: unknown) => {
    if (!Array.isArray(entry) && String(entry) !== '[object Arguments]') return;
    const [command, ...args] = Array.from(entry as unknown[]);
    if (typeof command === 'string' && !(command === 'config' && GOOGLE.test(args[0] as string)))
      safely(() => run(command, ...args));
  };
  const push = list.push;
  const before = list.slice();
  list.push = function (...entries) {
    const length = push.apply(list, entries);
    entries.forEach(take);
    return length;
  };
  before.forEach(take);
};

/** Follows `window[name]`, and gives the page a `track` where it has none. */
export const layer = (name: string, run: Run) => {
  const list = (w[name] = w[name] || []) as unknown[];
  // Not any value: an element with this id is a global as well.
  if (typeof w.track !== 'function')
    w.track = function () {
      // eslint-disable-next-line prefer-rest-params -- gtag's form, which the page's own stub has too
      list.push(arguments);
    };
  follow(list, run);
};

/**
 * Takes the place of a Segment-style stub `window.analytics = []`. The stub of Segment's own snippet is left to
 * Segment's own script, except when that snippet loaded us.
 */
export const stub = (tracker: object, loadedByIt: unknown, run: Run) => {
  const list = w.analytics as unknown[] & { SNIPPET_VERSION?: string };
  if (!Array.isArray(list) || (list.SNIPPET_VERSION && !loadedByIt)) return;
  merge(list, tracker);
  follow(list, run);
};
