// Looks at the page while a session goes through what it can be doing; tells, when its parent says so, which states stood there, one after
// the other, and when each was first seen.
import { createRequire } from 'node:module';
import { QUIET, please } from '../support/walk.mjs';

const { WALK_LOGIN, WALK_SESSION, WALK_CHROMIUM, WALK_PLAYWRIGHT } = process.env;
const { chromium } = createRequire(import.meta.url)(WALK_PLAYWRIGHT);
const browser = await chromium.launch({ executablePath: WALK_CHROMIUM, args: QUIET });
const page = await (await browser.newContext({ locale: 'en-GB' })).newPage();
page.setDefaultTimeout(30_000);
const complaints = [];
page.on('pageerror', (error) => complaints.push(String(error)));
await page.goto(WALK_LOGIN);
const badge = `[data-key="planner-${WALK_SESSION}"] [data-doing]`;
await page.locator(badge).waitFor();
await page.evaluate((place) => {
  window.seen = [];
  const look = () => {
    const state = /\bd-(\w+)/.exec(document.querySelector(place)?.className ?? '')?.[1];
    if (state && window.seen.at(-1)?.state !== state) window.seen.push({ state, at: Date.now() });
  };
  look();
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ['class'] });
}, badge);
// Each line names a state that has to stand there before the walk goes on; an empty one ends it.
for (let state = await please('watch'); state; state = await please('watch')) {
  await page.waitForFunction((it) => window.seen.some((one) => one.state === it), state, { timeout: 60_000 });
}
const seen = await page.evaluate(() => window.seen);
console.log(`SEEN ${JSON.stringify({ seen, complaints })}`);
await browser.close();
process.exit(0);
