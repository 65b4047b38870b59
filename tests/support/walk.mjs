// What every walk through pages has: the parent that it asks by lines which begin with PLEASE, a browser that is silent, and steps of which
// the first that does not happen ends the walk with what could be seen.
import { createRequire } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';

// For Chromium: nothing is asked of the network, nothing is put away.
export const QUIET = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

const answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export async function please(wish) {
  process.stdout.write(`PLEASE ${wish}\n`);
  return (await answers.next()).value;
}

// `end` shows what can be seen and closes the browser.
export const steps = (end) => async (name, run) => {
  const at = Date.now();
  try {
    await run();
    console.log(`ok   ${name} (${Date.now() - at} ms)`);
  } catch (error) {
    console.log(`FAIL ${name}`);
    console.error(error.stack);
    await end();
    process.exit(1);
  }
};

// The same for one page, with what its browser complained about and a picture of it.
export const stepsOf = (browser, page, complaints, picture) => steps(async () => {
  if (complaints.length) console.error(`the browser complained: ${complaints.join('\n')}`);
  console.error(`the page said:\n${await page.locator('body').innerText().catch(() => '(nothing)')}`);
  await page.screenshot({ path: picture }).then(() => console.error(`a picture of it: ${picture}`), () => {});
  await browser.close();
});

// A page in a browser of its own, for walks that look at it in two sizes and both themes.
export const WIDE = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 800 };

export async function opened({ WALK_CHROMIUM, WALK_PLAYWRIGHT, WALK_PICTURES }) {
  const { chromium } = createRequire(import.meta.url)(WALK_PLAYWRIGHT);
  const browser = await chromium.launch({ executablePath: WALK_CHROMIUM, args: QUIET });
  const context = await browser.newContext({ viewport: WIDE, locale: 'en-GB', colorScheme: 'light', reducedMotion: 'reduce' });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(`error: ${error}`));
  // A refusal is told by the page; that the browser counts it among its errors is its own way.
  page.on('console', (line) => { if (line.type() === 'error' && !line.text().startsWith('Failed to load resource')) complaints.push(line.text()); });
  const step = stepsOf(browser, page, complaints, path.join(WALK_PICTURES, 'failed.png'));
  return { browser, context, page, complaints, step };
}
