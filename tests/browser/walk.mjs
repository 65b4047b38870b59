// The person of tests/browser.rs: one walk through the whole job in a real browser. Each step asserts; the first that
// does not happen ends the walk with what was on the page. Asks its parent, who owns the processes, by lines that begin
// with PLEASE.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { QUIET, please, stepsOf } from '../support/walk.mjs';

const { WALK_LOGIN, WALK_CONTROL, WALK_REPO, WALK_CHROMIUM, WALK_PLAYWRIGHT, WALK_PICTURE } = process.env;
const { chromium } = createRequire(import.meta.url)(WALK_PLAYWRIGHT);

const allow = (step, content) => {
  const file = path.join(WALK_CONTROL, step);
  fs.writeFileSync(`${file}.tmp`, JSON.stringify(content));
  fs.renameSync(`${file}.tmp`, file);
};
const result = (summary, more = {}) => ({
  summary, changed_files: [], verifications_run: ['git diff --check'], verifications_skipped: [], risks: [],
  needs_user_confirmation: false, next_action: 'none', ...more,
});
const line = (department, task, files = []) => ({ department, task, files, verify: ['git diff --check'], reason: `because of ${department}` });

const browser = await chromium.launch({
  executablePath: WALK_CHROMIUM,
  args: QUIET,
});
const context = await browser.newContext({ viewport: { width: 1400, height: 1000 }, locale: 'en-GB', colorScheme: 'light' });
context.setDefaultTimeout(15_000);
const page = await context.newPage();

// What the browser complains about. Refused requests while the server is down are part of the walk.
const complaints = [];
let serverDown = false;
function listen(to) {
  to.on('pageerror', (error) => complaints.push(`error: ${error}`));
  to.on('console', (message) => {
    const text = message.text();
    if (/Content Security Policy|Refused to/i.test(text)) complaints.push(`policy: ${text}`);
    else if (message.type() === 'error' && !serverDown && !/status of (401|409)/.test(text)) complaints.push(`console: ${text}`);
  });
}
listen(page);

const began = Date.now();
const step = stepsOf(browser, page, complaints, WALK_PICTURE);

const see = (text, where = page) => where.getByText(text).first().waitFor();
const gone = (locator) => locator.waitFor({ state: 'detached' });
const state = (name) => page.waitForSelector(`#connection[data-state="${name}"]`);
const tile = (name) => page.locator('.tile', { has: page.getByRole('heading', { name }) });
const api = (method, where, body) => page.evaluate(async ([how, at, what]) => {
  const answer = await fetch(at, {
    method: how, body: what && JSON.stringify(what),
    headers: { 'X-Zhongshu-Session': JSON.parse(sessionStorage.getItem('zhongshu.session')).session, 'Content-Type': 'application/json' },
  });
  return answer.json();
}, [method, where, body]);

// The terminal's text, as its page has it.
const terminalText = (frame) => frame.evaluate(() => {
  const buffer = globalThis.codexTerminal?.screen.term.buffer.active;
  if (!buffer) return '';
  return Array.from({ length: buffer.length }, (_, row) => buffer.getLine(row)?.translateToString(true)).join('\n');
}).catch(() => '');
async function terminalSays(part) {
  const deadline = Date.now() + 15_000;
  let said = '';
  while (Date.now() < deadline) {
    const handle = await page.locator('.dock-panel:not([hidden]) iframe').elementHandle();
    const frame = await handle.contentFrame();
    if (frame) said = await terminalText(frame);
    if (said.includes(part)) return frame;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`the terminal does not say ${JSON.stringify(part)}, but:\n${said}`);
}

await step('the link signs in, and its key leaves the address bar', async () => {
  await page.goto(WALK_LOGIN);
  await state('live');
  assert.equal(new URL(page.url()).hash, '');
  assert.ok(!await page.evaluate(() => JSON.stringify(history.state ?? '')).then((text) => text.includes('key')));
  await see('What shall be done in this repository?');
});

await step('a reload keeps the sign-in', async () => {
  await page.reload();
  await state('live');
  await see('What shall be done in this repository?');
});

