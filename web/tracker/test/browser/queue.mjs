// Delivery: nothing is lost, nothing is sent twice without need.
import assert from 'node:assert/strict';
import { browserTest, freeze, QUIET, sql, until } from './support.mjs';

const say = (page, name, properties) =>
  page.evaluate(
    ([event, given]) => {
      window.opentrack.track(event, given);
      window.opentrack.flush();
    },
    [name, properties],
  );
/** Switches the network of the page, and waits until the page knows. */
const connect = async (context, page, isOnline) => {
  await context.setOffline(!isOnline);
  await until('the page knows', () => page.evaluate((is) => navigator.onLine === is, isOnline));
};
const arrivals = (hub, name) => hub.requests.filter(({ messages }) => messages.some(({ event }) => event === name));

browserTest('events reach the warehouse once, as they were told', async ({ open, page, hub }) => {
  await open(QUIET);
  await say(page, 'Order Placed', { total: 42.5 });
  const { messageId, anonymousId } = await hub.one('Order Placed');
  const rows = await until('the row', async () => {
    const found = await sql(`select anonymous_id, total from order_placed where id = '${messageId}'`).catch(() => []);
    return found.length && found;
  });
  assert.deepEqual(rows, [{ anonymous_id: anonymousId, total: 42.5 }]);
});

browserTest('a batch is simple for the browser: no preflight', async ({ open, page, hub }) => {
  await open(QUIET);
  await say(page, 'Simple');
  await hub.one('Simple');
  assert.deepEqual(
    hub.requests.map(({ method, headers }) => [method, headers['content-type']]),
    [['POST', 'text/plain;charset=UTF-8']],
  );
});

browserTest('twenty events are sent without waiting', async ({ open, page, hub }) => {
  await freeze(page);
  await open(QUIET);
  await page.evaluate(() => {
    for (let i = 0; i < 19; i++) window.opentrack.track('One of many');
  });
  await page.clock.runFor(1000);
  await page.evaluate(() => window.opentrack.track('The twentieth'));
  await page.clock.runFor(100);
  await hub.one('The twentieth');
  assert.deepEqual(
    hub.requests.map(({ messages }) => messages.length),
    [20],
  );
});

browserTest('an identify is sent at once', async ({ open, page, hub }) => {
  await freeze(page);
  await open(QUIET);
  await page.evaluate(() => window.opentrack.identify('u1'));
  await page.clock.runFor(100);
  assert.equal((await hub.one('identify')).userId, 'u1');
});

browserTest('fewer events wait two seconds for each other', async ({ open, page, hub }) => {
  await freeze(page);
  await open(QUIET);
  await page.evaluate(() => window.opentrack.track('First'));
  await page.clock.runFor(1900);
  await page.evaluate(() => window.opentrack.track('Second'));
  await page.clock.runFor(200);
  await hub.one('Second');
  assert.deepEqual(
    hub.requests.map(({ messages }) => messages.map(({ event }) => event)),
    [['First', 'Second']],
  );
});

browserTest('two refusals with 503 are waited out', async ({ open, page, hub }) => {
  await open(QUIET);
  hub.faults.push({ status: 503 }, { status: 503 });
  await say(page, 'Patient');
  await hub.one('Patient');
  assert.deepEqual(
    hub.requests.map(({ status }) => status),
    [503, 503, 200],
  );
});

browserTest('a cut connection is tried again', async ({ open, page, hub }) => {
  await open(QUIET);
  hub.faults.push('cut', 'cut', 'cut');
  await say(page, 'Cut');
  await hub.one('Cut');
  assert.equal(hub.named('Cut').length, 1);
});

