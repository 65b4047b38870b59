// Times: local for reading, exact in the title; ages tick by themselves.
import { language, t } from './i18n.js';
import { $$ } from './dom.js';

const locale = () => (language() === 'zh' ? 'zh-CN' : 'en-GB');

export function local(stamp) {
  const at = new Date(stamp);
  if (Number.isNaN(at.getTime())) return String(stamp);
  const now = new Date();
  const today = at.toDateString() === now.toDateString();
  const year = at.getFullYear() === now.getFullYear() ? undefined : 'numeric';
  const clock = { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false };
  return today ? at.toLocaleTimeString(locale(), clock)
    : at.toLocaleString(locale(), { year, month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hour12: false });
}

// Never less than nothing: the clock of this machine may be behind the server's.
const passed = (stamp) => Math.max(0, Math.floor((Date.now() - new Date(stamp).getTime()) / 1000));

function length(seconds) {
  if (!Number.isFinite(seconds)) return '';
  return seconds < 60 ? t('time.s', seconds) : seconds < 3600 ? t('time.m', Math.floor(seconds / 60))
    : seconds < 86400 ? t('time.h', Math.floor(seconds / 3600)) : t('time.d', Math.floor(seconds / 86400));
}

function age(stamp) {
  const seconds = passed(stamp);
  if (!Number.isFinite(seconds)) return '';
  return seconds < 2 ? t('time.now') : t('time.ago', length(seconds));
}

export function showTimes(root) {
  for (const node of $$('time[datetime]', root)) {
    node.textContent = local(node.dateTime);
    node.title = node.dateTime;
  }
  tick(root);
}

function tick(root) {
  for (const node of $$('[data-since]', root)) {
    const text = age(node.dataset.since);
    if (node.textContent !== text) node.textContent = text;
    node.title = node.dataset.since;
  }
  for (const node of $$('[data-for]', root)) {
    const text = length(passed(node.dataset.for));
    if (node.textContent !== text) node.textContent = text;
    node.title = node.dataset.for;
  }
}

setInterval(() => { if (!document.hidden) tick(document); }, 1000);
