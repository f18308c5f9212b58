// Somebody who has never seen the product: a key was revoked, and what was held and buried is to arrive after all.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { open } from './pages.mjs';
import { startReceiver, startRouter, until } from './router.mjs';

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
});
after(() => browser?.close());

const tables = (url, key) => `
[destinations.crm]
type = "webhook"
url = "${url}"
format = "single"
headers = { authorization = "Bearer ${key}" }
hold = { probe_every = "1h" }
`;
const event = (number, plan = 'pro') => ({
  type: 'track',
  userId: `u${number}`,
  messageId: `m${number}`,
  event: 'Signed Up',
  properties: { plan },
});

test('a revoked key is found, repaired, and everything arrives', async () => {
  let isPicky = true;
  const crm = await startReceiver(({ authorization }, _, body) => {
    if (authorization !== 'Bearer good') return [401, 'this key was revoked'];
    return isPicky && body.properties.plan === 'odd' ? [422, 'plan odd is unknown'] : [200, 'ok'];
  });
  const router = await startRouter(tables(crm.url, 'good'));
  try {
    await router.post('any', [event(0), event(1, 'odd')]);
    await until('one is dead', async () => (await router.json('/api/dead-letters')).dead_letters.length === 1);
    router.write(tables(crm.url, 'revoked'));
    let sent = 2;
    await until('the key is in force', async () => {
      await router.post('any', [event(sent++)]);
      return (await router.json('/api/destinations')).destinations[0].state === 'held';
    });

    // What they see: something is wrong, which destination it is, why, and what to do.
    const tab = await open(browser, router.url, 'live');
    await tab.getByRole('link', { name: /Destinations.*not fine/ }).click();
    const card = tab.getByRole('region', { name: 'crm' });
    await card.getByText('The other side does not accept the key.').waitFor();
    await card.getByText('this key was revoked').waitFor();

    // The key is repaired where keys are, in the configuration; the rest is done here.
    router.write(tables(crm.url, 'good'));
    await until('the good key is in force', async () => {
      const retry = card.getByRole('button', { name: 'Retry now' });
      if (await retry.count()) await retry.click({ timeout: 1000 }).catch(() => undefined);
      return (await router.json('/api/destinations')).destinations[0].state === 'flowing';
    });
    await card.getByText('flowing').waitFor();
    await card.getByText('nothing waits').waitFor();

    // And the one that was refused for good is sent again.
    isPicky = false;
    await tab.getByRole('button', { name: 'Send all again' }).click();
    await tab.getByText('1 sent again.').waitFor();
    await tab.getByText('No dead letters.').waitFor();
    await until('all arrived', () => {
      const ids = new Set(crm.batches.filter(({ status }) => status === 200).map(({ body }) => body.messageId));
      return Array.from({ length: sent }, (_, number) => `m${number}`).every((id) => ids.has(id));
    });
    assert.deepEqual(tab.complaints, []);
  } finally {
    await router.stop();
    await crm.close();
  }
});

test('in production one logs in with the password, and changes are the session’s own', async () => {
  const router = await startRouter(
    `
environment = "production"

[console]
password = "correct horse battery staple"

[sources.web]
write_keys = ["wk"]

[destinations.warehouse]
type = "sqlite"
`,
    { SITE_SALT: 's'.repeat(40), JWT_SECRET: 'j'.repeat(40), HMAC_SECRET: 'h'.repeat(40) },
  );
  try {
    const tab = await open(browser, router.url, 'destinations');
    await tab.getByLabel('Password', { exact: true }).fill('wrong');
    await tab.getByRole('button', { name: 'Log in', exact: true }).click();
    await tab.getByText('This is not the password.').waitFor();
    // After ten wrong ones a token alone gets in for a while, and the page says for how long.
    const wrong = { method: 'POST', body: '{"password":"wrong"}' };
    for (let tried = 1; tried < 10; tried += 1) await router.json('/api/session', wrong);
    await tab.keyboard.press('Enter');
    await tab.getByText(/The next is taken in \d+ s/).waitFor();
    const enter = tab.getByRole('button', { name: 'Log in', exact: true });
    assert.ok(await enter.isDisabled());
    await tab.getByRole('button', { name: 'Token', exact: true }).click();
    assert.ok(await enter.isEnabled(), 'a token is taken at once');
    await tab.getByRole('button', { name: 'Password', exact: true }).click();
    await tab.getByText('The next is taken now.').waitFor();
    await tab.getByLabel('Password', { exact: true }).fill('correct horse battery staple');
    await tab.keyboard.press('Enter');
    const card = tab.getByRole('region', { name: 'warehouse' });
    await card.getByRole('button', { name: 'Pause' }).click();
    await card.getByText('paused', { exact: true }).waitFor();
    await card.getByRole('button', { name: 'Resume' }).click();
    await card.getByText('flowing').waitFor();

    // Another tab of the same login that hears of its end on its stream alone.
    const other = await tab.context().newPage();
    await other.route(/\/api\/(?!live|session)/, (route) => route.abort());
    await other.goto(`${router.url}/#/live`);
    await other.locator('section[aria-label=Events] .status.open').waitFor();
    await tab.getByRole('button', { name: 'Log out' }).first().click();
    await tab.getByLabel('Password', { exact: true }).waitFor();
    assert.equal(await tab.getByRole('region', { name: 'warehouse' }).count(), 0);
    await other.getByLabel('Password', { exact: true }).fill('correct horse battery staple');
    await other.keyboard.press('Enter');
    await other.locator('section[aria-label=Events] .status.open').waitFor();
    assert.ok(other.url().endsWith('#/live'), 'it is back where it was');
  } finally {
    await router.stop();
  }
});
