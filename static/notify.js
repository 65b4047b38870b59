// Notifications of what waits, for a person who looks elsewhere. One page of a browser gives them, whichever holds the lock, and it keeps its
// stream while nobody sees it; no item is told twice, and none in quiet hours. The browser is asked for its permission by a click alone.
import { getJson } from './api.js';
import { language, t } from './i18n.js';
import { $, fault, shown } from './dom.js';
import { prefer } from './terminals.js';

const TOLD = 'zhongshu.told';
// Of more at once there is one notification with their number.
const AT_ONCE = 3;
// What is gone after so long needed nobody: a session that is seen to wait before it is known for what, or what a rule answers.
const SETTLED_MS = 500;

const root = document.documentElement.dataset;
let registration = null;
let isTeller = false;
let waiting = Promise.resolve();
let last = [];
let since = new Map();
let timer = null;

const can = () => 'Notification' in window && 'serviceWorker' in navigator && root.worker !== '';
export const isOn = () => root.notify === 'true' && can() && Notification.permission === 'granted';
// Whether this page keeps its stream although nobody sees it.
export const keepsStream = () => isOn() && isTeller;

function isQuiet(now = new Date()) {
  if (!root.quiet) return false;
  const [from, to] = root.quiet.split('-').map(Number);
  const at = now.getHours() * 60 + now.getMinutes();
  return from <= to ? at >= from && at < to : at >= from || at < to;
}

function told() {
  try { return new Set(JSON.parse(localStorage.getItem(TOLD) ?? '[]')); } catch { return new Set(); }
}

function ring() {
  const audio = new AudioContext();
  const end = audio.currentTime + 0.35;
  const tone = new OscillatorNode(audio, { frequency: 660 });
  const volume = new GainNode(audio, { gain: 0.15 });
  volume.gain.exponentialRampToValueAtTime(0.001, end);
  tone.connect(volume).connect(audio.destination);
  tone.start();
  tone.stop(end);
  tone.onended = () => audio.close();
}

async function worker() {
  registration ??= await navigator.serviceWorker.register(`/assets/${root.worker}`, { scope: '/assets/' });
  if (registration.active) return registration;
  const coming = registration.installing ?? registration.waiting;
  await new Promise((done) => { coming?.addEventListener('statechange', () => { if (coming.state === 'activated') done(); }); if (!coming) done(); });
  return registration;
}

async function show(title, body, item) {
  const place = await worker();
  await place.showNotification(shown(title), { body: shown(body), tag: item, icon: '/assets/icon.svg', lang: language(), data: { item } });
}

async function tell(ids) {
  const before = told();
  const fresh = ids.filter((id) => !before.has(id));
  const looked = !document.hidden && document.hasFocus();
  if (!isOn() || !isTeller || (isQuiet() && !looked)) return;
  // Noted before it is shown: a page that ends meanwhile tells too little rather than twice. What is gone may come again.
  localStorage.setItem(TOLD, JSON.stringify(ids));
  if (fresh.length === 0 || looked) return;
  if (root.sound === 'true') ring();
  if (fresh.length > AT_ONCE) { await show('zhongshu', t('notify.many', fresh.length), 'many'); return; }
  for (const id of fresh) {
    try {
      const { item } = await getJson(`/api/attention/${id}?lang=${language()}`);
      await show(item.title, item.why ?? item.if_nobody_answers, item.id);
    } catch (error) {
      if (error.status !== 404) throw error;
    }
  }
}

function tellSettled() {
  const now = performance.now();
  const settled = last.filter((id) => now - since.get(id) >= SETTLED_MS);
  if (settled.length < last.length) tellSoon();
  waiting = waiting.then(() => tell(settled)).catch(() => {});
}

function tellSoon() {
  timer ??= setTimeout(() => { timer = null; tellSettled(); }, SETTLED_MS);
}

// What the stream says: these wait now, in this order.
export function hears({ ids }) {
  last = ids;
  const now = performance.now();
  since = new Map(ids.map((id) => [id, since.get(id) ?? now]));
  tellSoon();
}

function fill() {
  const form = $('#notify-form');
  form.elements.on.checked = isOn();
  form.elements.sound.checked = root.sound === 'true';
  form.elements.quiet.checked = root.quiet !== '';
  const clock = (minutes) => `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
  if (root.quiet) [form.elements.from.value, form.elements.to.value] = root.quiet.split('-').map((part) => clock(Number(part)));
  $('#notify').setAttribute('aria-pressed', String(isOn()));
}

async function change(field) {
  const { on, sound, quiet, from, to } = $('#notify-form').elements;
  fault($('#notify-error'), null);
  if (field === on && on.checked) {
    if (!can()) { on.checked = false; fault($('#notify-error'), { message: t('notify.cannot') }); return; }
    if (await Notification.requestPermission() !== 'granted') { on.checked = false; fault($('#notify-error'), { message: t('notify.denied') }); return; }
    await worker();
    // What the person sees now needs no notification.
    localStorage.setItem(TOLD, JSON.stringify(last));
  }
  const minutes = (value) => { const [hours, rest] = value.split(':').map(Number); return hours * 60 + rest; };
  root.notify = String(on.checked);
  root.sound = String(sound.checked);
  root.quiet = quiet.checked && from.value && to.value ? `${minutes(from.value)}-${minutes(to.value)}` : '';
  if (field === sound && sound.checked) ring();
  prefer({ notify: { on: on.checked, sound: sound.checked, quiet: root.quiet ? root.quiet.split('-').map(Number) : null } });
  fill();
}

export function wireNotify(lookAt) {
  const form = $('#notify-form');
  $('#notify').addEventListener('click', () => {
    form.hidden = !form.hidden;
    $('#notify').setAttribute('aria-expanded', String(!form.hidden));
    fill();
    if (!form.hidden) form.elements.on.focus();
  });
  form.addEventListener('change', (event) => change(event.target).catch((error) => fault($('#notify-error'), error)));
  navigator.serviceWorker?.addEventListener('message', ({ data }) => { if (typeof data?.item === 'string') lookAt(data.item); });
  // Held until the page is closed; the next one in the row takes over.
  navigator.locks?.request('zhongshu.notify', () => { isTeller = true; return new Promise(() => {}); });
}
