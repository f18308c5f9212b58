// Errors: each kind once, then counted.
import assert from 'node:assert/strict';
import { browserTest, html, QUIET, script } from './support.mjs';

const ERRORS = { ...QUIET, autoTrackErrors: true };
const hide = (page) =>
  page.evaluate(() => {
    Object.defineProperty(document, 'hidden', { value: true, configurable: true });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  });
const fail = (page, message, times = 1, before = '') =>
  page.evaluate(
    ([text, count, start]) => {
      for (let i = 0; i < count; i++) {
        const element = document.createElement('script');
        element.textContent = `${start}throw new Error(${JSON.stringify(text)})`;
        document.head.append(element);
      }
    },
    [message, times, before],
  );

browserTest('an error of the page is tracked', async ({ open, page, hub, flush }) => {
  await open(ERRORS);
  await fail(page, 'boom');
  await flush();
  const { message, line, stack } = (await hub.one('Error Occurred')).properties;
  assert.deepEqual([message, line, stack.split('\n')[0]], ['Uncaught Error: boom', 1, 'Error: boom']);
});

browserTest('no error is tracked where that is switched off', async ({ open, page, hub, settled }) => {
  await open(QUIET);
  await fail(page, 'boom');
  await settled();
  assert.deepEqual(hub.named('Error Occurred'), []);
});

browserTest('an error told by the page is a track call', async ({ open, page, hub, flush }) => {
  await open(QUIET);
  const told = { message: 'm', source: 's', line: 1, col: 2, stack: 't' };
  await page.evaluate((error) => window.track('error', error), told);
  await flush();
  assert.deepEqual((await hub.one('Error Occurred')).properties, told);
});

const OWN = `<script>
  window.addEventListener('error', (event) => {
    track('error', {
      message: event.message, source: event.filename, line: event.lineno, col: event.colno, stack: 'own stack'
    });
  });
</script>`;
for (const [when, order] of [
  [
    'before',
    (own, tag) => `<script>dataLayer = []; function track() { dataLayer.push(arguments) }</script>` + own + tag,
  ],
  ['after', (own, tag) => tag + own],
]) {
  browserTest(`an error told by a listener from ${when} the tracker is one`, async ({ site, page, hub, settled }) => {
    site.pages.set('/', html(order(OWN, script(hub, ERRORS))));
    await page.goto(site.url);
    await fail(page, 'boom');
    await settled();
    assert.deepEqual(
      hub.named('Error Occurred').map(({ properties }) => properties.stack),
      ['own stack'],
    );
  });
}

browserTest('one message from two columns is two errors', async ({ open, page, hub, settled }) => {
  await open(ERRORS);
  await fail(page, 'boom');
  await fail(page, 'boom', 1, '    ');
  await settled();
  assert.equal(hub.named('Error Occurred').length, 2);
});

browserTest('a rejection is an error', async ({ open, page, hub, flush }) => {
  await open(ERRORS);
  await page.evaluate(() => {
    Promise.reject(new Error('refused'));
  });
  await page.evaluate(() => new Promise((next) => setTimeout(next)));
  await flush();
  assert.equal((await hub.one('Error Occurred')).properties.message, 'refused');
});

browserTest('a resource that does not load is an error', async ({ open, hub, page, flush }) => {
  await open(ERRORS, '<img src="/missing.png?session=1">');
  await page.waitForLoadState('load');
  await flush();
  const { tag, source } = (await hub.one('Error Occurred')).properties;
  assert.deepEqual([tag, new URL(source).pathname + new URL(source).search], ['img', '/missing.png']);
});

browserTest('repeats of an error are counted and told once', async ({ open, page, hub }) => {
  await open(ERRORS);
  await fail(page, 'boom', 8);
  await hide(page);
  await hub.some('Error Occurred', 2);
  assert.deepEqual(
    hub.named('Error Occurred').map(({ properties }) => properties.count),
    [undefined, 7],
  );
});

browserTest('a storm of errors is 25 events at most', async ({ open, page, hub, settled }) => {
  await open(ERRORS);
  await page.evaluate(() => {
    for (let i = 0; i < 1000; i++) dispatchEvent(new ErrorEvent('error', { message: `storm ${i}`, lineno: i }));
  });
  await hide(page);
  await settled();
  assert.equal(hub.named('Error Occurred').length, 25);
});

browserTest('errors of foreign scripts, of which nothing is said, are one', async ({ open, page, hub, settled }) => {
  await open(ERRORS);
  await page.evaluate(() => {
    for (let i = 0; i < 5; i++) dispatchEvent(new ErrorEvent('error', { message: 'Script error.' }));
  });
  await settled();
  assert.deepEqual(
    hub.named('Error Occurred').map(({ properties }) => [properties.message, properties.line]),
    [['Script error.', 0]],
  );
});
