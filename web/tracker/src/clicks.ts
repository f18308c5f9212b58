/** Clicks on what can be clicked. Reads labels and never what a visitor typed; never delays a navigation. */
import { d, listen } from './dom';
import { auto, commands, options, send, twice } from './events';
import type { Properties } from './types';

const TARGET = '[data-track],a,button,[role=button],input[type=submit],input[type=button],summary';
const SECRET = '[data-track-mask],input,textarea,select';
const FILE = /\.(pdf|zip|docx?|xlsx?|pptx?|csv|txt|rar|7z|t?gz|dmg|exe|pkg|apk|mp[34]|mov)$/i;
/** E-mail addresses, card numbers and US social security numbers. */
const PRIVATE = /[^\s@]+@[^\s@]+|\b\d([ -]?\d){12,18}\b|\b\d{3}-\d\d-\d{4}\b/g;

const CLICK = 'Element Clicked';

const key = (tag: unknown, id: unknown) => (tag + '#' + (id || '')).toLowerCase();

export const clicks = () => {
  commands.click = (given: Properties) => {
    const properties = { ...given };
    if (!twice([key(given.tag, given.id)], true, properties, 0)) send('track', { event: CLICK, properties });
  };
  if (options.autoTrackClicks === false) return;

  const onClick = (click: MouseEvent) => {
    const path = click.composedPath().filter((part) => part instanceof Element) as HTMLElement[];
    const inside = (selector: string) => path.find((part) => part.matches(selector));
    const element = inside(TARGET);
    const anchor = inside('a[href]');
    if (!element || inside('[data-track-ignore]') || click.button > (anchor ? 1 : 0)) return;
    const link = anchor && new URL(anchor.getAttribute('href')!, d.baseURI);
    const properties: Properties = {
      tag: element.tagName.toLowerCase(),
      id: element.id || null,
      text:
        inside(SECRET) || element.querySelector(SECRET)
          ? ''
          : (element.innerText || '').trim().replace(PRIVATE, '***').slice(0, 100),
      href: link && link.href.split(/[?#]/)[0],
    };
    for (const { name, value } of element.attributes)
      if (/^data-track-./.test(name)) properties[name.slice(11)] = value;
    const event =
      element.getAttribute('data-track') ||
      (link &&
        /^http/.test(link.href) &&
        (FILE.test(link.pathname) || element.matches('[download]')
          ? 'File Downloaded'
          : link.host !== location.host && 'Outbound Link Clicked')) ||
      CLICK;
    const of = [element, path[0]!].map((part) => key(part.tagName, part.id));
    if (!twice(of, false, properties, 0)) auto(event, properties);
  };
  listen(d, 'click', onClick, true);
  listen(d, 'auxclick', onClick, true);
};
