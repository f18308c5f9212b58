// What the guides say, pasted as it stands: each snippet is taken out of its guide and loaded in the browser. The only
// changes are the address of the router and, in a script that is bundled, what Next.js would bring.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { build } from 'esbuild';
import { browserTest, home, html, root, until } from './support.mjs';

const guides = join(root, 'docs/guides');
const HOST = 'https://events.shop.example';
const pasted = new Set();

const blocks = (name) =>
  [...readFileSync(join(guides, name), 'utf8').matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].map(([, lang, text]) => ({
    lang,
    text,
  }));

/** The snippet of this language and number in a guide, with the hub in the place of the router. */
function snippet(hub, name, lang, number = 0) {
  pasted.add(`${name} ${lang} ${number}`);
  const found = blocks(name).filter((block) => block.lang === lang)[number];
  assert.ok(found, `${name} has a block ${number} of ${lang}`);
  return found.text.replaceAll(HOST, hub.url);
}

/** Loads a page whose head and body are these. */
const visit = async ({ site, page }, head, body) => {
  site.pages.set('/', html(head, body));
  await page.goto(site.url);
};

const run = (page) => page.evaluate(() => window.opentrack.flush());

browserTest('plain HTML: the tag alone counts a view', async (tools) => {
  await visit(tools, snippet(tools.hub, 'html.md', 'html', 0));
  assert.equal((await tools.hub.one('page')).properties.path, '/');
});

browserTest('plain HTML: the attributes are options', async (tools) => {
  await tools.page.addInitScript(() => Object.defineProperty(navigator, 'webdriver', { value: false }));
  await visit(tools, snippet(tools.hub, 'html.md', 'html', 1));
  assert.equal((await tools.hub.one('page')).context.environment, 'production');
});

browserTest('plain HTML: the data layer takes calls before the script', async (tools) => {
  await tools.page.addInitScript(() => Object.defineProperty(navigator, 'webdriver', { value: false }));
  await visit(tools, snippet(tools.hub, 'html.md', 'html', 2));
  assert.equal((await tools.hub.one('Newsletter Subscribed')).userId, 'user-17');
});

browserTest('plain HTML: an element names its event', async (tools) => {
  const { hub, page } = tools;
  await visit(tools, '', snippet(hub, 'html.md', 'html', 3));
  await hub.one('page');
  await page.click('button');
  await run(page);
  assert.equal((await hub.one('Plan Chosen')).properties.plan, 'gold');
});

/** `next/script` as it behaves in the browser: after hydration a script element is made of the properties. */
const NEXT_SCRIPT = `
  import { useEffect } from 'react';
  export default function Script({ strategy, dangerouslySetInnerHTML, ...attributes }) {
    useEffect(() => {
      const element = document.createElement('script');
      if (dangerouslySetInnerHTML) element.innerHTML = dangerouslySetInnerHTML.__html;
      for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
      document.body.append(element);
    }, []);
    return null;
  }`;

/** Bundles modules by their name, the last of which mounts them. */
async function bundle(modules) {
  const made = await build({
    stdin: { contents: modules.main, loader: 'tsx', resolveDir: home },
    bundle: true,
    write: false,
    format: 'iife',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'silent',
    plugins: [
      {
        name: 'guide',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^(guide:|next\/)/ }, ({ path }) => ({ path, namespace: 'guide' }));
          onLoad({ filter: /.*/, namespace: 'guide' }, ({ path }) => ({
            contents: path === 'next/script' ? NEXT_SCRIPT : modules[path.slice('guide:'.length)],
            loader: 'tsx',
            resolveDir: home,
          }));
        },
      },
    ],
  });
  return `<div id="root"></div><script>${made.outputFiles[0].text.replaceAll('</script', '<\\/script')}</script>`;
}

const MOUNT = `import { createRoot } from 'react-dom/client';
const mount = (node, at = document.getElementById('root')) => createRoot(at).render(node);`;

