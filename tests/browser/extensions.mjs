// The person of tests/harness/extensions/page.rs: looks at extensions and lets one run, in a real browser. Asks its parent, who writes their
// files, by lines that begin with PLEASE.
import assert from 'node:assert/strict';
import path from 'node:path';
import { PHONE, WIDE, opened, please } from '../support/walk.mjs';

const { WALK_LOGIN, WALK_PICTURES } = process.env;
const { browser, page, complaints, step } = await opened(process.env);
const view = page.locator('#view-extensions');
const greeter = view.locator('[data-folder="greeter"]');
const state = (text) => greeter.locator('.headline .badge', { hasText: text });
const button = (place, name) => place.getByRole('button', { name, exact: true });
const sure = () => page.locator('.sure').getByRole('button', { name: 'Yes' }).click();
const reload = () => button(view, 'Look again and load').click();

async function pictures(name) {
  for (const [size, viewport] of Object.entries({ wide: WIDE, phone: PHONE })) {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(viewport);
      await page.screenshot({ path: path.join(WALK_PICTURES, `extensions-${name}-${size}-${colorScheme}.png`), fullPage: true });
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'the page is too wide');
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(WIDE);
}

await step('without extensions the page says what can be done; a key leads to it', async () => {
  await page.goto(WALK_LOGIN);
  await page.locator('#views a[data-view="extensions"]').waitFor();
  await page.keyboard.press('6');
  await view.getByText('No extension was found').waitFor();
});

await step('one that was written is shown with all that a yes is for', async () => {
  await please('write');
  await reload();
  await state('waits for your yes').waitFor();
  for (const text of ['python3 main.py', 'turn.completed', 'main.py', 'extension.manifest.json']) await greeter.getByText(text).first().waitFor();
  await pictures('untrusted');
});

await step('nothing happens at a no; at a yes it runs', async () => {
  await button(greeter, 'Trust exactly these files').click();
  await page.locator('.sure').getByRole('button', { name: 'No' }).click();
  assert.ok(await state('waits for your yes').isVisible());
  await button(greeter, 'Trust exactly these files').click();
  await sure();
  await state('runs').waitFor();
  await greeter.getByText('It runs, and is told').waitFor();
  await greeter.locator('summary', { hasText: 'What you trust' }).click();
  await greeter.getByText('Digest of all files').waitFor();
  await pictures('runs');
});

await step('a set that is not taken says what is wrong, line by line', async () => {
  await please('break');
  await reload();
  const refused = page.locator('#extensions-refused');
  await refused.getByText('Nothing has changed').waitFor();
  const said = refused.locator('li', { hasText: 'broken' });
  await said.getByText('SyntaxError').waitFor();
  assert.ok(!(await refused.innerText()).includes('U+000A'), await refused.innerText());
  await pictures('refused');
  await please('mend');
  await reload();
  await view.getByText('Loaded; 1 run.').waitFor();
  assert.ok(await refused.isHidden());
});

await step('files that change ask again, and trust is taken back', async () => {
  await please('change');
  await reload();
  await state('has changed').waitFor();
  await pictures('changed');
  await button(greeter, 'Trust exactly these files').click();
  await sure();
  await state('runs').waitFor();
  await button(greeter, 'Take trust back').click();
  await sure();
  await state('waits for your yes').waitFor();
});

await step('in Chinese it fits as well', async () => {
  await page.goto(`${new URL(page.url()).origin}/?lang=zh#extensions`);
  await view.getByText('等待您同意').waitFor();
  await pictures('zh');
});

await step('nothing went wrong on the way', async () => {
  assert.deepEqual(complaints, []);
});

await browser.close();
process.exit(0);
