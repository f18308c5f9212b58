/** The view of a page that everything happens on, and what the browser says of it. */
import { d, n, uuid, w } from './dom';
import type { Properties, View } from './types';

interface Temporal {
  Now: { timeZoneId(): string };
}

let current: View;

/** What `url` says, as a view. */
export const look = (url: string, referrer: string, title = d.title): View => {
  const { pathname: path, search, searchParams } = new URL(url);
  let campaign: View['campaign'];
  let clickIds: View['clickIds'];
  searchParams.forEach((value, name) => {
    if (!value) return;
    if (/^utm_/.test(name)) (campaign = campaign || {})[name.slice(4).replace(/^campaign$/, 'name')] = value;
    if (/^((d|g|fb|tt|tw)clid|msclkid|[gw]braid|li_fat_id)$/.test(name)) (clickIds = clickIds || {})[name] = value;
  });
  return { id: uuid(), page: { path, referrer, search, title, url }, campaign, clickIds };
};

/** The view of now. */
export const view = () => current || enter(look(location.href, d.referrer));

/** Makes this the view of now. */
export const enter = (next: View) => (current = next);

/** Where the browser's clock is. Browsers without Temporal take longer for their first answer than the tracker to start. */
export const timezone = () =>
  (w.Temporal as Temporal | undefined)?.Now.timeZoneId() ?? Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What every event says of the browser and of its view; the time zone comes later. */
export const context = (): Properties => {
  const { id, page, campaign, clickIds } = view();
  const { effectiveType, downlink, rtt, saveData } = n.connection || {};
  return {
    page,
    campaign,
    clickIds,
    locale: n.language,
    screen: { width: screen.width, height: screen.height, density: w.devicePixelRatio },
    userAgent: n.userAgent,
    userAgentData: n.userAgentData,
    network: { effectiveType, downlink, rtt, saveData },
    pageViewId: id,
  };
};
