/** How long a view was really looked at, and how far down. The clock runs while the page is visible and has the focus. */
import { d, listen, now, w } from './dom';
import { auto, on, options } from './events';

/** Less new time (ms) than this is not worth an event of its own. */
const WORTH = 1000;

export const engagement = () => {
  let since = 0;
  let total = 0;
  let deepest = 0;
  let reported = 0;

  const tick = () => {
    if (since) {
      total += now() - since;
      const seen = ((w.scrollY + w.innerHeight) / d.documentElement.scrollHeight) * 100;
      deepest = Math.max(deepest, Math.min(100, Math.round(seen)));
    }
    since = !d.hidden && d.hasFocus() ? now() : 0;
  };
  const report = () => {
    tick();
    if (total < WORTH && deepest <= reported) return;
    auto('Page Engaged', { engaged_ms: total, scroll_depth: deepest });
    total = 0;
    reported = deepest;
  };

  if (options.autoTrackEngagement === false) return;
  for (const type of ['focus', 'blur', 'pageshow', 'visibilitychange', 'scroll']) listen(w, type, tick, true);
  on('hide', report);
  on('leave', report);
  on('view', () => (total = deepest = reported = 0));
  tick();
};