await step('the link works once: a second use is refused, and whoever used it first is signed out', async () => {
  const other = await browser.newContext({ locale: 'en-GB' });
  const late = await other.newPage();
  await late.goto(WALK_LOGIN);
  await late.getByText('zhongshu open', { exact: true }).waitFor();
  assert.match(await late.locator('#signin-reason').innerText(), /used before/);
  assert.equal(await late.locator('#app').isVisible(), false);
  await other.close();
  await page.locator('#signed-out').waitFor();
  assert.equal(await page.locator('#app').isVisible(), false);
  await page.goto(await please('open'));
  await state('live');
});

await step('the program that governance.yaml names waits for a yes to exactly its command line', async () => {
  await see('Before programs start and sandboxes open');
  await see('agent.mjs', page.locator('.powers'));
  await page.getByLabel('What is to be done?').fill('Too early');
  await page.getByRole('button', { name: 'Start a planner' }).click();
  await see('First answer the question about programs and sandboxes');
  await page.getByRole('button', { name: 'Allow exactly this' }).click();
  await gone(page.locator('[data-path="/api/powers"]'));
  await gone(page.locator('.said.bad'));
  await see('Without a sandbox (tier T0)');
});

await step('a task starts a planner', async () => {
  await page.getByLabel('What is to be done?').fill('Walk through the whole job');
  await page.getByRole('button', { name: 'Start a planner' }).click();
  await page.getByRole('heading', { name: 'Planner', exact: true }).waitFor();
  await see('The planner is working on its plan.');
  await see('nothing starts before you confirm it');
});

await step('its terminal shows what it says', async () => {
  await page.locator('.planner [data-do="open-terminal"]').click();
  await terminalSays('planner reads the repository');
  await page.getByRole('button', { name: 'Hide', exact: true }).click();
});

let told;
await step('its plan appears by itself, and nothing runs yet', async () => {
  allow('plan-1', {
    summary: 'Five pieces of work',
    assignments: [
      line('lingyubu', 'Write the code', ['src/lib.rs']), line('zhilibu', 'Write the words', ['README.md']),
      { ...line('gongchengbu', 'Write the tests'), verify: [] }, line('menxia', 'Look at the risks'), line('menxia', 'Never to be started'),
    ],
  });
  await see('Five pieces of work');
  assert.equal(await page.locator('tr.plan-row').count(), 5);
  await see('Check the plan below, then confirm or reject it.');
  told = await page.locator('.plan .findings li').allTextContents();
  assert.match(told.join(), /Line 3: gongchengbu has no command/);
  assert.deepEqual((await api('GET', '/api/status')).department_sessions, []);
});

await step('a row says what its files stand for', async () => {
  const files = page.locator('tr.plan-row').first().locator('.c-files');
  await files.getByText('What they match now').click();
  await see('this file', files);
  await files.getByText('What they match now').click();
  const before = await files.getByRole('textbox').inputValue();
  await files.getByRole('textbox').fill('**');
  await files.getByText('What they match now').click();
  await see('the whole repository', files);
  await files.getByRole('textbox').fill(before);
});

