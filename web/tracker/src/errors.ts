/** Errors of the page, each kind once and then counted. */
import { listen, w } from './dom';
import { auto, commands, on, options, send, twice } from './events';
import type { Properties } from './types';

/** Events of one page view, counts included. */
const MOST = 25;
/** An error told by the page and by ourselves within this time (ms) is one. */
const SAME = 1000;
const EVENT = 'Error Occurred';

export const errors = () => {
  let seen: Record<string, Properties> = {};
  let room = MOST;

  const report = (given: Properties, tell = auto, manual = false) => {
    const { message, source, line, col } = given;
    const key = [message, source, line, col] + '';
    const properties = { ...given };
    if (twice([key], manual, properties, SAME)) return;
    if (seen[key]) repeats[key] = (repeats[key] || 0) + 1;
    else if (room-- > 0) {
      seen[key] = properties;
      tell(EVENT, properties);
    }
  };
  let repeats: Record<string, number> = {};
  const sum = () => {
    for (const key in repeats) if (room-- > 0) auto(EVENT, { ...seen[key], count: repeats[key] });
    repeats = {};
  };
  on('hide', sum);
  on('leave', () => {
    sum();
    seen = {};
    room = MOST;
  });

  commands.error = (properties: Properties) =>
    report(properties, (event, properties) => send('track', { event, properties }), true);
  if (options.autoTrackErrors === false) return;
  const thrown = (message: unknown, error: Partial<Error> | undefined, where: Properties) =>
    report({ message, ...where, stack: error && error.stack && error.stack.slice(0, 4000) });
  listen(
    w,
    'error',
    ({ target, message, filename: source, lineno: line, colno: col, error }: ErrorEvent) => {
      const { tagName, src, href } = target as HTMLImageElement & HTMLAnchorElement;
      if (tagName)
        thrown('Resource not loaded', error, {
          source: (src || href || '').split(/[?#]/)[0],
          tag: tagName.toLowerCase(),
        });
      else thrown(message, error, { source, line, col });
    },
    true,
  );
  listen(w, 'unhandledrejection', ({ reason }: PromiseRejectionEvent) =>
    thrown((reason && reason.message) || reason + '', reason, { source: 'unhandledrejection' }),
  );
};
