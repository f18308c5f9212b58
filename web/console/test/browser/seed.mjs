// A shop as it might be: visitors of a week, what they bought, how fast it was, and what went wrong.
import { startReceiver, startRouter, until } from './router.mjs';

const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0',
  'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Mobile Safari/537.36',
];
const ZONES = ['Europe/Berlin', 'Europe/Berlin', 'America/New_York', 'Asia/Tokyo', 'Europe/Paris'];
const FROM = [
  ['https://www.google.com/', ''],
  ['', ''],
  ['https://news.ycombinator.com/', ''],
  ['', '?utm_source=newsletter&utm_medium=email&utm_campaign=autumn'],
  ['https://chatgpt.com/', ''],
];
const PATHS = ['/', '/shoes', '/shoes/red-runner', '/about', '/checkout', '/blog/how-we-measure'];
const VITALS = { LCP: 2100, INP: 160, CLS: 0.08, FCP: 1500, TTFB: 620 };
/** What somebody sends who hopes that it becomes markup. */
export const HOSTILE = '<img src=x onerror="window.owned=1">\u202egnp.exe';

// Always the same, so that pictures are.
let state = 7;
const random = (below) => {
  state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
  return Math.floor((state / 2_147_483_648) * below);
};

const at = (ms) => new Date(ms).toISOString();

/** The calls of one visit. */
function visit(number, begin) {
  const anonymousId = `visitor-${number % 60}`;
  const [referrer, query] = FROM[number % FROM.length];
  const pageViewId = `view-${number}`;
  const context = (path) => ({
    userAgent: AGENTS[number % AGENTS.length],
    timezone: ZONES[number % ZONES.length],
    pageViewId,
    page: { path, url: `https://shop.example${path}${path === '/' ? query : ''}`, referrer, title: path },
  });
  const call = (after, type, path, more) => ({
    type,
    anonymousId,
    messageId: `m-${number}-${after}`,
    timestamp: at(begin + after * 1000),
    context: context(path),
    ...more,
  });
  const calls = [];
  const pages = 1 + random(4);
  for (let page = 0; page < pages; page += 1) {
    const path = page === 0 && number % 3 ? '/' : PATHS[random(PATHS.length)];
    calls.push(call(page * 40, 'page', path, { properties: { path, url: `https://shop.example${path}`, referrer } }));
  }
  for (const [metric, usual] of Object.entries(VITALS)) {
    const value = usual * (0.5 + random(100) / 60);
    calls.push(
      call(3, 'track', '/', {
        messageId: `v-${number}-${metric}`,
        event: 'Web Vital',
        properties: { name: metric, metric, value },
      }),
    );
  }
  const steps = ['Product Viewed', 'Product Added', 'Checkout Started', 'Order Completed'].slice(0, random(6));
  steps.forEach((event, step) => {
    const properties = {
      product_id: 'p1',
      price: 60,
      quantity: 1,
      order_id: `o-${number}`,
      currency: number % 4 ? 'EUR' : 'USD',
    };
    if (event === 'Order Completed') properties.revenue = 40 + random(160);
    calls.push(call(20 + step * 30, 'track', '/shoes/red-runner', { event, properties }));
  });
  return calls;
}

let told = 0;
/** Lets the open tail of a page see some events, and waits until they stand there with what became of them. */
export async function tell(shop, tab) {
  await tab.locator('section[aria-label=Events] .status.open').waitFor();
  told += 1;
  const call = (name, more) => ({ messageId: `t-${told}-${name}`, userId: 'ada', ...more });
  await shop.post('wk_live_web_123456789', [
    call('page', { type: 'page', name: 'Shoes', anonymousId: 'visitor-1' }),
    call('viewed', { type: 'track', event: 'Product Viewed' }),
    call('added', { type: 'track', event: 'Product Added' }),
  ]);
  await shop.post('wk_live_backend_987654321', [
    call('identify', { type: 'identify', traits: { plan: 'pro' } }),
    { type: 'track', userId: 'x' },
    call('hostile', { type: 'track', event: HOSTILE }),
    call('order', { type: 'track', event: 'Order Completed', properties: { revenue: 59, currency: 'EUR', order_id: `t-${told}` } }),
  ]);
  const row = tab.locator('.tail tr', { hasText: 'Order Completed' }).first();
  await row.getByText('mail: delivered').waitFor();
  await row.getByText('warehouse: delivered').waitFor();
}

/** A router of a shop, its destinations and its sources, filled. */
export async function startShop() {
  const mail = await startReceiver(() => [200, 'ok']);
  const crm = await startReceiver(() => [401, 'API key "crm-7" was revoked']);
  const partner = await startReceiver((_, calls) => (calls < 3 ? [422, 'field <b>plan</b> is unknown'] : [503, 'we are resting']));
  const router = await startRouter(`
[sources.web]
write_keys = ["wk_live_web_123456789"]
origins = ["https://shop.example"]

[sources.backend]
write_keys = ["wk_live_backend_987654321"]

[destinations.warehouse]
type = "sqlite"

[destinations.mail]
type = "webhook"
url = "${mail.url}"

[destinations.crm]
type = "webhook"
url = "${crm.url}"
hold = { probe_every = "1h" }

[destinations.partner]
type = "webhook"
url = "${partner.url}"
batch = { max_events = 5 }
events = { include = ["track:Order Completed", "track:Signed Up"] }
breaker = { failures = 2, open_for = "10m" }

[destinations.archive]
type = "webhook"
url = "${mail.url}"
enabled = false
`);
  const now = Date.now();
  // In the order of time: a visit that is told after a later one belongs to no session.
  const begins = Array.from({ length: 150 }, (_, at) => (at < 25 ? random(25 * 60) * 1000 : random(9 * 24 * 60) * 60_000));
  for (const [number, ago] of begins.sort((a, b) => b - a).entries()) {
    await router.post('wk_live_web_123456789', visit(number, now - 200_000 - ago));
  }
  const signed = (userId, event, more = {}) => ({
    type: 'track',
    userId,
    event,
    messageId: `s-${userId}`,
    properties: { plan: 'pro' },
    ...more,
  });
  await router.post(
    'wk_live_backend_987654321',
    ['ada', 'ben', 'cy'].map((user) => signed(user, 'Signed Up')),
  );
  await router.post('wk_live_backend_987654321', [
    { type: 'identify', userId: 'ada', traits: { email: 'ada@example.com' } },
    signed('eve', HOSTILE),
    signed('num', 'Signed Up', { messageId: 's-num', properties: { plan: 7 } }),
    { type: 'track', userId: 'x' },
    { type: 'page', userId: 7 },
  ]);
  await until(
    'the destinations are as they are to be',
    async () => {
      const { destinations } = await router.json('/api/destinations');
      const of = Object.fromEntries(destinations.map((one) => [one.name, one]));
      return (
        of.crm.state === 'held' &&
        Object.keys(of.partner.counts.dead).length > 0 &&
        of.mail.backlog.events === 0 &&
        of.warehouse.backlog.events === 0
      );
    },
    () => router.log(),
  );
  await until('the reports have the sessions', async () => ((await router.json('/api/stats/sessions?limit=1')).totals?.sessions ?? 0) > 60);
  const stop = async () => {
    await router.stop();
    await Promise.all([mail, crm, partner].map((one) => one.close()));
  };
  return { ...router, crm, partner, mail, stop };
}