await step('what is confirmed is what stands in the ticked rows', async () => {
  const rows = page.locator('tr.plan-row');
  await rows.nth(0).getByLabel('Task').fill('Write the code, and write it well');
  await rows.nth(4).getByRole('checkbox').uncheck();
  // A refresh in between must not take the edits away.
  await api('POST', '/api/queue/pause', {});
  await page.locator('.queue').getByText('paused').first().waitFor();
  assert.equal(await rows.nth(0).getByLabel('Task').inputValue(), 'Write the code, and write it well');
  await api('POST', '/api/queue/resume', {});
  // The checks follow the edits.
  const [findings, overlap] = [page.locator('.plan .findings'), page.locator('[name="allow_overlap"]')];
  await rows.nth(1).getByLabel('Files').fill('src/lib.rs');
  await findings.getByText('these two do not run at once unless you allow it').waitFor();
  await overlap.waitFor();
  // Confirmed at once, before the person can have read what is wrong with it.
  await rows.nth(1).getByLabel('Files').evaluate((field) => {
    field.value = '../README.md';
    field.dispatchEvent(new Event('input', { bubbles: true }));
    field.form.requestSubmit();
  });
  await see('The plan checks found something that was not on the page before');
  await findings.getByText('is not a path inside the repository').waitFor();
  await overlap.waitFor({ state: 'hidden' });
  await rows.nth(1).getByLabel('Files').fill('README.md');
  await findings.getByText('is not a path inside the repository').waitFor({ state: 'detached' });
  // Word for word what the server had said: otherwise every confirmation would be stopped once.
  assert.deepEqual(await findings.locator('li').allTextContents(), told);
  // Neither does a reload take them away without a question.
  const question = page.waitForEvent('dialog');
  await page.evaluate(() => { setTimeout(() => location.reload()); });
  await (await question).dismiss();
  await page.getByRole('button', { name: 'Confirm and start the ticked lines' }).click();
  await page.locator('.tile').nth(1).waitFor();
  await see('2 of 2 slots in use');
  const status = await api('GET', '/api/status');
  const tasks = [...status.department_sessions, ...status.queue].map((one) => one.task).sort();
  assert.deepEqual(tasks, ['Look at the risks', 'Write the code, and write it well', 'Write the tests', 'Write the words']);
  // And what is shown from now on is what was confirmed.
  await page.getByText('Assignments (4)').click();
  const shown = page.locator('.plan-text > ol');
  await shown.getByText('Write the code, and write it well').waitFor();
  assert.equal(await shown.getByText('Never to be started').count(), 0);
  await page.getByText('As the planner proposed it (5)').click();
  await page.locator('.plan-text details').getByText('Never to be started').waitFor();
});

await step('departments show what they do', async () => {
  for (const name of ['Domain', 'Governance']) {
    await tile(name).locator('.badge', { hasText: 'running' }).waitFor();
    await tile(name).locator('.badge', { hasText: 'working' }).waitFor();
    await tile(name).locator('.preview', { hasText: 'is at work' }).waitFor();
  }
});

await step('a person takes a terminal over and types; the program answers', async () => {
  await tile('Domain').locator('[data-do="open-terminal"]').click();
  const frame = await terminalSays('lingyubu is at work');
  assert.equal(await frame.evaluate(() => globalThis.codexTerminal.input.next), 0);
  const born = await frame.evaluate(() => performance.timeOrigin);
  await page.getByRole('button', { name: 'Take control' }).click();
  await page.locator('#dock .badge:visible', { hasText: 'You are in control' }).waitFor();
  await frame.locator('#badge-read').waitFor({ state: 'hidden' });
  await frame.locator('#screen').click();
  await page.keyboard.type('are you there?');
  await page.keyboard.press('Enter');
  const same = await terminalSays('heard: are you there?');
  assert.equal(await same.evaluate(() => performance.timeOrigin), born, 'the frame was loaded anew');
});

await step('what a department says is on the page, and nothing is loaded for it', async () => {
  let loaded = [];
  const count = (request) => { if (request.url().includes('/ui/work')) loaded.push(request.url()); };
  page.on('request', count);
  do { loaded = []; await page.waitForTimeout(1000); } while (loaded.length > 0);
  await page.keyboard.type('and now?');
  await page.keyboard.press('Enter');
  await tile('Domain').locator('.preview', { hasText: 'heard: and now?' }).waitFor();
  page.off('request', count);
  assert.deepEqual(loaded, []);
});

await step('a terminal of one\'s own', async () => {
  await page.getByRole('button', { name: 'New terminal' }).click();
  await page.locator('.dock-tab').nth(2).waitFor();
  const frame = await terminalSays('$');
  await frame.locator('#screen').click();
  await page.keyboard.type('echo $((6*7))-walked');
  await page.keyboard.press('Enter');
  await terminalSays('42-walked');
  // In its frame too: what it printed can be saved, what is selected copied.
  const [saved] = await Promise.all([page.waitForEvent('download'), frame.locator('#download').click()]);
  assert.match(fs.readFileSync(await saved.path(), 'utf8'), /42-walked/);
  await frame.evaluate(() => globalThis.codexTerminal.screen.term.selectAll());
  await frame.locator('#copy').click();
  await frame.locator('#notice', { hasText: 'copied' }).waitFor();
  // It is a tab already, so no button offers it; and the tab stays in sight in a narrow window.
  assert.equal(await page.locator('.chip:visible').count(), 0);
  await page.setViewportSize({ width: 390, height: 800 });
  await page.waitForFunction(() => {
    const tab = document.querySelector('.dock-tab:has([aria-selected="true"])').getBoundingClientRect();
    return tab.left >= 0 && tab.right <= innerWidth && document.documentElement.scrollWidth <= innerWidth;
  });
  assert.ok(await frame.evaluate(() => document.getElementById('bar').scrollWidth <= innerWidth));
  await page.setViewportSize({ width: 1400, height: 1000 });
  await page.getByRole('button', { name: 'End terminal' }).click();
  await page.locator('.sure').getByRole('button', { name: 'Yes' }).click();
  await gone(page.locator('.dock-tab').nth(2));
  await page.getByRole('button', { name: 'Hide', exact: true }).click();
});

