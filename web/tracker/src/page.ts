/** When one view of a page ends and the next begins. */
import { d, listen, w } from './dom';
import { commands, emit, options, send, twice } from './events';
import type { CallOptions, Message, Properties } from './types';
import { enter, look, view } from './view';

/** A view told by the page and by ourselves within this time (ms) is one. */
const SAME = 1000;

let first = true;

const address = (url: string) => (options.hash ? url : url.split('#')[0]!);

/** Tells of a view; `fields` are what the page says of it. */
export const tell = (manual: boolean, fields: Partial<Message> = {}, own?: CallOptions) => {
  const given = fields.properties || {};
  const url = new URL(address((given.url as string) || location.href), location.href).href;
  const last = view().page;
  const next = look(url, first || last.url === url ? d.referrer : last.url, given.title as string);
  const properties = { ...next.page, ...given };
  if (twice(['page ' + url], manual, properties, SAME)) return;
  if (!first) emit('leave');
  first = false;
  enter(next);
  send('page', { ...fields, properties }, own);
  emit('view');
};

/** Begins to watch the address. */
export const page = () => {
  let seen = address(location.href);
  const changed = (replaced?: boolean) => {
    const next = address(location.href);
    const [path, before] = [next, seen].map((url) => url.split('?')[0]);
    // Frameworks set the title after the address.
    if (next !== seen && (!replaced || options.countQuery || path !== before)) setTimeout(tell, 0, false);
    seen = next;
  };

  commands.pageView = (properties: Properties) => tell(true, { properties });
  if (options.autoTrackPageViews === false) return;
  tell(false);
  const navigation = w.navigation as EventTarget | undefined;
  if (navigation)
    listen(navigation, 'currententrychange', (event: { navigationType?: string }) =>
      changed(event.navigationType === 'replace'),
    );
  else {
    for (const name of ['pushState', 'replaceState'] as const) {
      const original = history[name];
      history[name] = function (...args) {
        original.apply(this, args);
        changed(name === 'replaceState');
      };
    }
    for (const type of ['popstate', 'hashchange']) listen(w, type, () => changed());
  }
  listen(w, 'pageshow', (event: PageTransitionEvent) => event.persisted && tell(false));
};
