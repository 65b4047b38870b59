// The person of tests/steering/page.rs: steers a session from its page in a real browser. Asks its parent, who looks at the session, by lines
// that begin with PLEASE.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import { QUIET, please, stepsOf } from '../support/walk.mjs';

const { WALK_LOGIN, WALK_SESSION, WALK_CHROMIUM, WALK_PLAYWRIGHT, WALK_PICTURES } = process.env;
const { chromium } = createRequire(import.meta.url)(WALK_PLAYWRIGHT);

const browser = await chromium.launch({ executablePath: WALK_CHROMIUM, args: QUIET });
const context = await browser.newContext({ viewport: { width: 1400, height: 1000 }, locale: 'en-GB', colorScheme: 'light' });
context.setDefaultTimeout(15_000);
const page = await context.newPage();
const complaints = [];
page.on('pageerror', (error) => complaints.push(`error: ${error}`));
const step = stepsOf(browser, page, complaints, path.join(WALK_PICTURES, 'failed.png'));
const picture = (name) => page.screenshot({ path: path.join(WALK_PICTURES, `steer-${name}.png`), fullPage: true });
const steer = page.locator('#view-session [data-region="thread-steer"]');
const button = (name) => steer.getByRole('button', { name, exact: true });
const sure = () => page.locator('.sure').getByRole('button', { name: 'Yes' }).click();
const rows = page.locator('#thread-turns [data-row]');

async function says(text, when) {
  const form = steer.locator('form[data-form="steer-message"]');
  await form.locator('textarea').fill(text);
  await form.locator('select[name="when"]').selectOption(when);
  await button('Send').click();
}

await step('what is said now goes into the session, what is said for later waits', async () => {
  await page.goto(WALK_LOGIN);
  await page.locator(`[data-key="planner-${WALK_SESSION}"]`).getByRole('link', { name: 'Transcript' }).click();
  await steer.getByText('In force:').waitFor();
  await says('STAND STILL', 'now');
  await rows.filter({ hasText: 'STAND STILL' }).first().waitFor();
  await please('works');
  await says('Tell me later.', 'after');
  await steer.getByText('Waits for the end of the turn:').waitFor();
  await steer.locator('li', { hasText: 'Tell me later.' }).waitFor();
  await picture('waits');
});

await step('what waits is taken back, and said again', async () => {
  await button('Take back').click();
  await steer.getByText('Waits for the end of the turn:').waitFor({ state: 'hidden' });
  await please('works');
  await says('Tell me later.', 'after');
  await button('Take back').waitFor();
});

await step('an interrupt lets what waits go on', async () => {
  await button('Interrupt').click();
  await rows.filter({ hasText: 'Told.' }).last().waitFor();
  await steer.getByText('Waits for the end of the turn:').waitFor({ state: 'hidden' });
  await please('idle');
});

await step('a turn is taken back', async () => {
  const turns = page.locator('#thread-turns > .turn');
  const before = await turns.count();
  await turns.last().getByRole('button', { name: 'Go back to before this turn' }).click();
  await sure();
  await page.waitForFunction((count) => document.querySelectorAll('#thread-turns > .turn').length < count, before);
});

await step('what allows more needs a second word', async () => {
  await steer.locator('summary', { hasText: 'More' }).click();
  const form = steer.locator('form[data-form="steer-settings"]');
  await form.locator('select[name="sandbox"]').selectOption('workspace-write');
  await form.locator('select[name="effort"]').selectOption('low');
  await button('Set').click();
  await steer.getByText('this allows more than the session was confirmed with').waitFor();
  await form.locator('input[name="wider"]').check();
  await button('Set').click();
  await steer.locator('.badge.warn', { hasText: 'more than was confirmed' }).waitFor();
  await picture('settings');
});

await step('it is renamed, copied, and the copy is read and deleted', async () => {
  const form = steer.locator('form[data-form="steer-rename"]');
  await form.locator('input[name="title"]').fill('Louder');
  await button('Rename').click();
  await page.locator('.thread-title h1', { hasText: 'Louder' }).waitFor();
  await button('Copy the thread').click();
  const copy = steer.locator('[data-key^="fork-"]');
  await copy.waitFor();
  await copy.getByRole('link').click();
  await rows.first().waitFor();
  await steer.locator('form').first().waitFor({ state: 'detached' });
  await page.goBack();
  await copy.getByRole('button', { name: 'Delete the thread' }).click();
  await sure();
  await copy.waitFor({ state: 'detached' });
});

await step('in Chinese and in the dark it fits as well', async () => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto(`${new URL(page.url()).origin}/?lang=zh${new URL(page.url()).hash}`);
  await steer.locator('form[data-form="steer-message"]').waitFor();
  await steer.locator('summary').first().click();
  await picture('zh');
});

await step('nothing went wrong on the way', async () => {
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'the page is too wide');
  assert.deepEqual(complaints, []);
});

await browser.close();
process.exit(0);