browserTest('Next.js: the App router counts a view and its button an event', async (tools) => {
  const { hub, page } = tools;
  await page.addInitScript(() => Object.defineProperty(navigator, 'webdriver', { value: false }));
  const app = await bundle({
    layout: snippet(hub, 'nextjs.md', 'tsx', 0),
    button: snippet(hub, 'nextjs.md', 'tsx', 1),
    // The layout is a whole document, as in Next.js.
    main: `${MOUNT}
      import Layout from 'guide:layout';
      import Buy from 'guide:button';
      mount(<Layout><Buy id="p-1" /></Layout>, document);`,
  });
  await visit(tools, '', app);
  await hub.one('page');
  await page.click('button');
  await run(page);
  assert.equal((await hub.one('Product Added')).properties.product_id, 'p-1');
});

browserTest('Next.js: the Pages router counts a view', async (tools) => {
  await tools.page.addInitScript(() => Object.defineProperty(navigator, 'webdriver', { value: false }));
  const app = await bundle({
    app: snippet(tools.hub, 'nextjs.md', 'tsx', 2),
    main: `${MOUNT} import App from 'guide:app'; const Page = () => <h1>Hello</h1>; mount(<App Component={Page} pageProps={{}} />);`,
  });
  await visit(tools, '', app);
  assert.equal((await tools.hub.one('page')).type, 'page');
});

browserTest('React with Vite: a caught error is told', async (tools) => {
  const { hub, page } = tools;
  await page.addInitScript(() => Object.defineProperty(navigator, 'webdriver', { value: false }));
  const app = await bundle({
    boundary: snippet(hub, 'react-vite.md', 'tsx'),
    main: `${MOUNT}
      import Boundary from 'guide:boundary';
      const Broken = () => { throw new Error('broken part') };
      mount(<Boundary><Broken /></Boundary>);`,
  });
  await visit(tools, snippet(hub, 'react-vite.md', 'html'), app);
  await hub.one('page');
  await run(page);
  assert.equal((await hub.one('Error Occurred')).properties.source, 'boundary');
});

for (const [number, event, property] of [
  [1, 'Product Viewed', 'product_id'],
  [2, 'Checkout Started', 'order_id'],
  [3, 'Order Completed', 'order_id'],
]) {
  browserTest(`a shop's checkout: ${event}`, async (tools) => {
    const { hub } = tools;
    await visit(tools, snippet(hub, 'shop-checkout.md', 'html', 0) + snippet(hub, 'shop-checkout.md', 'html', number));
    assert.ok((await hub.one(event)).properties[property]);
  });
}

browserTest("a shop's checkout: a product is put into the cart", async (tools) => {
  const { hub, page } = tools;
  const head = snippet(hub, 'shop-checkout.md', 'html', 0) + snippet(hub, 'shop-checkout.md', 'html', 1);
  await visit(tools, head, '<form action="/cart/add" method="post"><button>Add</button></form>');
  await hub.one('Product Viewed');
  await page.click('button');
  assert.equal((await hub.one('Product Added')).properties.product_id, 'p-1');
});

browserTest("Segment's snippet loads our script", async (tools) => {
  const { hub } = tools;
  await visit(tools, snippet(hub, 'segment-snippet.md', 'html'));
  await hub.one('Plan Chosen');
  // The page measures itself too, when the browser gets to it.
  const calls = hub.accepted().map(({ type, event }) => event ?? type);
  assert.deepEqual(
    calls.filter((call) => call !== 'Web Vital'),
    ['page', 'Plan Chosen'],
  );
});

browserTest("Segment's library sends to the router", async (tools) => {
  const { hub } = tools;
  const host = hub.url.replace('http://', '');
  const text = snippet(hub, 'segment-snippet.md', 'ts')
    .replace('events.shop.example/v1', `${host}/v1`)
    .replace("protocol: 'https'", "protocol: 'http'");
  await visit(tools, '', await bundle({ main: text }));
  const seen = () => hub.requests.find(({ text: sent }) => sent.includes('Plan Chosen'));
  assert.equal((await until('the call', seen)).status, 200);
});

