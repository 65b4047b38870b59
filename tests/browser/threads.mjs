// The person of tests/harness/page.rs: works with threads that are no sessions, in a real browser. Asks its parent, who begins one elsewhere,
// by lines that begin with PLEASE.
import assert from 'node:assert/strict';
import path from 'node:path';
import { PHONE, WIDE, opened, please } from '../support/walk.mjs';

const { WALK_LOGIN, WALK_PICTURES } = process.env;
const { browser, page, complaints, step } = await opened(process.env);
const list = page.locator('#view-threads');
const thread = page.locator('#view-session');
const steer = thread.locator('[data-region="thread-steer"]');
const rows = page.locator('#thread-turns [data-row]');
const turns = page.locator('#thread-turns > .turn');
const field = thread.locator('form[data-form="chat-message"] textarea');
const suggest = thread.locator('[data-do="chat-suggest"]');
const suggested = thread.locator('.suggested');
const badge = (text) => thread.locator('.thread-title .badge', { hasText: text });
const button = (place, name) => place.getByRole('button', { name, exact: true });
const sure = () => page.locator('.sure').getByRole('button', { name: 'Yes' }).click();
const fold = async (name) => {
  const details = steer.locator('details', { has: page.locator('summary', { hasText: name }) });
  if (!await details.evaluate((it) => it.open)) await details.locator('summary').click();
  return details;
};
const fits = async () => assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'the page is too wide');

