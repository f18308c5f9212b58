/** How long a view was really looked at, and how far down. The clock runs while the page is visible and has the focus. */
import { d, listen, now, w } from './dom';
import { auto, on, wanted } from './events';

/** Less new time (ms) than this is not worth an event of its own. */
const WORTH = 1000;

export const engagement = () => {
  if (!wanted('autoTrackEngagement')) return;
  let since = 0;
  let total = 0;
  let deepest = 0;
  let reported = 0;
  let looked = false;

  const measure = () => {
    if (looked)
      deepest = Math.max(
        deepest,
        Math.min(100, Math.round(((w.scrollY + w.innerHeight) / d.documentElement.scrollHeight) * 100)),
      );
  };
  const tick = () => {
    if (since) total += now() - since;
    looked = d.visibilityState === 'visible' && d.hasFocus() ? !!(since = now()) : ((since = 0), looked);
  };
  const report = () => {
    tick();
    measure();
    if (total < WORTH && deepest <= reported) return;
    auto('Page Engaged', { engaged_ms: total, scroll_depth: deepest });
    total = 0;
    reported = deepest;
  };

  for (const type of ['focus', 'blur', 'pageshow', 'visibilitychange']) listen(w, type, tick);
  listen(w, 'scroll', measure, true);
  on('hide', report);
  on('leave', report);
  on('view', () => {
    total = deepest = reported = 0;
    looked = false;
    tick();
  });
  tick();
};