browserTest('the tag passes the content security policy of the guide', async (tools) => {
  const { hub, site } = tools;
  const policy = snippet(hub, 'csp-and-sri.md', 'text').trim().split(': ')[1];
  site.headers['content-security-policy'] = `default-src 'none'; ${policy}`;
  await visit(tools, snippet(hub, 'csp-and-sri.md', 'html', 0));
  assert.equal((await hub.one('page')).type, 'page');
});

browserTest('the tag passes its integrity check', async (tools) => {
  const { hub } = tools;
  const file = await (await fetch(`${hub.url}/tracker.js`)).text();
  const value = createHash('sha384').update(file).digest('base64');
  await visit(tools, snippet(hub, 'csp-and-sri.md', 'html', 1).replace('INTEGRITY', value));
  assert.equal((await hub.one('page')).type, 'page');
});

/** A part of the configuration, as a guide has it. */
const settings = (name, number) => `\n${blocks(name).filter(({ lang }) => lang === 'toml')[number].text}`;

browserTest(
  'a first-party domain: script and collection have names of their own',
  async (tools) => {
    const { router } = tools;
    await visit(tools, snippet(router, 'first-party-domain.md', 'html'));
    await router.rows('select path from pages', [{ path: '/' }]);
  },
  { router: settings('first-party-domain.md', 1) },
);

browserTest('beside a tag manager: consent told to gtag is obeyed', async (tools) => {
  const { hub, page } = tools;
  await visit(tools, snippet(hub, 'tag-managers.md', 'html', 0));
  await until('the tracker', () => page.evaluate(() => !!window.opentrack));
  const before = hub.requests.length;
  await page.evaluate(() => window.gtag('consent', 'update', { analytics_storage: 'granted' }));
  await hub.one('page');
  assert.equal(before, 0);
});

browserTest("beside a tag manager: gtag's events are taken", async (tools) => {
  await visit(tools, snippet(tools.hub, 'tag-managers.md', 'html', 1));
  assert.deepEqual((await tools.hub.one('sign_up')).properties, { method: 'email' });
});

browserTest("beside a tag manager: it may be the manager's tag", async (tools) => {
  await visit(tools, snippet(tools.hub, 'tag-managers.md', 'html', 2));
  assert.equal((await tools.hub.one('page')).type, 'page');
});

browserTest('beside a tag manager: a layer of its own', async (tools) => {
  await visit(tools, snippet(tools.hub, 'tag-managers.md', 'html', 3));
  assert.equal((await tools.hub.one('Own Layer')).event, 'Own Layer');
});

browserTest('the plugin of the documentation adds its command', async (tools) => {
  const { hub, page } = tools;
  const [, text] = /^## Plugins\n\n```js\n([\s\S]*?)^```/m.exec(readFileSync(join(root, 'docs/tracker.md'), 'utf8'));
  await visit(tools, snippet(hub, 'html.md', 'html', 0));
  await hub.one('page');
  await page.evaluate(text);
  await page.evaluate(() => window.track('video', { id: 'v1' }));
  await run(page);
  assert.equal((await hub.one('Video Played')).properties.id, 'v1');
});

// The blocks for browsers of the page about SDKs, in their order, with this router in the place of theirs.
const sdks = (router) => {
  const text = readFileSync(join(root, 'docs/integrations.md'), 'utf8');
  const [, part] = /^## Browser\n([\s\S]*?)^## Rust/m.exec(text);
  const all = [...part.matchAll(/^```(?:js|html)\n([\s\S]*?)^```/gm)].map(([, block]) => block);
  const host = router.url.replace('http://', '');
  return all.map((block) => block.replaceAll('127.0.0.1:3000', host).replaceAll('https://t.example.com', router.url));
};