// Both widths and both themes; what is tall is seen whole.
async function pictures(name) {
  for (const [size, viewport] of Object.entries({ wide: WIDE, phone: PHONE })) {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(viewport);
      await page.screenshot({ path: path.join(WALK_PICTURES, `threads-${name}-${size}-${colorScheme}.png`), fullPage: size === 'wide' });
      await fits();
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(WIDE);
}

async function says(text) {
  await thread.locator('form[data-form="chat-message"] textarea').fill(text);
  await page.keyboard.press('Control+Enter');
}

await step('without threads the page says what can be done', async () => {
  await page.goto(WALK_LOGIN);
  await page.locator('#views a[data-view="threads"]').click();
  await list.getByText('There is no thread yet').waitFor();
  await pictures('empty');
});

await step('a project is made, and no second one of its name', async () => {
  const form = list.locator('form[data-form="project-new"]');
  const open = () => list.locator('summary', { hasText: 'New project' }).click();
  await open();
  await form.locator('input[name="name"]').fill('Weather');
  await button(form, 'Make it').click();
  await list.getByRole('heading', { name: 'Weather' }).waitFor();
  await open();
  await form.locator('input[name="name"]').fill('WEATHER');
  await button(form, 'Make it').click();
  await form.locator('.said.bad').waitFor();
  assert.equal(await form.locator('input[name="name"]').inputValue(), 'WEATHER');
  await form.locator('input[name="name"]').fill('');
});

await step('a thread is begun in it with a message', async () => {
  const form = list.locator('form[data-form="thread-new"]');
  await form.locator('textarea').fill('Hello <b>there</b>');
  await form.locator('select[name="project"]').selectOption({ label: 'Weather' });
  await button(form, 'Begin').click();
  await rows.filter({ hasText: 'Hello <b>there</b>' }).waitFor();
  await rows.filter({ hasText: 'Told.' }).waitFor();
  await badge('idle').waitFor();
  await thread.locator('.thread-title', { hasText: 'Weather' }).waitFor();
  assert.equal(await page.locator('#views a[data-view="threads"]').getAttribute('aria-current'), 'page');
});

await step('what it asks is answered in place', async () => {
  await says('MAKE THE FILE');
  const card = thread.locator('.item');
  await card.waitFor();
  await badge('waits for permission').waitFor();
  await pictures('asks');
  await card.locator('[data-do="attend"]').first().click();
  await card.waitFor({ state: 'detached' });
  await rows.filter({ hasText: 'It is there.' }).waitFor();
  await thread.locator('#thread-said:not([hidden])').waitFor();
  await badge('idle').waitFor();
});

await step('a turn that runs takes words, and is stopped', async () => {
  await says('STAND STILL');
  await badge('running').waitFor();
  const stop = button(thread, 'Stop the turn');
  await stop.waitFor();
  await says('And hurry.');
  await thread.getByText('Sent into the turn that runs.').waitFor();
  await badge('idle').waitFor();
  await stop.waitFor({ state: 'detached' });
  await says('STAND STILL again');
  await stop.click();
  await badge('idle').waitFor();
  await stop.waitFor({ state: 'detached' });
  await turns.last().locator('.turn-head .badge', { hasText: 'interrupted' }).waitFor();
});

await step('a next message is suggested: it runs, is taken back, and comes into the empty field', async () => {
  await please('suggests hang');
  await suggest.click();
  await suggested.getByText('A suggestion is being made…').waitFor();
  await pictures('suggesting');
  await button(suggested, 'Take back').click();
  await suggested.getByText('The suggestion was taken back.').waitFor();
  await button(suggested, 'Close').click();
  await suggested.locator('.suggestion').waitFor({ state: 'hidden' });
  await please('suggests Now write <b>the</b> tests.');
  await suggest.click();
  await thread.getByText('The suggestion stands in the field').waitFor();
  assert.equal(await field.inputValue(), 'Now write <b>the</b> tests.');
  assert.ok(await field.evaluate((it) => it === document.activeElement), 'the field is not the next thing to type in');
});

await step('over what is typed it is shown, and taken by a key', async () => {
  await field.fill('tests please');
  await suggest.focus();
  await page.keyboard.press('Enter');
  await suggested.locator('blockquote', { hasText: 'Now write <b>the</b> tests.' }).waitFor();
  assert.equal(await field.inputValue(), 'tests please');
  await pictures('suggested');
  await button(suggested, 'Use').focus();
  await page.keyboard.press('Enter');
  assert.equal(await field.inputValue(), 'Now write <b>the</b> tests.');
  await suggested.locator('.suggestion').waitFor({ state: 'hidden' });
  await page.keyboard.press('Control+z');
  assert.equal(await field.inputValue(), 'tests please');
  await field.fill('');
});

await step('what stands in for a suggestion, and that there is none, is said', async () => {
  await please('suggests nothing');
  await suggest.click();
  await thread.getByText('The model suggested nothing; what stands in the field').waitFor();
  assert.equal(await field.inputValue(), 'Please go on.');
  await field.fill('');
  await please('suggests failure');
  await suggest.click();
  await suggested.getByText('There is no suggestion:').waitFor();
  assert.equal(await field.inputValue(), '');
  await pictures('no-suggestion');
  const before = new URL(page.url()).hash;
  const fresh = await please('fresh');
  await page.evaluate((id) => { location.hash = `thread/${id}`; }, fresh);
  await thread.getByText('nothing was said in this session yet').waitFor();
  assert.ok(await suggest.isDisabled());
  await page.evaluate((hash) => { location.hash = hash; }, before);
  await suggested.getByText('There is no suggestion:').waitFor();
});

await step('jobs run, wait, fail and are taken back in the list', async () => {
  await please('suggests hang');
  await please('jobs');
  await thread.getByRole('link', { name: 'All threads' }).click();
  const jobs = list.locator('[data-region="threads-jobs"]');
  const active = jobs.locator('section > .threads > li');
  await active.filter({ hasText: 'running' }).waitFor();
  const waits = active.filter({ hasText: 'waiting' });
  await waits.waitFor();
  await jobs.locator('summary').click();
  const ended = jobs.locator('details .threads > li');
  await ended.filter({ hasText: 'failed' }).getByText('high demand').waitFor();
  await pictures('jobs');
  const retry = button(ended.filter({ hasText: 'failed' }), 'Try again');
  await retry.click();
  await waits.nth(1).waitFor();
  for (let left = await active.count(); left > 0; left -= 1) {
    await button(active.first(), 'Take back').click();
    await page.waitForFunction((count) => document.querySelectorAll('[data-region="threads-jobs"] section > .threads > li').length < count, left);
  }
  await jobs.getByText('No job waits or runs.').waitFor();
  await page.goBack();
  await turns.first().waitFor();
});

await step('what is typed stays while the page is brought up to date', async () => {
  const area = thread.locator('form[data-form="chat-message"] textarea');
  await area.fill('half a sen');
  await please('rename Renamed elsewhere');
  await thread.locator('h1', { hasText: 'Renamed elsewhere' }).waitFor();
  assert.equal(await area.inputValue(), 'half a sen');
  assert.ok(await area.evaluate((it) => it === document.activeElement), 'the focus is lost');
  await area.fill('');
});

await step('controls are set for this thread, and for new ones', async () => {
  const controls = await fold('In force:');
  const own = controls.locator('form[data-scope="session"]');
  await own.locator('select[name="filesystemSandbox"]').selectOption('read-only');
  await button(own, 'Set').click();
  await controls.locator('summary', { hasText: 'may only read' }).waitFor();
  const all = controls.locator('form[data-scope="default"]');
  assert.equal(await all.locator('select[name="filesystemSandbox"]').inputValue(), 'workspace-write');
  await all.locator('select[name="approvalPolicy"]').selectOption('untrusted');
  await button(all, 'Set').click();
  await all.locator('.said.good').waitFor();
  // A picture of the page that was on its way meanwhile may come first.
  await all.locator('select[name="approvalPolicy"] option[value="untrusted"]:checked').waitFor({ state: 'attached' });
  await pictures('controls');
});

await step('it is renamed and moved', async () => {
  const place = await fold('Name and project');
  await place.locator('input[name="title"]').fill('Storms & <i>rain</i>');
  await button(place, 'Rename').click();
  await thread.locator('h1', { hasText: 'Storms & <i>rain</i>' }).waitFor();
  await place.locator('select[name="project"]').selectOption('');
  await button(place, 'Move').click();
  await thread.locator('.thread-title', { hasText: 'No project' }).waitFor();
  await place.locator('summary').click();
});

await step('it is copied, and turns of the copy are taken back', async () => {
  const before = page.url();
  await button(await fold('More'), 'Copy the thread').click();
  await page.waitForURL((url) => url.href !== before);
  await thread.getByRole('link', { name: 'a copy of this thread' }).waitFor();
  await turns.nth(3).waitFor();
  const more = await fold('More');
  await pictures('thread');
  await more.locator('input[name="turns"]').fill('2');
  await button(more, 'Take back').click();
  await page.locator('.sure', { hasText: 'Files stay as they are' }).waitFor();
  await sure();
  await page.waitForFunction(() => document.querySelectorAll('#thread-turns > .turn').length === 2);
});

await step('what cannot be is said in the words of the refusal', async () => {
  const more = await fold('More');
  await more.locator('input[name="turns"]').fill('99');
  await button(more, 'Take back').click();
  await sure();
  await more.locator('.said.bad').waitFor();
});

await step('Codex reviews in it', async () => {
  const review = (await fold('More')).locator('form[data-form="chat-review"]');
  await review.locator('select[name="target"]').selectOption('commit');
  await button(review, 'Review').click();
  await review.locator('.said.bad').waitFor();
  await review.locator('select[name="target"]').selectOption('custom');
  await review.locator('input[name="subject"]').fill('Look at the greeter.');
  await button(review, 'Review').click();
  await page.locator('#thread-turns .k-review_ends').waitFor();
  await badge('idle').waitFor();
});

await step('it is archived, found there, fetched back and deleted', async () => {
  await button(await fold('More'), 'Archive the thread').click();
  await steer.getByText('This thread is archived').waitFor();
  await thread.locator('form[data-form="chat-message"]').waitFor({ state: 'detached' });
  await pictures('archived');
  const copy = list.locator(`[data-region="threads"] .threads a[href="${new URL(page.url()).hash}"]`);
  await thread.getByRole('link', { name: 'All threads' }).click();
  await list.locator('[data-region="threads"] .threads a').first().waitFor();
  await copy.waitFor({ state: 'detached' });
  await list.locator('input[name="archived"]').check();
  await copy.click();
  await button(steer, 'Fetch it back').click();
  await thread.locator('form[data-form="chat-message"]').waitFor();
  await thread.getByRole('link', { name: 'All threads' }).click();
  await list.locator('input[name="archived"]').uncheck();
  await copy.click();
  await button(await fold('More'), 'Delete the thread').click();
  await sure();
  await list.locator('[data-region="threads"] .threads a').first().waitFor();
  await copy.waitFor({ state: 'detached' });
});

await step('of many a page has the first, and more on demand; words find one', async () => {
  await please('many');
  const items = list.locator('[data-region="threads"] .threads a');
  const more = list.getByRole('button', { name: /^Show more/ });
  await more.waitFor();
  const first = await items.count();
  assert.ok(first < 40, `${first} at once`);
  await pictures('list');
  await more.click();
  await page.waitForFunction((count) => document.querySelectorAll('[data-region="threads"] .threads a').length > count, first);
  await list.locator('input[name="words"]').fill('number 7 of');
  await page.waitForFunction(() => document.querySelectorAll('[data-region="threads"] .threads a').length === 1);
  await list.locator('input[name="words"]').fill('no such words');
  await list.getByText('No thread has these words.').waitFor();
});

await step('in Chinese it fits as well', async () => {
  await page.goto(`${new URL(page.url()).origin}/?lang=zh#threads`);
  await page.locator('#views a[data-view="threads"]', { hasText: '线程' }).waitFor();
  await list.locator('[data-region="threads"] .threads a').nth(3).waitFor();
  await pictures('list-zh');
  await list.locator('input[name="words"]').fill('storms');
  await list.locator('[data-region="threads"] .threads a', { hasText: 'Storms' }).click();
  await rows.first().waitFor();
  await steer.locator('summary', { hasText: '现行设置' }).click();
  await pictures('thread-zh');
});

await step('nothing went wrong on the way', async () => {
  assert.deepEqual(complaints, []);
});

await browser.close();
process.exit(0);
