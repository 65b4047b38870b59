// The person of tests/e2e/codex/demo.rs: the whole job of `demo --codex` in a real browser, by keys alone and without a terminal. A key
// that does nothing, or an answer that goes to another card than the one in focus, ends the walk.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import { QUIET, stepsOf } from '../support/walk.mjs';

const { WALK_LOGIN, WALK_CHROMIUM, WALK_PLAYWRIGHT, WALK_PICTURES } = process.env;
const { chromium } = createRequire(import.meta.url)(WALK_PLAYWRIGHT);

const browser = await chromium.launch({ executablePath: WALK_CHROMIUM, args: QUIET });
const context = await browser.newContext({ viewport: { width: 1400, height: 1000 }, locale: 'en-GB' });
context.setDefaultTimeout(15_000);
await context.grantPermissions(['notifications']);
const page = await context.newPage();
const complaints = [];
page.on('pageerror', (error) => complaints.push(`error: ${error}`));
page.on('console', (message) => { if (message.type() === 'error') complaints.push(`console: ${message.text()}`); });
// What would be shown to a person who looks elsewhere.
await page.addInitScript(() => {
  globalThis.told = [];
  ServiceWorkerRegistration.prototype.showNotification = async (title, { tag }) => { globalThis.told.push(`${tag} ${title}`); };
});
const step = stepsOf(browser, page, complaints, path.join(WALK_PICTURES, 'failed.png'));

const keys = page.keyboard;
const card = (kind) => page.locator(`.item[data-kind="${kind}"]`);
const ask = (holding) => page.locator('.item[data-kind="ask"]', { has: page.locator(holding) });
const inFocus = (locator) => locator.evaluateAll((all) => all.some((one) => one === document.activeElement));
const told = (part) => page.waitForFunction((wanted) => globalThis.told.some((one) => one.includes(wanted)), part);

// Steps to a card. Each key is given the time in which an answer is not taken, as a person needs it too.
async function stepTo(locator) {
  await locator.first().waitFor();
  for (let at = 0; at < 9 && !await inFocus(locator); at += 1) await keys.press('j');
  assert.ok(await inFocus(locator), 'j does not reach it');
}
// A key is not taken for a card to which the focus came by itself a moment ago.
async function answer(locator) {
  await locator.first().waitFor();
  for (let at = 0; at < 20 && await locator.count() > 0; at += 1) {
    await stepTo(locator);
    await keys.press('a');
    await locator.first().waitFor({ state: 'detached', timeout: 700 }).catch(() => {});
  }
  assert.equal(await locator.count(), 0, 'a does not answer it');
}

await step('Codex is allowed, notifications are switched on', async () => {
  await page.goto(WALK_LOGIN);
  await answer(card('trust'));
  for (let at = 0; at < 30 && await page.evaluate(() => document.activeElement.id) !== 'notify'; at += 1) await keys.press('Shift+Tab');
  await keys.press('Enter');
  await keys.press('Space');
  await page.waitForFunction(() => document.documentElement.dataset.notify === 'true');
  await page.evaluate(() => { document.hasFocus = () => false; });
});

await step('a task is written, the question of the planner told and answered', async () => {
  await page.evaluate(() => document.activeElement.blur());
  await keys.press('n');
  await keys.type('Add a --shout option to the greeter.');
  await keys.press('Control+Enter');
  const question = ask('[data-question]');
  await stepTo(question);
  await told('How loud');
  await keys.press('Enter');
  await keys.press('Space');
  await keys.press('Escape');
  await answer(question);
});

await step('the plan is confirmed as it is proposed', async () => {
  await told('of the plan waits');
  await answer(card('plan_to_confirm'));
});

await step('what asks is read up on in its transcript, then allowed', async () => {
  const command = ask('pre.packet');
  await stepTo(command);
  await keys.press('t');
  await page.locator('#thread-turns').getByText('I add shout below greet').waitFor();
  await keys.press('1');
  await page.locator('#view-work').waitFor();
  await told('asks to run');
  await answer(command);
  await told('asks to change');
  await answer(ask('.diff-card'));
});

await step('permissions are granted, and a form is filled in', async () => {
  await told('more permissions');
  await answer(ask('[data-permissions]'));
  const form = ask('[data-field]');
  await told('sign the change off');
  await stepTo(form);
  await keys.press('Enter');
  await keys.type('Ada');
  await keys.press('Tab');
  await keys.type('low');
  await keys.press('Escape');
  await answer(form);
});

await step('what is staged is approved', async () => {
  await page.locator('.inbox .result').nth(2).waitFor();
  await keys.press('3');
  await page.locator('#review-decide').waitFor();
  const place = () => page.evaluate(() => document.activeElement.dataset.place);
  for (let at = 0; at < 60 && await place() !== 'review-decide'; at += 1) await keys.press('Tab');
  await keys.press('Enter');
  await keys.press('Tab');
  await keys.press('Control+Enter');
  await page.locator('#view-review').getByText('approved', { exact: true }).first().waitFor();
});

await step('each thing was told once, nothing that was gone again, and no terminal was opened', async () => {
  const all = await page.evaluate(() => globalThis.told);
  assert.deepEqual(all, [...new Set(all)]);
  assert.equal(all.filter((one) => one.includes('in its terminal')).length, 0, all.join('\n'));
  assert.equal(await page.locator('iframe').count(), 0);
  assert.deepEqual(complaints, []);
});

await browser.close();
process.exit(0);
