// Times: local for reading, exact in the title; ages tick by themselves.
import { language, t } from './i18n.js';
import { $$ } from './dom.js';

const locale = () => (language() === 'zh' ? 'zh-CN' : 'en-GB');

export function local(stamp) {
  const at = new Date(stamp);
  if (Number.isNaN(at.getTime())) return String(stamp);
  const today = at.toDateString() === new Date().toDateString();
  const clock = { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false };
  return today ? at.toLocaleTimeString(locale(), clock)
    : at.toLocaleString(locale(), { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hour12: false });
}

function age(stamp) {
  const seconds = Math.max(0, Math.floor((Date.now() - new Date(stamp).getTime()) / 1000));
  if (!Number.isFinite(seconds)) return '';
  if (seconds < 2) return t('time.now');
  const length = seconds < 60 ? t('time.s', seconds) : seconds < 3600 ? t('time.m', Math.floor(seconds / 60))
    : seconds < 86400 ? t('time.h', Math.floor(seconds / 3600)) : t('time.d', Math.floor(seconds / 86400));
  return t('time.ago', length);
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
}

setInterval(() => { if (!document.hidden) tick(document); }, 1000);