await step('the queue is moved, paused and cut', async () => {
  const queued = page.locator('.queue li');
  assert.deepEqual(await queued.locator('strong').allInnerTexts(), ['Engineering (gongchengbu)', 'Chancellery (menxia)']);
  await page.getByRole('button', { name: 'Move Chancellery (menxia) up' }).click();
  await queued.nth(0).getByText('Chancellery').waitFor();
  await page.getByRole('button', { name: 'Pause the queue' }).click();
  await page.locator('.queue').getByText('waits: the queue is paused').first().waitFor();
  await queued.nth(1).locator('[data-do="queue-cancel"]').click();
  await page.locator('.sure').getByRole('button', { name: 'Yes' }).click();
  await gone(queued.nth(1));
});

await step('a result arrives; the paused queue starts nothing', async () => {
  allow('result-zhilibu', result('The words are written.', { changed_files: ['README.md'], risks: ['somebody may read them'] }));
  await page.locator('.inbox .result', { hasText: 'The words are written.' }).waitFor();
  await tile('Governance').locator('.badge', { hasText: 'reported' }).first().waitFor();
  await see('1 of 2 slots in use');
  assert.equal(await page.locator('.queue li').count(), 1);
});

await step('the resumed queue goes on', async () => {
  await page.getByRole('button', { name: 'Resume the queue' }).click();
  await tile('Chancellery').locator('.badge', { hasText: 'running' }).waitFor();
  await see('2 of 2 slots in use');
});

await step('the handoff packet can be read', async () => {
  const one = page.locator('.inbox .result', { hasText: 'The words are written.' });
  await one.getByText('Handoff packet').click();
  const packet = one.locator('.packet');
  await packet.waitFor();
  assert.match(await packet.innerText(), /The words are written\.[^]*README\.md/);
});

await step('a result is taken notice of', async () => {
  const one = page.locator('.inbox .result', { hasText: 'The words are written.' });
  await one.getByRole('button', { name: 'Got it' }).click();
  await gone(one.getByRole('button', { name: 'Got it' }));
});

await step('a question of a department stands first in the inbox, and its answer reaches the planner', async () => {
  allow('result-menxia', result('Is it allowed to leave?', { needs_user_confirmation: true }));
  const decision = page.locator('.inbox .result.decide', { hasText: 'Is it allowed to leave?' });
  await decision.waitFor();
  await see('A department asks for your decision');
  await decision.getByRole('textbox').fill('yes, it may leave');
  await decision.getByRole('button', { name: 'Answer and let the work continue' }).click();
  await gone(decision);
  await page.locator('.planner [data-do="open-terminal"]').click();
  await terminalSays('heard: yes, it may leave');
  await page.getByRole('button', { name: 'Hide', exact: true }).click();
});

await step('words whose answer was lost are sent again, and said once', async () => {
  const form = page.locator('.planner form[data-form="message"]');
  await form.evaluate((it) => { it.closest('details').open = true; });
  await page.route('**/api/session_input', async (route) => {
    // Node finds no names below localhost; the server is the same.
    const url = new URL(route.request().url());
    const headers = { ...route.request().headers(), host: url.host };
    url.hostname = '127.0.0.1';
    await route.fetch({ url: url.href, headers });
    await route.abort();
  }, { times: 1 });
  await form.getByRole('textbox').fill('said only once');
  await form.getByRole('button', { name: 'Send' }).click();
  await see('The launcher does not answer.', form);
  await form.getByRole('button', { name: 'Send' }).click();
  await see('Sent.', form);
  const { events } = await api('GET', '/api/audit?after=0&limit=1000');
  assert.equal(events.filter((event) => event.event === 'message_queued' && event.text === 'said only once').length, 1);
  complaints.splice(0, complaints.length, ...complaints.filter((line) => !line.includes('ERR_FAILED')));
});

