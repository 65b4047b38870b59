// The person of tests/gate/browser.rs: reviews a refused commit in a real browser. Asks its parent, who runs git, by lines
// that begin with PLEASE; the answer is what git said.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { QUIET, please as ask, stepsOf } from '../support/walk.mjs';

const { WALK_LOGIN, WALK_REPO, WALK_CHROMIUM, WALK_PLAYWRIGHT, WALK_PICTURE } = process.env;
const { chromium } = createRequire(import.meta.url)(WALK_PLAYWRIGHT);

const please = async (wish) => JSON.parse(await ask(wish));
const write = (name, text) => fs.writeFileSync(path.join(WALK_REPO, name), text);

const browser = await chromium.launch({
  executablePath: WALK_CHROMIUM,
  args: QUIET,
});
const context = await browser.newContext({ viewport: { width: 1400, height: 1000 }, locale: 'en-GB', colorScheme: 'light' });
context.setDefaultTimeout(15_000);
const page = await context.newPage();
const complaints = [];
page.on('pageerror', (error) => complaints.push(`error: ${error}`));
page.on('console', (message) => {
  const text = message.text();
  if (/Content Security Policy|Refused to/i.test(text)) complaints.push(`policy: ${text}`);
  // The server is stopped on purpose in between, and refusals are part of the walk.
  else if (message.type() === 'error' && !/status of 409|ERR_CONNECTION_REFUSED/.test(text)) complaints.push(`console: ${text}`);
});

const step = stepsOf(browser, page, complaints, WALK_PICTURE);

const region = page.locator('[data-region="review"]');
const stage = (word) => region.locator('[data-key="review-head"] .badge', { hasText: word }).first().waitFor();
const approve = page.getByRole('button', { name: 'Approve exactly this' });

let address = '';
await step('a commit is refused, and says where to review it', async () => {
  const { code, said } = await please('commit one');
  assert.equal(code, 1, said);
  assert.match(said, /refused: nobody has approved/);
  address = /http:\S+#review/.exec(said)[0];
});

await step('at that address a person who is not signed in is told how to', async () => {
  await page.goto(address);
  await page.getByText('zhongshu open', { exact: true }).waitFor();
  await page.goto(WALK_LOGIN);
  await page.waitForSelector('#connection[data-state="live"]');
  await page.goto(address);
  await stage('to review');
});

await step('the review shows every line, and what cannot be seen', async () => {
  const rows = region.locator('.diff tr');
  await region.locator('.diff .added .code', { hasText: 'let answer = 42;' }).waitFor();
  await region.locator('.diff .deleted .code', { hasText: 'let answer = 41;' }).waitFor();
  assert.equal(await region.locator('.diff .added mark').first().innerText(), '2');
  assert.equal(await region.locator('.odd').innerText(), 'U+202E');
  assert.equal(await rows.first().locator('.num').nth(1).innerText(), '1');
  await region.getByText('Domain (lingyubu)').first().waitFor();
  assert.equal(await region.locator('img, script').count(), 0);
  await region.locator('.code', { hasText: '<img src=x>' }).waitFor();
});

await step('a long file is a click away, and then whole', async () => {
  const long = page.locator('#diff-1');
  await long.locator('summary').first().click();
  await long.getByText('1500 lines of this comparison are not shown here.').waitFor();
  await long.getByRole('button', { name: 'Show this file' }).click();
  await long.locator('.code', { hasText: /^2000$/ }).waitFor();
  assert.equal(await long.locator('.diff tr').count(), 2000);
});