browserTest(
  "SDKs: Segment's library in a bundle is a row",
  async (tools) => {
    const [bundled] = sdks(tools.router);
    await visit(tools, '', await bundle({ main: `${bundled}\nanalytics.track('Plan Chosen', { plan: 'gold' });` }));
    await tools.router.rows('select plan from plan_chosen', [{ plan: 'gold' }]);
  },
  { router: '' },
);

browserTest(
  "SDKs: Segment's snippet loads the library from the router, and asks nobody else",
  async (tools) => {
    const hosts = new Set();
    tools.page.on('request', (request) => hosts.add(new URL(request.url()).origin));
    await visit(tools, sdks(tools.router)[1]);
    await tools.router.rows('select plan, context_library_name as library from plan_chosen', [
      { plan: 'gold', library: 'analytics.js' },
    ]);
    await tools.router.rows('select path from pages', [{ path: '/' }]);
    assert.deepEqual([...hosts].sort(), [tools.site.url, tools.router.url].sort());
  },
  { router: '' },
);

browserTest(
  'SDKs: the image of an e-mail is a row',
  async (tools) => {
    const blocks = sdks(tools.router);
    // That of RudderStack's library needs a package that is not installed here.
    assert.equal(blocks.length, 4);
    await visit(tools, '', blocks[3]);
    await tools.router.rows('select user_id, subject from email_opened', [{ user_id: 'u1', subject: 'May' }]);
  },
  { router: '' },
);

// The pages of the tracker that this one replaces, as their own documentation has them; only the address differs.
const OLD = {
  'Next.js': `import Script from 'next/script';

function MyApp({ Component, pageProps }) {
  return (
    <>
      <Script async src="http://localhost:8080/tracker.js" />
      <Script
        id="trackflow"
        strategy="afterInteractive"
        dangerouslySetInnerHTML={{
          __html: \`
            window.dataLayer = window.dataLayer || [];
            function track() {
              window.dataLayer.push(arguments);
            }
            track('config', 'YOUR_API_KEY'); // Replace with your actual API key
          \`,
        }}
      />
      <Component {...pageProps} />
    </>
  );
}

export default MyApp;
`,
  Vite: `<script async src="http://localhost:8080/tracker.js"></script>
<script>
  window.dataLayer = window.dataLayer || [];
  function track() {
    window.dataLayer.push(arguments);
  }
  track('config', 'YOUR_API_KEY'); // Replace with your actual API key
</script>
`,
};

browserTest('the older page of Next.js works as it is', async (tools) => {
  const app = OLD['Next.js'].replace('http://localhost:8080', tools.hub.url);
  const main = `${MOUNT} import App from 'guide:app'; const Page = () => <h1>Hello</h1>; mount(<App Component={Page} pageProps={{}} />);`;
  await visit(tools, '', await bundle({ app, main }));
  await tools.hub.one('page');
  assert.equal(JSON.parse(tools.hub.requests[0].text).writeKey, 'YOUR_API_KEY');
});

browserTest('the older page of Vite works as it is', async (tools) => {
  await visit(tools, OLD.Vite.replace('http://localhost:8080', tools.hub.url));
  await tools.hub.one('page');
  assert.equal(JSON.parse(tools.hub.requests[0].text).writeKey, 'YOUR_API_KEY');
});

test('every snippet of the guides was pasted', () => {
  const missing = [];
  for (const name of readdirSync(guides)) {
    const count = {};
    for (const { lang } of blocks(name)) {
      if (!['html', 'tsx', 'ts', 'js'].includes(lang)) continue;
      const number = (count[lang] ??= 0);
      count[lang]++;
      if (!pasted.has(`${name} ${lang} ${number}`)) missing.push(`${name} ${lang} ${number}`);
    }
  }
  assert.deepEqual(missing, []);
});