await step('everything is done', async () => {
  allow('result-lingyubu', result('The code is written.', { changed_files: ['src/lib.rs'] }));
  await page.locator('.inbox .result', { hasText: 'The code is written.' }).waitFor();
  await see('0 of 2 slots in use');
  await page.getByRole('button', { name: 'Mark all as read' }).click();
  await see('Everything is done.');
});

await step('a plan that comes while another one is being confirmed is not confirmed with it', async () => {
  allow('plan-2', { summary: 'More of the same', assignments: [line('zhilibu', 'Write more words')] });
  await see('More of the same');
  const [planner] = (await api('GET', '/api/status')).zhongshu_sessions;
  await page.route('**/api/check_plan', async (route) => {
    await api('POST', '/api/report_zhongshu_plan', { session_id: planner.id, summary: 'Something else', assignments: [line('zhilibu', 'Delete all words')] });
    await page.locator('.plan-news').waitFor();
    await route.continue();
  }, { times: 1 });
  await page.getByRole('button', { name: 'Confirm and start the ticked lines' }).click();
  await see('the plan changed');
  await page.getByRole('button', { name: 'Show the new version' }).click();
  await see('Something else');
});

await step('what waits stands first, is counted in title and icon, and keys step to it and open it', async () => {
  const card = page.locator('[data-kind="plan_to_confirm"]');
  await card.waitFor();
  const count = await page.locator('#attention-count').innerText();
  assert.match(await page.title(), new RegExp(`^\\(${count}\\) `));
  assert.match(await page.locator('link[rel="icon"]').getAttribute('href'), new RegExp(`^data:image/svg.*${count}`));
  const top = async (place) => (await page.locator(place).first().boundingBox()).y;
  assert.ok(await top('[data-region="attention"]') < await top('[data-region="planner"]'));
  await page.locator('body').click({ position: { x: 2, y: 2 } });
  await page.keyboard.press('?');
  await page.locator('#attention-keys').waitFor();
  await page.keyboard.press('?');
  for (let at = 0; at < 9 && await page.evaluate(() => document.activeElement.dataset.kind) !== 'plan_to_confirm'; at += 1) await page.keyboard.press('j');
  assert.equal(await page.evaluate(() => document.activeElement.dataset.kind), 'plan_to_confirm');
  // No is nothing without a reason: the field for it opens, and takes the keys.
  await page.keyboard.press('d');
  await card.getByText('Fill in “Why” first.').waitFor();
  await page.keyboard.type('jk?a');
  assert.equal(await card.locator('textarea').inputValue(), 'jk?a');
  await page.keyboard.press('Escape');
  assert.equal(await page.evaluate(() => document.activeElement.dataset.kind), 'plan_to_confirm');
  await card.locator('textarea').fill('');
});

await step('a second plan is rejected; the planner hears why', async () => {
  await page.getByText('Reject the plan').click();
  await page.getByLabel('Why? The planner gets this').fill('there are words enough');
  await page.getByRole('button', { name: 'Reject with this reason' }).click();
  await page.locator('.plan .badge', { hasText: 'rejected' }).first().waitFor();
  await page.locator('.planner [data-do="open-terminal"]').click();
  await terminalSays('there are words enough');
  assert.equal((await api('GET', '/api/status')).department_sessions.length, 3);
});

