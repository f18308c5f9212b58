// Clicks: what is one, what it says, and what it must never say.
import assert from 'node:assert/strict';
import { browserTest, QUIET } from './support.mjs';

const CLICKS = { ...QUIET, autoTrackClicks: true };
const STAY = `<script>addEventListener('click', (e) => e.preventDefault()); addEventListener('auxclick', (e) => e.preventDefault());</script>`;

browserTest('a click inside a button is one of the button', async ({ open, page, hub, flush }) => {
  await open(CLICKS, '<button id="buy">Buy <b>now</b></button>');
  await page.click('b');
  await flush();
  const { tag, id, text } = (await hub.one('Element Clicked')).properties;
  assert.deepEqual({ tag, id, text }, { tag: 'button', id: 'buy', text: 'Buy now' });
});

browserTest('no click is tracked where that is switched off', async ({ open, page, hub, settled }) => {
  await open(QUIET, '<button>Buy</button>');
  await page.click('button');
  await settled();
  assert.deepEqual(hub.named('Element Clicked'), []);
});

browserTest('what the tracker sees by itself is marked', async ({ open, page, hub, settled }) => {
  await open(CLICKS, '<button>Buy</button>');
  await page.click('button');
  await page.evaluate(() => window.opentrack.track('Told'));
  await settled();
  const marks = ['Element Clicked', 'Told'].map((name) => hub.named(name)[0].context.automatic);
  assert.deepEqual(marks, [true, undefined]);
});

browserTest('a click told by the page is a track call', async ({ open, page, hub, flush }) => {
  await open(QUIET);
  await page.evaluate(() => window.track('click', { tag: 'A', id: null, text: 'Home' }));
  await flush();
  assert.deepEqual((await hub.one('Element Clicked')).properties, { tag: 'A', id: null, text: 'Home' });
});

const OWN = `<button id="buy">Buy <b>now</b></button><script>
  document.querySelector('button').addEventListener('click', (e) => {
    track('click', { tag: e.target.tagName, id: e.target.id || null, text: 'own text' });
  });
</script>`;

browserTest('a click told by the page and by the tracker is one', async ({ open, page, hub, settled }) => {
  await open(CLICKS, OWN);
  await page.click('button', { position: { x: 3, y: 3 } });
  await settled();
  assert.deepEqual(
    hub.named('Element Clicked').map(({ properties }) => properties.text),
    ['own text'],
  );
});

browserTest('a click that the page tells of the inner element is one too', async ({ open, page, hub, settled }) => {
  await open(CLICKS, OWN);
  await page.click('b');
  await settled();
  assert.equal(hub.named('Element Clicked').length, 1);
});

browserTest('a click on a drawing in a shadow tree is one of its button', async ({ open, page, hub, flush }) => {
  await open(
    CLICKS,
    `<x-icon></x-icon><script>
      document.querySelector('x-icon').attachShadow({ mode: 'open' }).innerHTML =
        '<button id="deep"><svg width="40" height="40"><rect width="40" height="40"/></svg></button>';
    </script>`,
  );
  await page.click('rect');
  await flush();
  assert.equal((await hub.one('Element Clicked')).properties.id, 'deep');
});

browserTest('what a visitor typed or chose never leaves', async ({ open, page, hub, flush }) => {
  const form = `<div data-track="Form Touched">Go<input value="typed-secret"><textarea>area-secret</textarea>
    <select><option>chosen-secret</option></select></div>`;
  await open(CLICKS, form);
  await page.evaluate(() => document.querySelector('div').click());
  await flush();
  assert.equal((await hub.one('Form Touched')).properties.text, '');
  assert.doesNotMatch(hub.requests.map(({ text }) => text).join(), /-secret/);
});

browserTest('addresses and numbers of persons are masked', async ({ open, page, hub, flush }) => {
  await open(CLICKS, '<button>To ann@shop.example, 4111 1111 1111 1111, 078-05-1120</button>');
  await page.click('button');
  await flush();
  assert.equal((await hub.one('Element Clicked')).properties.text, 'To *** ***, ***');
});

browserTest('the text below a masked element is left out', async ({ open, page, hub, flush }) => {
  await open(CLICKS, '<div data-track-mask><button>Private</button></div>');
  await page.click('button');
  await flush();
  assert.equal((await hub.one('Element Clicked')).properties.text, '');
});

browserTest('nothing below an ignored element is tracked', async ({ open, page, hub, settled }) => {
  await open(CLICKS, '<div data-track-ignore><button>Quiet</button></div>');
  await page.click('button');
  await settled();
  assert.deepEqual(hub.named('Element Clicked'), []);
});

browserTest('an element names its event and its properties', async ({ open, page, hub, flush }) => {
  await open(CLICKS, '<span data-track="Plan Chosen" data-track-plan="gold">Gold</span>');
  await page.click('span');
  await flush();
  assert.equal((await hub.one('Plan Chosen')).properties.plan, 'gold');
});

browserTest('a link to another host is told without its query', async ({ open, page, hub, flush }) => {
  await open(CLICKS, `${STAY}<a href="https://other.example/x?token=1#y">Other</a>`);
  await page.click('a');
  await flush();
  assert.equal((await hub.one('Outbound Link Clicked')).properties.href, 'https://other.example/x');
});

browserTest('a link to a file is a download', async ({ open, page, hub, flush }) => {
  await open(CLICKS, `${STAY}<a href="/price-list.pdf">Prices</a>`);
  await page.click('a');
  await flush();
  assert.match((await hub.one('File Downloaded')).properties.href, /price-list\.pdf$/);
});

browserTest('the middle button follows links alone', async ({ open, page, hub, settled }) => {
  await open(CLICKS, `${STAY}<a href="/next">Next</a><button>Buy</button>`);
  await page.click('a', { button: 'middle' });
  await page.click('button', { button: 'middle' });
  await settled();
  assert.deepEqual(
    hub.named('Element Clicked').map(({ properties }) => properties.tag),
    ['a'],
  );
});

browserTest('a click that leaves the page arrives', async ({ open, page, hub }) => {
  await open(CLICKS, '<a href="/other">Other</a>');
  await page.click('a');
  assert.equal((await hub.one('Element Clicked')).properties.text, 'Other');
});
