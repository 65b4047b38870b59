// Wires the page: language, theme, signing in, views, and the streams that keep all of it up to date.
import { forget, keyFromUrl, signIn, signOut, whenForgotten } from './access.js';
import { whenSignedOut } from './api.js';
import './actions.js';
import { $, $$, fault } from './dom.js';
import { lookAt, showCount, whenFinding } from './attention.js';
import * as timeline from './history.js';
import { language, loadWords, t, useLanguage } from './i18n.js';
import { hears, keepsStream, wireNotify } from './notify.js';
import { recheckEdited, rescueEdits } from './plan.js';
import * as report from './report.js';
import * as review from './review.js';
import './steer.js';
import { follow } from './stream.js';
import { closeAll, markShown, prefer, sayTheme, tellTerminals, theme, wireDock } from './terminals.js';
import * as thread from './thread.js';
import './chats.js';
import './suggest.js';
import * as extensions from './extensions.js';
import * as find from './find.js';
import * as threads from './threads.js';
import { showTimes } from './when.js';
import * as work from './work.js';

const VIEWS = ['work', 'report', 'review', 'history', 'threads', 'extensions', 'find', 'session'];

let stopStream = null;
let streamState = 'connecting';
let goneTimer = null;

// A server that only breathes heavily is back after this long; one that was started anew has another address and never comes back here.
const GONE_MS = 5000;

function showConnection(state) {
  streamState = state;
  if (state !== 'reconnecting') {
    clearTimeout(goneTimer);
    goneTimer = null;
    fault($('#gone'), null);
  } else if (goneTimer === null) {
    goneTimer = setTimeout(() => fault($('#gone'), { message: t('conn.gone') }), GONE_MS);
  }
  const name = state === 'live' && work.current().readOnly ? 'read_only' : state;
  $('#connection').dataset.state = name;
  $('#connection-text').textContent = t(`conn.${name}`);
}

function signedIn(yes) {
  $('#loading').hidden = true;
  $('#app').hidden = !yes;
  $('#views').hidden = !yes;
  $('#logout').hidden = !yes;
  $('#notify').hidden = !yes;
  $('#terminals-toggle').hidden = !yes;
  $('#signed-out').hidden = yes;
}

// Leaves nothing of the signed-in time on the screen.
function toSignedOut(key, sentence = null) {
  stopStream?.();
  stopStream = null;
  work.stop();
  showCount(0, '');
  closeAll();
  timeline.reset();
  thread.leave();
  threads.leave();
  extensions.leave();
  find.reset();
  report.reset();
  review.reset();
  for (const region of $$('[data-region]')) if (region.dataset.region !== 'head') region.replaceChildren();
  $('[data-region="head"]').replaceChildren(Object.assign(document.createElement('strong'), { textContent: 'zhongshu' }));
  signedIn(false);
  showConnection('signed_out');
  const reason = $('#signin-reason');
  if (sentence) { delete reason.dataset.i18n; reason.textContent = sentence; } else { reason.dataset.i18n = key; reason.textContent = t(key); }
}

