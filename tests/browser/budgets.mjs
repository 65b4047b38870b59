// The person of tests/steering/budgets.rs: raises a budget that is used up, on the card that says so. Asks its parent, who looks at the journal,
// by lines that begin with PLEASE.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import { QUIET, please, stepsOf } from '../support/walk.mjs';

const { WALK_LOGIN, WALK_SESSION, WALK_CHROMIUM, WALK_PLAYWRIGHT, WALK_PICTURES } = process.env;
const { chromium } = createRequire(import.meta.url)(WALK_PLAYWRIGHT);

const browser = await chromium.launch({ executablePath: WALK_CHROMIUM, args: QUIET });
const context = await browser.newContext({ viewport: { width: 1200, height: 1000 }, locale: 'en-GB', colorScheme: 'dark' });
context.setDefaultTimeout(30_000);
const page = await context.newPage();
const complaints = [];
page.on('pageerror', (error) => complaints.push(`error: ${error}`));
const step = stepsOf(browser, page, complaints, path.join(WALK_PICTURES, 'failed.png'));
const card = page.locator('.item[data-kind="budget_reached"]');
const raise = card.getByRole('button', { name: 'Raise it', exact: true });
const tokens = card.locator('textarea[name="tokens"]');

await step('a budget that is used up says how much of it, and what stands still', async () => {
  await page.goto(WALK_LOGIN);
  await card.waitFor();
  await card.getByText('Used 5.0k of 1.0k tokens').waitFor();
  await page.screenshot({ path: path.join(WALK_PICTURES, 'budget.png'), fullPage: true });
});

await step('without a number nothing is sent, and the field is where one goes on', async () => {
  assert.ok(await tokens.isVisible(), 'the field is open at once');
  await raise.click();
  await page.waitForFunction((name) => document.activeElement?.name === name, 'tokens');
  await please('unchanged');
});

await step('what is no number is refused in words, and the card stays', async () => {
  await tokens.fill('lots');
  await raise.click();
  await page.getByText('a whole number from 1 to').first().waitFor();
  await card.waitFor();
  await please('unchanged');
});

await step('raised, it waits for nobody any more', async () => {
  await tokens.fill('50k');
  await raise.click();
  await card.waitFor({ state: 'detached' });
  await please('raised');
  await page.locator('#usage').getByText('of 50.0k').waitFor();
});

await step('in Chinese it is said in Chinese', async () => {
  await please('lower');
  await page.goto(`${new URL(page.url()).origin}/?lang=zh`);
  await card.waitFor();
  await page.screenshot({ path: path.join(WALK_PICTURES, 'budget-zh.png'), fullPage: true });
  assert.match(await card.innerText(), /预算|额度/);
  await page.locator('#usage').getByText('中书省').waitFor();
  assert.ok(!(await card.innerText()).includes('Raise'), await card.innerText());
});

await step('nothing went wrong on the way', async () => {
  assert.ok(WALK_SESSION.length > 0);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'the page is too wide');
  assert.deepEqual(complaints, []);
});

await browser.close();
process.exit(0);
