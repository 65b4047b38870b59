// Takes the pictures of README.md and docs/tour.md anew: it does the whole job of `zhongshu demo --codex` on the page, once in each language,
// in a real browser. `node tools/screenshots/take.mjs` after `cargo build` and `./tools/test install`; ZHONGSHU, CODEX_BIN and CHROMIUM_BIN
// name other programs than those it would take.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const tools = path.join(root, '.tmp/tools/node_modules');
const { chromium } = createRequire(import.meta.url)(path.join(tools, 'playwright-core'));
const PROGRAM = process.env.ZHONGSHU ?? path.join(root, 'target/debug/zhongshu');
const CODEX = process.env.CODEX_BIN ?? path.join(tools, '@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex');
const CHROMIUM = process.env.CHROMIUM_BIN ?? '/usr/bin/chromium';
const IMAGES = path.join(root, 'docs/images');

const WIDE = { width: 1280, height: 860 };
const PHONE = { width: 390, height: 780 };
const LANGUAGES = {
  en: { locale: 'en-GB', lang: 'C.UTF-8', task: 'Add a --shout option to the greeter.' },
  zh: { locale: 'zh-CN', lang: 'zh_CN.UTF-8', task: '给 greeter 增加 --shout 选项。' },
};

// A demo with folders of its own. Its state must not lie where agents can write, so not below the folder for temporary files.
function demo(lang) {
  fs.mkdirSync(path.join(root, '.tmp'), { recursive: true });
  const home = fs.mkdtempSync(path.join(root, '.tmp/screenshots-'));
  const run = fs.mkdtempSync(path.join(os.tmpdir(), 'zs-'));
  const env = {
    PATH: process.env.PATH, LANG: lang, HOME: home, TMPDIR: os.tmpdir(), XDG_STATE_HOME: path.join(home, 'state'), XDG_RUNTIME_DIR: run,
    CODEX_BIN: CODEX,
  };
  const child = spawn(PROGRAM, ['demo', '--codex', '--no-open'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((done) => child.on('exit', done));
  const link = new Promise((found, failed) => {
    let said = '';
    child.stdout.on('data', (text) => { said += text; const at = /http:\/\/\S+#key=\S+/.exec(said); if (at) found(at[0]); });
    ended.then(() => failed(new Error(`the demo ended:\n${said}`)));
  });
  const stop = async () => {
    child.kill('SIGINT');
    await ended;
    for (const folder of [home, run]) fs.rmSync(folder, { recursive: true, force: true });
  };
  return { link, stop };
}

async function walk(browser, language) {
  const { locale, lang, task } = LANGUAGES[language];
  const { link, stop } = demo(lang);
  const context = await browser.newContext({ viewport: WIDE, locale, reducedMotion: 'reduce' });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  // Each picture has its language; the others are not taken.
  const picture = async (of, theme, name, place = null, size = WIDE) => {
    if (of !== language) return;
    await page.emulateMedia({ colorScheme: theme });
    await page.setViewportSize(size);
    if (place) await page.locator(place).first().evaluate((node) => { node.scrollIntoView({ block: 'start' }); scrollBy(0, -70); });
    else await page.evaluate(() => scrollTo(0, 0));
    await page.waitForTimeout(400);
    // Half as large as the PNG, and letters stay sharp.
    const { data } = await devtools.send('Page.captureScreenshot', { format: 'webp', quality: 85 });
    fs.writeFileSync(path.join(IMAGES, `${name}.webp`), Buffer.from(data, 'base64'));
    await page.setViewportSize(WIDE);
  };
  const card = (holding) => page.locator('.item', { has: page.locator(holding) });
  const answer = async (one) => {
    await one.locator('.actions button').first().click();
    await one.waitFor({ state: 'detached' });
  };
  try {
    await page.goto(await link);
    await page.locator('.item[data-kind="trust"]').waitFor();
    await picture('en', 'light', 'tour-first');
    await answer(page.locator('.item[data-kind="trust"]'));
    await page.locator('form[data-form="start-planner"] textarea').fill(task);
    await page.locator('form[data-form="start-planner"] button[type="submit"]').click();
    await card('[data-question]').waitFor();
    await card('[data-question]').locator('[data-answer]').first().check();
    await picture('zh', 'dark', 'tour-question');
    await answer(card('[data-question]'));
    await page.locator('.item[data-kind="plan_to_confirm"]').waitFor();
    await picture('en', 'light', 'tour-plan');
    await answer(page.locator('.item[data-kind="plan_to_confirm"]'));
    await card('.diff-card').waitFor();
    await card('pre.packet').waitFor();
    await page.locator('.tile').nth(1).waitFor();
    await picture('en', 'light', 'dashboard-light');
    await picture('en', 'dark', 'dashboard-dark');
    await picture('zh', 'light', 'dashboard-zh');
    await picture('zh', 'dark', 'tour-phone', null, PHONE);
    await answer(card('.diff-card'));
    await answer(card('pre.packet'));
    await answer(card('[data-permissions]'));
    await card('[data-field]').locator('[data-field="name"] input').fill('Ada');
    await card('[data-field]').locator('[data-field="risk"] select').selectOption('low');
    await picture('zh', 'light', 'tour-form');
    await answer(card('[data-field]'));
    await page.locator('.inbox .result').nth(2).waitFor();
    await page.locator('#attention-said').waitFor({ state: 'hidden' });
    await picture('en', 'dark', 'tour-results', '.inbox');
    await page.locator('.tile', { hasText: 'menxia' }).or(page.locator('.tile', { hasText: '门下省' })).locator('a[href^="#session/"]').click();
    await page.locator('#thread-turns [data-row]').nth(5).waitFor();
    await picture('zh', 'light', 'tour-transcript');
    await page.locator('nav a[href="#review"]').click();
    await page.locator('#review-decide').waitFor();
    await picture('en', 'dark', 'tour-review', '[id^="diff-"]');
  } finally {
    await context.close();
    await stop();
  }
}

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
try {
  for (const language of Object.keys(LANGUAGES)) await walk(browser, language);
} finally {
  await browser.close();
}