await step('a person who looks elsewhere is told once of what waits, when they asked for it', async () => {
  await context.grantPermissions(['notifications'], { origin: new URL(page.url()).origin });
  await page.getByRole('button', { name: 'Notify me' }).click();
  await page.getByLabel('Show notifications').check();
  await page.waitForFunction(() => navigator.serviceWorker.getRegistrations().then((all) => all.length === 1 && all[0].active !== null && all[0].scope.endsWith('/assets/')));
  assert.equal(await page.evaluate(() => navigator.serviceWorker.controller), null);
  await page.getByRole('button', { name: 'Notify me' }).click();
  await page.evaluate(() => { globalThis.away = true; Object.defineProperty(document, 'hidden', { get: () => globalThis.away, configurable: true }); });
  const [planner] = (await api('GET', '/api/status')).zhongshu_sessions;
  await api('POST', '/api/report_zhongshu_plan', { session_id: planner.id, summary: 'While you are away', assignments: [line('zhilibu', 'Rest')] });
  const shown = () => page.evaluate(() => navigator.serviceWorker.getRegistrations()
    .then(([worker]) => worker.getNotifications()).then((all) => all.map(({ tag, title }) => ({ tag, title }))));
  let told = [];
  for (const end = Date.now() + 15_000; Date.now() < end && told.length === 0;) { told = await shown(); await page.waitForTimeout(50); }
  assert.deepEqual(told, [{ tag: `plan_to_confirm-${planner.id}-4`, title: 'Version 4 of the plan waits for your decision' }]);
  // Taken away and waited for: what was told is not told again, also when the list changes around it.
  await page.evaluate(() => navigator.serviceWorker.getRegistrations().then(([worker]) => worker.getNotifications()).then((all) => all.forEach((one) => one.close())));
  await api('POST', '/api/reject_plan', { session_id: planner.id, reason: 'enough' });
  await page.waitForFunction(() => !localStorage.getItem('zhongshu.told').includes('plan_to_confirm'));
  assert.deepEqual(await shown(), []);
  await page.evaluate(() => { globalThis.away = false; document.dispatchEvent(new Event('visibilitychange')); });
});

await step('the report shows what was changed', async () => {
  await page.getByRole('link', { name: 'Changes' }).click();
  await page.locator('.files code', { hasText: 'src/lib.rs' }).waitFor();
  await page.locator('.files code', { hasText: 'README.md' }).waitFor();
  assert.equal(await page.locator('#view-work').isVisible(), false);
  assert.match(fs.readFileSync(path.join(WALK_REPO, 'README.md'), 'utf8'), /zhilibu was here/);
});

await step('the history tells the story', async () => {
  await page.getByRole('link', { name: 'History' }).click();
  for (const sentence of [
    'A person confirmed 4 assignments', 'The queue was paused.', 'Domain (lingyubu) reported: The code is written.',
    'was rejected: there are words enough', 'was cancelled.',
  ]) await see(sentence, page.locator('#timeline'));
  await page.getByLabel('Kind').selectOption('queue');
  await gone(page.locator('.entry', { hasText: 'reported: The code is written.' }));
  await see('The queue was resumed.', page.locator('#timeline'));
});