function openView(place) {
  const session = thread.ofUrl(place);
  // A planner's work, or what its departments did.
  const [name, of = null] = session ? [place] : place.split('/');
  if (name === 'work' && of) {
    // From now on the person chooses; the address does not.
    history.replaceState(null, '', '#work');
    work.choose(of);
  }
  const view = session ? 'session' : VIEWS.includes(name) && name !== 'session' ? name : 'work';
  for (const each of VIEWS) $(`#view-${each}`).hidden = each !== view;
  for (const link of $$('#views a')) {
    if (link.dataset.view === (session?.kind === 'thread' ? 'threads' : view)) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  if (session) thread.enter(session);
  else thread.leave();
  if (view === 'threads') threads.enter();
  else threads.leave();
  if (view === 'extensions') extensions.enter();
  else extensions.leave();
  if (view === 'find') find.enter(of);
  else find.leave();
  if (view === 'history') timeline.enter(work.current().seq);
  else timeline.leave();
  if (view === 'report' && !report.isLoaded()) report.load();
  if (view === 'review' && !review.isLoaded()) review.load();
}

// The card that a link or a notification leads to, until it is looked at.
let wantedItem = null;
function viewOfUrl() {
  const place = location.hash.slice(1);
  if (!place.startsWith('item=')) return place;
  wantedItem = place.slice(5);
  if (lookAt(wantedItem)) wantedItem = null;
  return 'work';
}

function departmentTitle(key) {
  const option = document.querySelector(`#department-titles option[value="${CSS.escape(String(key))}"]`);
  return option?.textContent ?? String(key);
}

async function enter() {
  stopStream?.();
  stopStream = null;
  signedIn(true);
  showConnection('connecting');
  await work.start();
  if (!$('#signed-out').hidden) return;
  if (!work.current().readOnly) sayTheme();
  openView(viewOfUrl());
  const stopSessions = follow('/api/session_stream', null, (event, name) => {
    if (name === 'threads') { threads.stale(); extensions.stale(); thread.threadsChanged(); return; }
    work.observed(event, name);
    if (name !== 'attention') return;
    threads.stale();
    hears(event);
    showCount(event.count, work.current().project);
  }, () => {}, keepsStream);
  const stopEvents = follow('/api/events', work.current().seq, (event) => {
    timeline.add(event);
    work.stale();
    review.follow(event);
    thread.recorded(event);
    if (/^(result_|session_closed)/.test(event.event)) report.markStale();
  }, (state) => {
    // A launcher that came back may know less than this page shows, or more.
    if (state === 'live' && streamState === 'reconnecting') work.stale();
    showConnection(state);
  });
  stopStream = () => { stopSessions(); stopEvents(); };
}

async function trySignIn(key) {
  try {
    if (await signIn(key)) await enter();
    else toSignedOut('signin.none');
  } catch (error) {
    forget();
    toSignedOut('signin.none', error.message);
  }
}

async function changeLanguage(tag) {
  useLanguage(tag);
  nameLanguageSwitch();
  showConnection(streamState);
  if ($('#app').hidden) return;
  prefer({ language: tag });
  await work.refresh();
  recheckEdited();
  showTimes(document);
  if (report.isLoaded()) report.load();
  if (review.isLoaded()) review.load();
  if (!$('#view-history').hidden) timeline.show();
  thread.reload();
  threads.stale();
  extensions.stale();
  find.reload();
  tellTerminals();
}

function changeTheme() {
  tellTerminals();
  if (!$('#app').hidden && !work.current().readOnly) sayTheme();
}

function nameLanguageSwitch() {
  const button = $('#language');
  button.lang = language() === 'zh' ? 'en' : 'zh';
  button.textContent = language() === 'zh' ? 'English' : '中文';
}

function wire() {
  wireDock();
  wireNotify((item) => { location.hash = `item=${item}`; });
  report.wireReport();
  timeline.wireHistory();
  thread.wireThread();
  threads.wireThreads();
  find.wireFind();
  whenFinding(find.focus);
  timeline.useDepartments(departmentTitle);
  $('#language').addEventListener('click', () => changeLanguage(language() === 'zh' ? 'en' : 'zh'));
  $('#theme').addEventListener('click', () => {
    const next = theme() === 'dark' ? 'light' : 'dark';
    document.documentElement.dataset.theme = next;
    if (!$('#app').hidden) prefer({ theme: next });
    changeTheme();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changeTheme);
  $('#logout').addEventListener('click', async () => {
    try { await signOut(); } catch { /* The secret is forgotten here in any case. */ }
    toSignedOut('signin.logged_out');
  });
  whenSignedOut((reason) => { forget(); toSignedOut(reason); });
  whenForgotten(() => toSignedOut('signin.logged_out'));
  work.whenShown(({ attention, project }) => {
    rescueEdits();
    markShown();
    showConnection(streamState);
    showCount(attention, project);
    if (wantedItem && lookAt(wantedItem)) wantedItem = null;
  });
  // A key can also arrive in a page that is open already: the person ran `zhongshu open` and the browser reused the tab.
  addEventListener('hashchange', () => {
    const key = keyFromUrl();
    if (key !== null) trySignIn(key);
    else if (!$('#app').hidden) openView(viewOfUrl());
  });
}

async function boot() {
  const key = keyFromUrl();
  await loadWords();
  useLanguage(language());
  nameLanguageSwitch();
  wire();
  await trySignIn(key);
}

boot().catch((error) => { $('#loading').hidden = true; fault($('#problem'), error); $('#app').hidden = false; });