browserTest('Retry-After is obeyed', async ({ open, page, hub }) => {
  await freeze(page);
  // Heard of before the tracker hears: whoever sees the count afterwards, the tracker has judged.
  await page.addInitScript(() => {
    const real = window.fetch;
    window.answers = 0;
    window.fetch = (...request) => {
      const answer = real(...request);
      void answer.then(() => window.answers++);
      return answer;
    };
  });
  await open(QUIET);
  hub.faults.push({ status: 429, headers: { 'retry-after': '30' } });
  await say(page, 'Later');
  await until('the refusal', () => page.evaluate(() => window.answers === 1));
  await page.clock.runFor(29_900);
  await say(page, 'Also later');
  await page.clock.runFor(200);
  await hub.one('Also later');
  const sent = hub.requests.map(({ text, messages }) => [Date.parse(JSON.parse(text).sentAt), messages.length]);
  assert.deepEqual(sent, [
    [1000, 1],
    [31_000, 2],
  ]);
});

for (const status of [400, 401]) {
  browserTest(`an answer of ${status} is final`, async ({ open, page, hub, settled }) => {
    await open(QUIET);
    hub.faults.push({ status });
    await say(page, 'Refused');
    await until('the refusal', () => hub.requests.length === 1);
    await settled();
    assert.equal(arrivals(hub, 'Refused').length, 1);
  });
}

browserTest('a batch that is too large is halved', async ({ open, page, hub }) => {
  await open(QUIET);
  hub.faults.push({ status: 413 });
  await page.evaluate(() => {
    for (let i = 0; i < 4; i++) window.opentrack.track('Half');
    window.opentrack.flush();
  });
  await hub.some('Half', 4);
  assert.deepEqual(
    hub.requests.map(({ messages }) => messages.length),
    [4, 2, 2],
  );
});

browserTest('a body holds 60,000 bytes at most', async ({ open, page, hub }) => {
  await open(QUIET);
  await page.evaluate(() => {
    for (let i = 0; i < 15; i++) window.opentrack.track('Wide', { text: 'ü'.repeat(5000) });
    window.opentrack.flush();
  });
  await hub.some('Wide', 15);
  assert.ok(hub.requests.every(({ text }) => Buffer.byteLength(text) <= 60_000));
});

browserTest('an event of 70 KB goes without keepalive', async ({ open, page, hub }) => {
  await page.addInitScript(() => {
    window.sent = [];
    const real = window.fetch;
    window.fetch = (url, options) => {
      window.sent.push(options.keepalive);
      return real(url, options);
    };
  });
  await open(QUIET);
  await say(page, 'Huge', { text: 'x'.repeat(70_000) });
  await hub.one('Huge');
  assert.deepEqual(await page.evaluate(() => window.sent), [false]);
});

browserTest('what was told offline is sent when the network is back', async ({ open, page, hub, context }) => {
  await freeze(page);
  await open(QUIET);
  await connect(context, page, false);
  await say(page, 'Offline');
  // No timer is left: nothing but the network is waited for.
  await page.clock.runFor(2100);
  await connect(context, page, true);
  assert.equal((await hub.one('Offline')).event, 'Offline');
});

browserTest('a reload while offline keeps what waits', async ({ open, page, hub, context, site }) => {
  await open(QUIET);
  await connect(context, page, false);
  await say(page, 'Kept');
  // The page that goes sends no more, whatever it hears of the network: what arrives is what it has written down.
  await page.evaluate(() => {
    window.fetch = () => new Promise(() => {});
    navigator.sendBeacon = () => false;
  });
  await page.goto('about:blank');
  await context.setOffline(false);
  // A page without the tracker, which sees when the first has gone: it has let go of its queue.
  await page.goto(`${site.url}/other`);
  await until('the page is gone', () => page.evaluate(async () => !(await navigator.locks.query()).held.length));
  await page.goto(site.url);
  await hub.one('Kept');
  assert.equal(arrivals(hub, 'Kept').length, 1);
});