await step('what was done is found by words, and leads to its transcript', async () => {
  const place = page.locator('#view-find');
  const rows = place.locator('.found > li');
  const field = place.locator('input[name="q"]');
  await page.locator('nav a[href="#history"]').focus();
  await page.keyboard.press('/');
  await page.waitForFunction(() => document.activeElement.name === 'q');
  await rows.nth(3).waitFor();
  await field.fill('THE CODE IS');
  await see('1 found', place);
  const found = rows.filter({ hasText: 'The code is written.' });
  await place.locator('summary').click();
  await place.locator('select[name="department"]').selectOption('lingyubu');
  await found.waitFor();
  await place.locator('select[name="department"]').selectOption('zhongshu');
  await see('Nothing of the kind', place);
  await place.locator('select[name="department"]').selectOption('');
  await found.getByRole('link').first().press('Enter');
  await page.locator('#view-session').waitFor();
  assert.match(new URL(page.url()).hash, /^#session\/lingyubu-/);
  await page.goBack();
  await found.waitFor();
  assert.equal(await field.inputValue(), 'THE CODE IS', 'the page is left as it was');
  await found.getByRole('link', { name: 'Work of its planner' }).click();
  await page.locator('.planner h1').waitFor();
  assert.equal(new URL(page.url()).hash, '#work');
});

await step('the page speaks Chinese and can be dark, and so do its terminals', async () => {
  await page.getByRole('link', { name: /^Work/ }).click();
  await page.getByRole('button', { name: '中文' }).click();
  await page.getByRole('heading', { name: '中书省', exact: true }).waitFor();
  assert.equal(await page.locator('html').getAttribute('lang'), 'zh');
  const english = await page.locator('.tile .badge, .planner .badge, button:visible').allInnerTexts();
  const left = english.filter((text) => /^[A-Za-z ]{4,}$/.test(text) && text !== 'English');
  assert.deepEqual(left, [], 'these are still in English');
  const ground = () => page.evaluate(() => getComputedStyle(document.body.parentElement).backgroundColor);
  const light = await ground();
  await page.locator('#theme').click();
  assert.notEqual(await ground(), light);
  const frame = await terminalSays('there are words enough');
  await frame.locator('html[data-theme="dark"][lang="zh"]').waitFor();
  await page.reload();
  await state('live');
  assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark');
  assert.equal(await page.locator('html').getAttribute('lang'), 'zh');
  await page.locator('#theme').click();
  await page.locator('#language').click();
  await page.getByRole('heading', { name: 'Planner', exact: true }).waitFor();
});

await step('a Chinese page is refused in Chinese, and its history has Chinese reasons', async () => {
  await page.locator('#language').click();
  const [planner] = (await api('GET', '/api/status')).zhongshu_sessions;
  const propose = (summary) => api('POST', '/api/report_zhongshu_plan', { session_id: planner.id, summary, assignments: [line('zhilibu', summary)] });
  await propose('Words for the third time');
  await see('Words for the third time');
  await page.route('**/api/check_plan', async (route) => {
    await propose('Another thing');
    await page.locator('.plan-news').waitFor();
    await route.continue();
  }, { times: 1 });
  await page.getByRole('button', { name: '确认并启动' }).click();
  await see(/方案变了：当前是第 \d+ 版；请查看后重新决定/);
  fs.writeFileSync(path.join(WALK_REPO, '.tmp/codex_governance_mailbox', planner.id, 'incoming/odd.json'), '[]');
  const why = '文件必须是一个 JSON 对象：{…}';
  await page.locator('.planner summary', { hasText: '未被接收的信箱文件' }).click();
  await see(why, page.locator('.planner'));
  await page.locator('nav a[href="#history"]').click();
  await see(`odd.json 未被接收：${why}`, page.locator('#timeline'));
  const reject = () => api('POST', '/api/reject_plan', { session_id: planner.id, reason: 'enough' });
  assert.equal((await reject()).ok, true);
  assert.match((await reject()).error, /^version \d+ of the plan is already rejected$/, 'a program is answered in English');
  await page.locator('nav a[href="#work"]').click();
  await page.locator('#language').click();
  await page.getByRole('heading', { name: 'Planner', exact: true }).waitFor();
});

await step('a page at rest asks for nothing', async () => {
  // What the last clicks set off is through when nothing was asked for a second.
  let requests = [];
  const count = (request) => requests.push(request.url());
  page.on('request', count);
  do { requests = []; await page.waitForTimeout(1000); } while (requests.length > 0);
  await page.waitForTimeout(4000);
  page.off('request', count);
  assert.deepEqual(requests, []);
});

await step('the server dies; the page says that it tries again', async () => {
  serverDown = true;
  assert.equal(await please('kill'), 'killed');
  await state('reconnecting');
  assert.match(await page.locator('#connection').innerText(), /reconnecting/);
});

await step('a new server on the same port: the page says how to come back, and shows nothing', async () => {
  await please('restart');
  await page.locator('#signed-out').waitFor();
  assert.match(await page.locator('#signin-reason').innerText(), /it was started anew/);
  await see('zhongshu open');
  assert.ok(!(await page.locator('body').innerText()).includes('Walk through the whole job'));
  serverDown = false;
});

await step('a fresh link in the same tab comes back, and nothing is forgotten', async () => {
  await page.goto(await please('open'));
  await state('live');
  await see('Walk through the whole job');
  await page.locator('.inbox summary', { hasText: 'Read (3)' }).waitFor();
  assert.equal(await page.locator('.tile').count(), 3);
  await page.locator('.planner .badge', { hasText: 'running' }).waitFor();
  await page.locator('.planner [data-do="open-terminal"]').click();
  await terminalSays('there are words enough');
});

await step('the browser never complained', async () => assert.deepEqual(complaints, []));

console.log(`the walk took ${((Date.now() - began) / 1000).toFixed(1)} s`);
await browser.close();
process.exit(0);
