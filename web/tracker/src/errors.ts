/** Errors of the page, each kind once and then counted. */
import { listen, w } from './dom';
import { auto, commands, on, send, twice, wanted } from './events';
import type { Properties } from './types';

/** Events of one page view, counts included. */
const MOST = 25;
/** An error told by the page and by ourselves within this time (ms) is one. */
const SAME = 1000;
const EVENT = 'Error Occurred';

export const errors = () => {
  let seen: Record<string, { properties: Properties; count: number }> = {};
  let room = MOST;

  const report = (given: Properties, manual?: boolean) => {
    const properties = { ...given };
    const { message, source, line, col } = given;
    const key = [message, source, line, col].join('|');
    if (twice([key], !!manual, properties, SAME)) return;
    if (seen[key]) seen[key].count++;
    else if (room-- > 0) {
      seen[key] = { properties, count: 0 };
      if (manual) send('track', { event: EVENT, properties });
      else auto(EVENT, properties);
    }
  };
  const sum = () => {
    for (const key in seen) {
      const { properties, count } = seen[key]!;
      if (count && room-- > 0) auto(EVENT, { ...properties, count });
      seen[key]!.count = 0;
    }
  };
  on('hide', sum);
  on('leave', () => {
    sum();
    seen = {};
    room = MOST;
  });

  commands.error = (properties: Properties) => report(properties, true);
  if (!wanted('autoTrackErrors')) return;
  const thrown = (error: Partial<Error> | undefined) => error && error.stack && error.stack.slice(0, 4000);
  listen(
    w,
    'error',
    ({ target, message, filename: source, lineno: line, colno: col, error }: ErrorEvent) => {
      const { tagName: tag, src, href } = target as HTMLImageElement & HTMLAnchorElement;
      if (tag) report({ message: 'Resource not loaded', source: (src || href || '').split(/[?#]/)[0], tag: tag.toLowerCase() });
      else report({ message, source, line, col, stack: thrown(error) });
    },
    true,
  );
  listen(w, 'unhandledrejection', ({ reason }: PromiseRejectionEvent) =>
    report({ message: String((reason && reason.message) || reason), source: 'unhandledrejection', stack: thrown(reason) }),
  );
};
