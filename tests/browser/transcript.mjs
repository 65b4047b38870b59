// The person of tests/e2e/codex/transcript_page.rs: reads the transcript of a session in a real browser while it runs and when it is
// over. Asks its parent, who speaks to the session, by lines that begin with PLEASE.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import { QUIET, please, stepsOf } from '../support/walk.mjs';

const { WALK_LOGIN, WALK_SESSION, WALK_CHROMIUM, WALK_PLAYWRIGHT, WALK_PICTURES } = process.env;
const { chromium } = createRequire(import.meta.url)(WALK_PLAYWRIGHT);

const browser = await chromium.launch({
  executablePath: WALK_CHROMIUM,
  args: QUIET,
});
const context = await browser.newContext({ viewport: { width: 1400, height: 1000 }, locale: 'en-GB', colorScheme: 'light', permissions: ['clipboard-read', 'clipboard-write'] });
context.setDefaultTimeout(15_000);
const page = await context.newPage();
const complaints = [];
page.on('pageerror', (error) => complaints.push(`error: ${error}`));
page.on('console', (message) => { if (message.type() === 'error') complaints.push(`console: ${message.text()}`); });
const foreign = [];
page.on('request', (request) => { if (!/^(blob:)?http:\/\/([a-z0-9.-]*localhost|127\.0\.0\.1):/.test(request.url())) foreign.push(request.url()); });

const step = stepsOf(browser, page, complaints, path.join(WALK_PICTURES, 'failed.png'));
const picture = (name, more = {}) => page.screenshot({ path: path.join(WALK_PICTURES, `${name}.png`), ...more });
const rows = page.locator('#thread-turns [data-row]');
const row = (text) => rows.filter({ hasText: text });
// A page never scrolls sideways; what is wide scrolls on its own.
const fits = async () => assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'the page is too wide');

await step('the transcript is a click away from the session', async () => {
  await page.goto(WALK_LOGIN);
  await page.locator(`[data-key="planner-${WALK_SESSION}"]`).getByRole('link', { name: 'Transcript' }).click();
  await page.locator('#view-session').waitFor();
  await row('Make the greeter louder.').first().waitFor();
  assert.match(await page.locator('.thread-title').innerText(), new RegExp(WALK_SESSION));
});

await step('what is written is seen while it is written', async () => {
  await please('SLOW please');
  const piece = rows.filter({ hasText: 'one two' });
  await piece.filter({ hasNotText: 'eight' }).first().waitFor();
  await piece.filter({ hasText: 'eight' }).first().waitFor();
});

await step('a command shows its end, folded, and its exit code', async () => {
  await please('RUN it');
  const command = page.locator('.k-command').last();
  await command.locator('.badge', { hasText: 'exit 3' }).waitFor();
  const fold = command.locator('details');
  await row('It ran.').last().waitFor();
  // It stands open while the command runs.
  if (!await fold.evaluate((node) => node.open)) await fold.locator('summary').click();
  await command.locator('pre.output', { hasText: 'line 20000' }).waitFor();
  await command.getByRole('button', { name: 'Show all of it' }).click();
  await command.locator('pre.output', { hasText: 'truncated for persistence' }).waitFor();
});

await step('Markdown is drawn, and nothing in it is obeyed', async () => {
  await please('TELL me');
  const told = page.locator('.k-answer', { hasText: 'Heading' }).last();
  await told.locator('h4', { hasText: 'Heading' }).waitFor();
  await told.locator('pre.code .k-w', { hasText: 'let' }).waitFor();
  const link = told.locator('a.outside');
  // The picture is a link too: it is not loaded.
  assert.deepEqual(await link.allInnerTexts(), ['link', 'here']);
  assert.equal(await link.first().getAttribute('rel'), 'noopener noreferrer nofollow');
  assert.match(await told.innerText(), /↗ example\.org/);
  assert.match(await told.innerText(), /<img src=x onerror=alert\(1\)>/);
  assert.match(await told.innerText(), /⟨U\+202E⟩/);
  assert.equal(await told.locator('img, script').count(), 0);
});

await step('a patch has its difference, and a failed turn its reason', async () => {
  await please('PATCH it');
  const patch = page.locator('.k-patch').last();
  await patch.locator('tr.added', { hasText: 'return name.upper()' }).waitFor();
  await patch.locator('tr.deleted').first().waitFor();
  await please('FAIL now');
  await page.locator('.k-turn_failed .notice.bad').last().waitFor();
});

await step('what is loaded can be searched', async () => {
  await page.locator('#thread-search').fill('it ran.');
  await page.getByText('1 found').waitFor();
  assert.equal(await rows.locator('visible=true').count(), 1);
  await page.locator('#thread-search').fill('');
});

let link = '';
await step('each step has a link', async () => {
  await row('It ran.').last().getByRole('button', { name: 'Link' }).click();
  await row('It ran.').last().getByRole('button', { name: 'Copied' }).waitFor();
  link = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(link, /#session\//);
  assert.ok(await row('It ran.').last().evaluate((node) => node.classList.contains('linked')));
});

await step('in both languages and themes, wide and narrow', async () => {
  for (const theme of ['light', 'dark']) {
    for (const language of ['en', 'zh']) {
      for (const width of [1400, 390]) {
        await page.setViewportSize({ width, height: width === 390 ? 844 : 1000 });
        await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
        await fits();
        await picture(`${theme}-${language}-${width}`);
        await picture(`${theme}-${language}-${width}-whole`, { fullPage: true });
      }
      await page.setViewportSize({ width: 1400, height: 1000 });
      await page.locator('#language').click();
      const next = language === 'en' ? '轮次' : 'Turn';
      await page.locator('.turn-head h2', { hasText: next }).first().waitFor();
    }
    await page.locator('#theme').click();
  }
});

await step('what was taken back is gone from the page', async () => {
  await please('revert');
  await page.locator('.k-turn_failed').waitFor({ state: 'detached' });
});

await step('a finished session still has it, older turns on demand, and a link leads to its step', async () => {
  await please('stop');
  await page.locator('#view-session .badge.s-stopped').waitFor();
  const fresh = await context.newPage();
  await fresh.goto(await please('login'));
  await fresh.locator('#view-work').waitFor();
  await fresh.evaluate((hash) => { location.hash = hash; }, new URL(link).hash);
  await fresh.locator('.step.linked', { hasText: 'It ran.' }).waitFor();
  await fresh.close();
});

assert.deepEqual(complaints.filter((line) => !/status of 40/.test(line)), []);
assert.deepEqual(foreign, []);
await browser.close();
console.log('the walk is over');
process.exit(0);