browserTest('a tab that is closed sends what waits', async ({ open, page, hub, context }) => {
  await open(QUIET);
  await context.newPage();
  await page.evaluate(() => window.opentrack.track('Closed'));
  await page.close({ runBeforeUnload: true });
  assert.equal((await hub.one('Closed')).event, 'Closed');
});

browserTest('a page that is left without being hidden sends what waits', async ({ open, page, hub, site }) => {
  await freeze(page);
  // As browsers do that tell of the end of a page and not of its being hidden.
  await page.addInitScript(() =>
    window.addEventListener('visibilitychange', (event) => event.stopImmediatePropagation(), true),
  );
  await open(QUIET);
  await page.evaluate(() => window.opentrack.track('Left'));
  await page.goto(`${site.url}/other`);
  assert.equal((await hub.one('Left')).event, 'Left');
});

browserTest('a living tab keeps its own queue', async ({ open, page, hub, context, site, settled }) => {
  await open(QUIET);
  await context.setOffline(true);
  await say(page, 'Of the first tab');
  const second = await context.newPage();
  await context.setOffline(false);
  // The first tab hears of the network and the second starts at the same time: both could send the event.
  await second.goto(site.url);
  await second.evaluate(() => {
    window.opentrack.track('Of the second tab');
    window.opentrack.flush();
  });
  await hub.one('Of the second tab');
  await settled();
  assert.equal(arrivals(hub, 'Of the first tab').length, 1);
});

browserTest(
  'without locks a dead tab is one that has not written for five seconds',
  async ({ open, page, hub, site }) => {
    await page.addInitScript(() => Object.defineProperty(navigator, 'locks', { value: undefined }));
    await open(QUIET);
    await page.evaluate(() => {
      const event = JSON.stringify({
        type: 'track',
        event: 'Left behind',
        messageId: 'left',
        anonymousId: 'a',
        context: {},
      });
      localStorage.setItem('ot_q.dead', `${Date.now() - 6000}\n${event}`);
      localStorage.setItem('ot_q.alive', `${Date.now() + 60_000}\n${event.replace('behind', 'alone')}`);
    });
    await page.goto(site.url);
    await hub.one('Left behind');
    assert.equal(arrivals(hub, 'Left alone').length, 0);
  },
);

browserTest('events are sent where localStorage throws', async ({ open, page, hub }) => {
  await page.addInitScript(() =>
    Object.defineProperty(window, 'localStorage', {
      get() {
        throw new Error('denied');
      },
    }),
  );
  await open(QUIET);
  await say(page, 'Without storage');
  assert.equal((await hub.one('Without storage')).event, 'Without storage');
});

const MANY = () => {
  for (let i = 0; i < 1003; i++) window.opentrack.track('Many', { i });
  window.opentrack.flush();
  window.opentrack.track('Next');
};

browserTest(
  'a thousand events wait at most, and the oldest are dropped and counted',
  async ({ open, page, hub, context }) => {
    await open(QUIET);
    await context.setOffline(true);
    await page.evaluate(() =>
      window.opentrack.use(({ on }) => on('message', (message) => void (message.context = {}))),
    );
    await page.evaluate(MANY);
    await context.setOffline(false);
    const next = await hub.one('Next');
    assert.deepEqual([next.context.dropped, hub.named('Many')[0].properties.i], [3, 4]);
  },
);

browserTest(
  '512 KB wait at most, and the oldest are dropped and counted',
  async ({ open, page, hub, context, settled }) => {
    await open(QUIET);
    await context.setOffline(true);
    await page.evaluate(MANY);
    const stored = await page.evaluate(
      () => localStorage.getItem(Object.keys(localStorage).find((key) => key.startsWith('ot_q.'))).length,
    );
    await context.setOffline(false);
    await hub.one('Next');
    await settled();
    const dropped = hub.accepted().reduce((sum, { context: said }) => sum + (said.dropped ?? 0), 0);
    assert.deepEqual([stored < 524_400, hub.named('Many')[0].properties.i], [true, dropped]);
  },
);
