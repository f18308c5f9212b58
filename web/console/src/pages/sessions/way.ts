// A session, and the way that it took through the pages.
import { count } from '../../ui/format';
import { Foreign, html } from '../../ui/html';

export interface Session {
  id: string;
  visitor: string;
  start: string;
  last: string;
  duration_s: number;
  pageviews: number;
  events: number;
  interactions: number;
  engaged_ms: number;
  conversions: number;
  is_bounce: boolean;
  is_engaged: boolean;
  entry: string;
  exit: string;
  referrer: string;
  channel: string;
  source: string;
  campaign: string;
  country: string;
  city: string;
  device: string;
  browser: string;
  os: string;
}

export const Way = ({ of }: { of: Session }) =>
  html`<${Foreign}
      text=${of.entry}
    />${of.exit !== of.entry && html` <span class="muted" aria-label="to">→</span> <${Foreign} text=${of.exit} />`}
    ${of.conversions > 0 && html` <span class="chip good">${count(of.conversions)} ${of.conversions === 1 ? 'order' : 'orders'}</span>`}`;
