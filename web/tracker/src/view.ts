/** The view of a page that everything happens on, and what the browser says of it. */
import { d, n, uuid, w } from './dom';
import type { Properties, View } from './types';

let current: View;

/** What `url` says, as a view. */
export const look = (url: string, referrer: string, title = d.title): View => {
  const { pathname: path, search, searchParams } = new URL(url);
  const campaign: Record<string, string> = {};
  const clickIds: Record<string, string> = {};
  searchParams.forEach((value, name) => {
    if (!value) return;
    if (/^utm_/.test(name)) campaign[name === 'utm_campaign' ? 'name' : name.slice(4)] = value;
    if (/^(gclid|gbraid|wbraid|dclid|msclkid|ttclid|twclid|li_fat_id|fbclid)$/.test(name)) clickIds[name] = value;
  });
  return { id: uuid(), page: { path, referrer, search, title, url }, campaign, clickIds };
};

/** The view of now. */
export const view = () => current || enter(look(location.href, d.referrer));

/** Makes this the view of now. */
export const enter = (next: View) => (current = next);

const filled = <T extends object>(object: T) => (Object.keys(object)[0] ? object : undefined);

/** What every event says of the browser and of its view. */
export const context = (): Properties => {
  const { id, page, campaign, clickIds } = view();
  const { effectiveType, downlink, rtt, saveData } = n.connection || {};
  return {
    page,
    campaign: filled(campaign),
    clickIds: filled(clickIds),
    locale: n.language,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    screen: { width: screen.width, height: screen.height, density: w.devicePixelRatio },
    userAgent: n.userAgent,
    userAgentData: n.userAgentData,
    network: { effectiveType, downlink, rtt, saveData },
    pageViewId: id,
  };
};
