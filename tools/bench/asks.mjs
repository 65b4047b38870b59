// The page beside tools/bench/asks.rs: says when each ask is drawn, in milliseconds since 1970.
import { createRequire } from 'node:module';

const { BENCH_LOGIN, BENCH_CHROMIUM, BENCH_PLAYWRIGHT } = process.env;
const { chromium } = createRequire(import.meta.url)(BENCH_PLAYWRIGHT);
const browser = await chromium.launch({
  executablePath: BENCH_CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const page = await browser.newPage();
page.on('console', (message) => { if (message.text().startsWith('SEEN ')) console.log(message.text()); });
await page.goto(BENCH_LOGIN);
await page.locator('#view-work').waitFor();
await page.evaluate(() => {
  const known = new Set();
  const look = () => {
    for (const card of document.querySelectorAll('[data-item^="ask-"].item')) {
      if (known.has(card.dataset.item)) continue;
      known.add(card.dataset.item);
      const now = performance.timeOrigin + performance.now();
      const fetched = performance.getEntriesByType('resource').filter((entry) => entry.name.includes('/ui/work')).at(-1);
      const at = (time) => performance.timeOrigin + time;
      console.log(`SEEN ${card.dataset.item} ${now} ${at(fetched.startTime)} ${at(fetched.responseEnd)}`);
      performance.clearResourceTimings();
    }
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-item'] });
  look();
});
console.log('READY');
// Until the parent closes our input.
process.stdin.resume();
await new Promise((done) => process.stdin.once('end', done));
await browser.close();