await step('what changed while the person read is not approved behind their back', async () => {
  write('src/lib.rs', 'fn main() {\n    let answer = 43;\n}\n');
  await please('stage src/lib.rs');
  await approve.click();
  await page.locator('.said.bad', { hasText: 'has changed since' }).waitFor();
  await page.locator('#review-stale').waitFor();
  // What the person reads stays until they say so.
  await region.locator('.diff .added .code', { hasText: 'let answer = 42;' }).waitFor();
  const { code, said } = await please('commit one');
  assert.equal(code, 1, said);
  await page.getByRole('button', { name: 'Look again' }).click();
  await region.locator('.diff .added .code', { hasText: 'let answer = 43;' }).waitFor();
  assert.equal(await page.locator('#review-stale').isVisible(), false);
});

await step('approved, the page says so, and the commit passes', async () => {
  await page.getByLabel('Note').fill('it is forty-three');
  await approve.click();
  await stage('approved');
  await region.getByText('it is forty-three').waitFor();
  const { code, said } = await please('commit one');
  assert.equal(code, 0, said);
  await stage('nothing staged');
});

await step('one byte staged after the review is refused again', async () => {
  write('src/lib.rs', 'fn main() {\n    let answer = 44;\n}\n');
  await please('stage src/lib.rs');
  await page.getByRole('button', { name: 'Look again' }).click();
  await approve.click();
  await stage('approved');
  write('src/lib.rs', 'fn main() {\n    let answer = 44; \n}\n');
  await please('stage src/lib.rs');
  const { code, said } = await please('commit two');
  assert.equal(code, 1, said);
  assert.match(said, /has changed since/);
  // Coming back to the tab is enough to be told.
  await page.evaluate(() => window.dispatchEvent(new Event('focus')));
  await page.locator('#review-stale').waitFor();
  await page.getByRole('button', { name: 'Look again' }).click();
  await stage('changed since');
  await region.getByText('The gate refuses it until you approve it as well').waitFor();
});

await step('rejected with a reason, whoever commits is told', async () => {
  await page.getByText('Reject with a reason').click();
  await page.getByLabel('Why? Whoever commits is told').fill('no blanks at the end');
  await page.getByRole('button', { name: 'Reject', exact: true }).click();
  await stage('rejected');
  const { code, said } = await please('commit two');
  assert.equal(code, 1, said);
  assert.match(said, /no blanks at the end/);
});

await step('approved again, it passes although the server has stopped', async () => {
  await approve.click();
  await stage('approved');
  await please('stop');
  const { code, said } = await please('commit two');
  assert.equal(code, 0, said);
  const { said: login } = await please('start');
  await page.goto(login);
  await page.waitForSelector('#connection[data-state="live"]');
});

await step('a commit that goes around the gate stands on the page until the person has seen it', async () => {
  write('src/lib.rs', 'fn main() {}\n');
  await please('stage src/lib.rs');
  const { code } = await please('around');
  assert.equal(code, 0);
  const notice = page.locator('[data-kind="commit_unapproved"]');
  await notice.getByText('went around', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'History' }).click();
  await page.locator('#timeline').getByText('although nobody had approved it: went around').waitFor();
  await page.getByRole('link', { name: 'Work' }).click();
  await notice.getByRole('button', { name: 'I have seen it' }).click();
  await notice.waitFor({ state: 'detached' });
});

await step('the page speaks Chinese, is dark, and fits a narrow screen', async () => {
  write('src/lib.rs', `fn main() { ${'x'.repeat(600)} }\n`);
  await please('stage src/lib.rs');
  await page.getByRole('link', { name: 'Review' }).click();
  await page.getByRole('button', { name: 'Look again' }).click();
  await stage('to review');
  await page.getByRole('button', { name: '中文' }).click();
  await region.getByText('下一次提交的内容').waitFor();
  await page.locator('#theme').click();
  const left = (await region.locator('button:visible, h2, .badge, label').allInnerTexts()).filter((text) => /^[A-Za-z ]{4,}$/.test(text));
  assert.deepEqual(left, [], 'these are still in English');
  await page.setViewportSize({ width: 390, height: 844 });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 390, `the page is ${width} wide`);
});

await step('the browser never complained', async () => assert.deepEqual(complaints, []));
await browser.close();
process.exit(0);
