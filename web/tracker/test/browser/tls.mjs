// Pages over https: a proxy that ends TLS stands before site and router, as in production.
import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import { request as ask } from 'node:http';
import { browserTest, html, QUIET, until } from './support.mjs';
import { selfSigned } from './certificate.mjs';

/** By their hosts: the shop, the router on its own site, and the router on somebody else's. */
const [SHOP, EVENTS, FOREIGN] = ['www.shop.example', 'events.shop.example', 't.partner.example'];
/** A proxy of this machine is believed; the browser ignores who has signed for it. */
const SETTINGS = { router: { server: 'trusted_proxies = ["127.0.0.0/8"]' }, context: { ignoreHTTPSErrors: true } };

/** Ends TLS and passes everything on, with what a proxy says of it. `cookies` is what the router has set. */
async function startProxy({ site, router }) {
  const cookies = [];
  const server = createServer(selfSigned(SHOP, EVENTS, FOREIGN), (request, response) => {
    const { host } = request.headers;
    const port = host.startsWith(SHOP) ? site.port : router.port;
    const headers = { ...request.headers, 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.7' };
    const { method, url: path } = request;
    const passed = ask({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
      cookies.push(...(answer.headers['set-cookie'] ?? []));
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    request.pipe(passed);
  });
  const port = await new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)));
  const close = () => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  };
  return { at: (host) => `https://${host}:${port}`, cookies, close };
}

/** A test behind such a proxy; `visit` loads a page of the shop with the tracker of a host, and `tell` sends an event. */
const overTls = (name, run) =>
  browserTest(
    name,
    async (tools) => {
      const { page, site } = tools;
      const proxy = await startProxy(tools);
      const visit = async (host) => {
        const options = JSON.stringify(QUIET);
        const src = `${proxy.at(host)}/tracker.js`;
        site.pages.set('/', html(`<script src="${src}" data-write-key="web" data-options='${options}'></script>`));
        await page.goto(proxy.at(SHOP));
        return page.evaluate(() => window.opentrack.user().anonymousId());
      };
      const tell = (event) =>
        page.evaluate((given) => {
          window.opentrack.track(given);
          window.opentrack.flush();
        }, event);
      try {
        await run({ ...tools, proxy, visit, tell });
      } finally {
        await proxy.close();
      }
    },
    SETTINGS,
  );

const kept = async (context) => (await context.cookies()).find(({ name }) => name === 'ot_aid');

overTls(
  'over https the visitor’s cookie is Secure, as the script writes it and as the router renews it',
  async (tools) => {
    const { context, page, proxy, router, tell, visit } = tools;
    const visitor = await visit(EVENTS);
    const expected = [visitor, '.shop.example', true, 'Lax'];
    const shown = ({ value, domain, secure, sameSite }) => [value, domain, secure, sameSite];
    assert.deepEqual(shown(await kept(context)), expected);
    await tell('Over Tls');
    await until('the router renews it', () => proxy.cookies.length);
    // An image says no origin: only the proxy knows that this is https.
    await page.evaluate(
      (base) => (document.body.append(Object.assign(new Image(), { src: base })), undefined),
      `${proxy.at(EVENTS)}/collect/pixel.gif?writeKey=web&data=${encodeURIComponent(
        JSON.stringify({ event: 'Image Tls', anonymousId: visitor }),
      )}`,
    );
    await until('the image renews it', () => proxy.cookies.length > 1);
    for (const cookie of proxy.cookies) {
      assert.match(cookie, new RegExp(`^ot_aid=${visitor}; .*SameSite=Lax`));
      assert.match(cookie, /; Secure(;|$)/);
    }
    assert.deepEqual(shown(await kept(context)), expected);
    for (const table of ['over_tls', 'image_tls'])
      await router.rows(`select anonymous_id from ${table}`, [{ anonymous_id: visitor }]);
  },
);

overTls('a page over https is heard by a router of another site, which sets no cookie', async (tools) => {
  const { context, page, proxy, router, tell, visit } = tools;
  const said = [];
  page.on('console', (message) => said.push(message.text()));
  const visitor = await visit(FOREIGN);
  await tell('From Https');
  await router.rows('select anonymous_id, context_ip from from_https', [
    { anonymous_id: visitor, context_ip: '203.0.113.0' },
  ]);
  const domains = (await context.cookies()).map(({ domain }) => domain);
  assert.deepEqual([[...new Set(domains)], proxy.cookies, said], [['.shop.example'], [], []]);
});
